package exits

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// UnresolvedVariable finds programs that end because Kubernetes left a $(NAME) in what they are given as it was.
var UnresolvedVariable = rule.Cause{
	ID: "unresolved-variable", Title: "a $(NAME) in its settings is not replaced", Doc: rule.ReadDoc(docs, "unresolved_variable.md"),
	Stage: rule.StageExit, On: rule.Pods,
	Beats: append([]string{
		"bad-flag-or-config", "dependency-auth", "dependency-dns", "dependency-refused", "dependency-unreachable", "entrypoint-not-found", "missing-env-var",
	}, beatenByLog...),
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			if d := failed(p, c); d == nil || !mentions(c) {
				continue
			}
			for _, s := range sources(p, c) {
				wants = append(wants, s.want)
			}
			wants = append(wants, snapshot.WantList(snapshot.ServiceKind, p.Object.Namespace, ""))
		}
		return append(wants, logsOfFailed(p, func(c snapshot.Container, _ *rule.Death) bool { return mentions(c) })...)
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if d := failed(p, c); d != nil && killed(p, c, d) == nil && mentions(c) {
				reportUnresolved(p, c, d)
			}
		}
	},
}

// variableName is a name as variables have it and hardly a command: $(date) in a script is for its shell.
var variableName = knowledge.Regexp(`^[A-Z][A-Z0-9_]*$`)

// serviceName is how the variables are called that the kubelet makes for Services.
// Source: kubernetes pkg/kubelet/envvars.
var serviceName = knowledge.Regexp(`_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$`)

// variablesIn are the names of all $(NAME) in a text that the kubelet would replace; $$ stands for a $ that is none of
// them. Source: kubernetes third_party/forked/golang/expansion.
func variablesIn(text string) []string {
	var names []string
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		i++
		if text[i] != '(' {
			continue
		}
		end := strings.IndexByte(text[i:], ')')
		if end < 0 {
			return names
		}
		if name := text[i+1 : i+end]; variableName.MatchString(name) {
			names = append(names, name)
		}
		i += end
	}
	return names
}

// mentions tells whether anything that the container is given has a $(NAME).
func mentions(c snapshot.Container) bool {
	has := func(text string) bool { return len(variablesIn(text)) > 0 }
	return slices.ContainsFunc(c.Args, has) || slices.ContainsFunc(c.Command, has) || slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return has(v.Value) })
}

// unresolved is a $(NAME) that stays as it is.
type unresolved struct {
	name  string
	value string // all of the text in which it stands
	at    rule.Setting
	env   int // which variable has the text, -1 for words of a command line
	later int // which variable has the name and comes too late, -1 for none
}

// unresolvedIn finds every $(NAME) that stays as it is; ok is false where not all names are known.
func unresolvedIn(p *rule.Pass, c snapshot.Container) (list []unresolved, have []string, ok bool) {
	all, unread := p.Variables(c)
	if len(unread) > 0 {
		return nil, nil, false
	}
	for _, v := range all {
		have = append(have, v.Name)
	}
	links := p.Object.Pod().Spec.EnableServiceLinks
	ofService := func(name string) bool { // for a Service, or perhaps for one
		switch {
		case strings.HasPrefix(name, "KUBERNETES_"):
			return true
		case !serviceName.MatchString(name) || links != nil && !*links:
			return false
		case !p.ListRead(snapshot.ServiceKind, p.Object.Namespace):
			return true
		}
		return slices.ContainsFunc(p.List(snapshot.ServiceKind, p.Object.Namespace), func(o *snapshot.Object) bool {
			return strings.HasPrefix(name, strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))+"_")
		})
	}
	container := p.ContainerSetting(c)
	for _, words := range []struct {
		name string
		list []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, w := range words.list {
			for _, name := range variablesIn(w) {
				if !slices.Contains(have, name) && !ofService(name) {
					list = append(list, unresolved{name, w, container.Child(words.name).Index(i), -1, -1})
				}
			}
		}
	}
	index := func(name string, from int) int {
		for i := from; i < len(c.Env); i++ {
			if c.Env[i].Name == name {
				return i
			}
		}
		return -1
	}
	brought := func(name string) bool { // by envFrom, which comes before env
		return slices.ContainsFunc(sources(p, c), func(s source) bool {
			names, _ := s.names()
			return slices.Contains(names, name)
		})
	}
	for i, v := range c.Env {
		for _, name := range variablesIn(v.Value) {
			if first := index(name, 0); first >= 0 && first < i || brought(name) || ofService(name) {
				continue
			}
			list = append(list, unresolved{name, v.Value, envSetting(p, c, i).Child("value"), i, index(name, i+1)})
		}
	}
	return list, have, true
}

// quotes tells whether a line that the program ended with has the reference: then it stumbled over this one.
func (u unresolved) quotes(p *rule.Pass, c snapshot.Container, d *rule.Death) (rule.Evidence, bool) {
	literal := "$(" + u.name + ")"
	if strings.Contains(d.Message, literal) && neverStarted(d) {
		return p.DeathEvidence(c, d), true
	}
	text, quote := loopText(p, c, d)
	lines := logLines(text)
	for i := len(lines) - 1; i >= max(0, len(lines)-tellingLines); i-- {
		if strings.Contains(lines[i], literal) && (looksBad.MatchString(lines[i]) || dnsReading.words.MatchString(lines[i])) {
			return quote(strings.Join(rule.Lines(lines[i]), " ")), true
		}
	}
	return rule.Evidence{}, false
}

func reportUnresolved(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	list, have, ok := unresolvedIn(p, c)
	if !ok || len(list) == 0 {
		return
	}
	u, certainty := list[0], rule.Likely
	evidence := []rule.Evidence{p.DeathEvidence(c, d)}
	if u.env >= 0 || strings.ContainsAny(u.value, " \n") {
		certainty = rule.Possible // whether the program heeds the variable, and what a script makes of it, is not known
	}
	for _, other := range list {
		if line, ok := other.quotes(p, c, d); ok {
			u, certainty, evidence = other, rule.Certain, append([]rule.Evidence{line}, evidence...)
			break
		}
	}
	if neverStarted(d) && certainty != rule.Certain {
		return // the runtime stumbled over something else
	}
	f := rule.Finding{
		Object: u.at.Object, Seen: p.Object.In(c.Name), Evidence: evidence, Certainty: certainty, History: past(p, d), Stage: stage(c),
		RuledOut: []string{fmt.Sprintf("a variable that is set and empty: that would replace $(%s) by nothing", u.name)},
	}
	literal, ends := "$("+u.name+")", "; it "+exits(d)+d.Lived()
	if neverStarted(d) {
		ends = "; it cannot be started" + d.Lived()
	}
	label := fmt.Sprintf("no variable %s is set", u.name)
	where := "its command line"
	if u.env >= 0 {
		where = "the value of " + c.Env[u.env].Name
	}
	f.Message = fmt.Sprintf("Kubernetes leaves %s in %s as it is, since no variable %s is set%s", literal, where, u.name, ends)
	if u.later >= 0 {
		label = fmt.Sprintf("%s is set further down, and only what is above counts", u.name)
		f.Message = fmt.Sprintf("Kubernetes leaves %s in %s as it is, since %s is only set below it%s", literal, where, u.name, ends)
		f.RuledOut = []string{fmt.Sprintf("a misspelled name: env has %s", u.name)}
	}
	if knowledge.Mask(u.value) == u.value {
		point(&f, u.at, u.value, label)
	} else {
		point(&f, p.ContainerSetting(c), "", label)
	}
	f.Fix = u.fix(p, c, have)
	p.Report(f)
}

// fix is the change that gives the reference a value: by the name that is there, by its order, or by a new variable.
func (u unresolved) fix(p *rule.Pass, c snapshot.Container, have []string) *rule.Fix {
	container, plain := p.ContainerSetting(c), knowledge.Mask(u.value) == u.value
	if u.later >= 0 {
		fix := &rule.Fix{Title: fmt.Sprintf("set %s before %s", u.name, c.Env[u.env].Name), Applicability: rule.NeedsThought}
		if entry := c.Env[u.later]; knowledge.Mask(entry.Value) == entry.Value && !knowledge.SecretName(entry.Name) {
			from, to := envSetting(p, c, u.later), envSetting(p, c, u.env)
			return patched(p, container.Object, []rule.Op{
				sameName(container, c),
				{Op: "test", Path: from.Child("name").Pointer(), Value: entry.Name},
				{Op: "test", Path: to.Child("name").Pointer(), Value: c.Env[u.env].Name},
				{Op: "remove", Path: from.Pointer()},
				{Op: "add", Path: to.Pointer(), Value: rule.Plain(entry)},
			}, *fix)
		}
		return fix
	}
	near := knowledge.Slip(u.name, have)
	if near == "" {
		near = likeName(u.name, have)
	}
	for _, n := range have {
		if near == "" && len(n) > 3 && (strings.HasPrefix(n, u.name) || strings.HasPrefix(u.name, n)) {
			near = n
		}
	}
	if near != "" && plain {
		patch := u.at.ReplaceValue(u.value, strings.ReplaceAll(u.value, "$("+u.name+")", "$("+near+")"))
		return &rule.Fix{
			Title: fmt.Sprintf("name %s, which is set", near), Caution: "the names are alike; that the value is the right one, only you know",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(u.at.Object, patch),
		}
	}
	fix := rule.Fix{Title: fmt.Sprintf("set the variable %s, or write $$(%s) if the program is to get it as it stands", u.name, u.name), Applicability: rule.Placeholders}
	if u.env < 0 {
		fix.Command = []string{"set", "env", container.Object.String(), "-c", c.Name, u.name + "=<VALUE>"}
		return &fix
	}
	at := envSetting(p, c, u.env) // set env would put it behind what needs it
	return patched(p, container.Object, []rule.Op{
		sameName(container, c),
		{Op: "test", Path: at.Child("name").Pointer(), Value: c.Env[u.env].Name},
		{Op: "add", Path: at.Pointer(), Value: map[string]any{"name": u.name, "value": "<VALUE>"}},
	}, fix)
}
