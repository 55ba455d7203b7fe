package exits

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// MissingEnvVar finds programs that end because an environment variable is not set.
var MissingEnvVar = logCause("missing-env-var", "an environment variable that it needs is not set", "missing_env_var.md", wantsOfEnv, reportEnv)

const (
	envName = `["'` + "`" + `$%{(]*\b([A-Z][A-Z0-9_]{2,63})\b`
	notSet  = `(?i:not (?:been )?set|unset|missing|required|undefined|not defined|not found|not provided|not specified|not present|must be (?:set|defined|provided|specified|given|supplied|configured|exported|present|non-?empty|not empty)|(?:must not|cannot|can't|may not) be (?:empty|blank)|is empty|is blank|needed)`
	envWord = `(?i:env(?:ironment)?[ _-]?var(?:iable)?s?|os\.environ|process\.env|envvar)`
)

var envReading = reading{
	words: knowledge.Regexp(notSet + `|KeyError|unbound variable|parameter (?:null or )?not set|key not found|Could not resolve placeholder|Set the [A-Z]|specify|no value`),
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		for _, pattern := range envPatterns {
			if m := pattern.FindStringSubmatch(line); m != nil {
				return &reason{cause: "missing-env-var", what: m[1]}
			}
		}
		if m := envAlone.FindStringSubmatchIndex(line); m != nil && isVariable(line, line[m[2]:m[3]], line[:m[2]], line[m[4]:m[5]]) {
			return &reason{cause: "missing-env-var", what: line[m[2]:m[3]]}
		}
		// Python names only the key; that it was one of the environment, the stack above says.
		if m := keyError.FindStringSubmatch(line); m != nil {
			for _, before := range lines[max(0, at-12):at] {
				if strings.Contains(before, "environ") || strings.Contains(before, "<frozen os>") || strings.Contains(before, "/os.py\"") {
					return &reason{cause: "missing-env-var", what: m[1]}
				}
			}
		}
		return nil
	},
}

var (
	envPatterns = []*knowledge.Pattern{
		knowledge.Regexp(envWord + `[^\n]{0,40}?` + envName + `[^\n]{0,30}?` + notSet),
		knowledge.Regexp(notSet + `[^\n]{0,40}?` + envWord + `[^\n]{0,20}?` + envName),
		knowledge.Regexp(envWord + `[^\n]{0,40}?` + notSet + `[^\n]{0,20}?` + envName),
		knowledge.Regexp(envName + `["'` + "`" + `})]* ` + envWord + `[^\n]{0,30}?` + notSet),
		knowledge.Regexp(`\b([A-Z][A-Z0-9_]{2,63}): (?:unbound variable|parameter (?:null or )?not set)`),
		knowledge.Regexp(`required key ([A-Z][A-Z0-9_]{2,63}) missing value`),
		knowledge.Regexp(`Could not resolve placeholder '([A-Z][A-Z0-9_]{2,63})'`),
		knowledge.Regexp(`Set the ([A-Z][A-Z0-9_]{2,63}) environment variable`),
		knowledge.Regexp(`\b([A-Z][A-Z0-9_]{2,63}) not found\. Declare it as envvar`),
		knowledge.Regexp(`(?i:you (?:must|need to) specify) ([A-Z][A-Z0-9]*_[A-Z0-9_]{1,63})`),
		knowledge.Regexp(`key not found: "([A-Z][A-Z0-9_]{2,63})" \(KeyError\)`),
	}
	envAlone = knowledge.Regexp(envName + `["'` + "`" + `})]*,? (?:is |was |are |has )?(` + notSet + `)`)
	// plainlyUnset are words that are said of variables, and hardly of anything else.
	plainlyUnset = knowledge.Regexp(`(?i)^(?:not (?:been )?set|unset|must be (?:set|exported|defined|provided|configured))`)
	// otherNames are the things that have names in capitals too.
	otherNames = knowledge.Regexp(`(?i)\b(?:topic|column|field|table|index|queue|bucket|constraint|enum|property|attribute|sequence|view|schema|relation|stream|subject|exchange|record|row|entity|segment|label|tag|header|element|node|class|constant|symbol|function|method|macro|cell|sheet|feature|flag|database|collection|partition|shard|product|item|type|state|event)s? ?[:=]? ?["'` + "`" + `(]*$`)
	// inCode are errors about names in the program's own code.
	inCode     = knowledge.Regexp(`\b(?:ReferenceError|NameError|NoMethodError|UnboundLocalError|AttributeError)\b|uninitialized constant|cannot find symbol|undeclared`)
	ofSettings = knowledge.Regexp(`(?i)\benv|config|setting|\bvariables?\b|\bsecrets?\b`)
	// likeSettings are names such as variables have that tell a program where something is, and with which right.
	likeSettings = knowledge.Regexp(`_(?:URL|URI|DSN|HOST|HOSTNAME|PORT|ADDR|ADDRESS|ENDPOINT|KEY|TOKEN|SECRET|PASSWORD|PASS|USERNAME|DIR|FILE|ENV|REGION|CONFIG)$`)
	keyError     = knowledge.Regexp(`^KeyError: '([A-Z][A-Z0-9_]{2,63})'`)
)

// isVariable tells a variable from what else has a name in capitals: a topic, a column, a field of a form. Words are
// what is said of it.
func isVariable(line, name, before, words string) bool {
	marked := strings.HasSuffix(before, "$") || strings.HasSuffix(before, "${") || strings.HasSuffix(before, "%")
	switch {
	case inCode.MatchString(line):
		return false
	case marked:
		return true
	case !strings.Contains(name, "_") || otherNames.MatchString(before):
		return false
	}
	return plainlyUnset.MatchString(words) || ofSettings.MatchString(line) || likeSettings.MatchString(name)
}

// source is an object that envFrom takes whole.
type source struct {
	want   snapshot.Want
	object *snapshot.Object
	word   string
	prefix string
}

// sources are the objects from which the container takes all keys.
func sources(p *rule.Pass, c snapshot.Container) []source {
	var list []source
	add := func(gk snapshot.Want, word, prefix string) {
		o, _ := p.Lookup(gk.GroupKind(), gk.Namespace, gk.Name)
		list = append(list, source{gk, o, word, prefix})
	}
	for _, from := range c.EnvFrom {
		switch {
		case from.ConfigMapRef != nil:
			add(snapshot.WantGet(snapshot.ConfigMapKind, p.Object.Namespace, from.ConfigMapRef.Name), "configmap/"+from.ConfigMapRef.Name, from.Prefix)
		case from.SecretRef != nil:
			add(snapshot.WantGet(snapshot.SecretKind, p.Object.Namespace, from.SecretRef.Name), "secret/"+from.SecretRef.Name, from.Prefix)
		}
	}
	return list
}

// names are the variables that an object brings; known is false where its keys are not.
func (s source) names() (names []string, known bool) {
	if s.object == nil || !s.object.KeysKnown {
		return nil, false
	}
	for _, k := range s.object.Keys {
		names = append(names, s.prefix+k)
	}
	return names, true
}

// gone tells whether the server says that there is no such object: the container was started without, since it is
// optional, or the object was deleted since.
func (s source) gone(p *rule.Pass) bool {
	o, out := p.Lookup(s.want.GroupKind(), s.want.Namespace, s.want.Name)
	return o == nil && out.State == snapshot.Absent && out.Proven
}

// reportGone tells of a source that does not exist, which may be what was to bring the variable.
func reportGone(p *rule.Pass, c snapshot.Container, e *ended, i int, f *rule.Finding) {
	s := sources(p, c)[i]
	var from []corev1.EnvFromSource // those that name an object, as sources lists them
	var at []int
	for n, v := range c.EnvFrom {
		if v.ConfigMapRef != nil || v.SecretRef != nil {
			from, at = append(from, v), append(at, n)
		}
	}
	field, optional := "configMapRef", false
	if ref := from[i].SecretRef; ref != nil {
		field, optional = "secretRef", ref.Optional != nil && *ref.Optional
	} else if ref := from[i].ConfigMapRef; ref != nil {
		optional = ref.Optional != nil && *ref.Optional
	}
	setting := p.ContainerSetting(c).Child("envFrom").Index(at[i]).Child(field, "name")
	label, why := "there is none of this name", ""
	if optional {
		label, why = "there is none of this name, and optional lets the container start without", ", and optional lets the container start without it"
	}
	point(f, setting, s.want.Name, label)
	f.Message = fmt.Sprintf("needs the variable %s, and %s, from which envFrom takes all, does not exist%s%s", e.what, s.word, why, e.ends())
	f.RuledOut = append(f.RuledOut, fmt.Sprintf("a variable that is set and empty: env has no %s", e.what))
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Text: s.word + ": not found"})
	f.Fix = &rule.Fix{
		Title: fmt.Sprintf("create %s with the key %s, or name the one that is meant; drop optional, so that the pod says what it waits for", s.word, strings.TrimPrefix(e.what, s.prefix)), Applicability: rule.Placeholders,
		Command: []string{"create", "configmap", s.want.Name, "--from-literal=" + written(c, e.what, "<NAME>") + "=<VALUE>"},
	}
	if field == "secretRef" {
		f.Fix.Command = []string{"create", "secret", "generic", s.want.Name, "--from-literal=" + written(c, e.what, "<NAME>") + "=<VALUE>"}
	}
	if near := knowledge.Slip(s.want.Name, p.Names(s.want.GroupKind(), p.Object.Namespace)); near != "" {
		patch := setting.ReplaceValue(s.want.Name, near)
		f.Fix = &rule.Fix{
			Title: fmt.Sprintf("name %s, the nearest that is there", near), Caution: "the names are alike; that it is the one that is meant, only you know",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(setting.Object, patch),
		}
	}
}

func wantsOfEnv(p *rule.Pass, c snapshot.Container, e *ended) []snapshot.Want {
	var wants []snapshot.Want
	for _, s := range sources(p, c) {
		wants = append(wants, s.want)
	}
	for _, v := range c.Env {
		if ref := v.ValueFrom; v.Name == e.what && ref != nil {
			switch {
			case ref.SecretKeyRef != nil:
				wants = append(wants, snapshot.WantGet(snapshot.SecretKind, p.Object.Namespace, ref.SecretKeyRef.Name))
			case ref.ConfigMapKeyRef != nil:
				wants = append(wants, snapshot.WantGet(snapshot.ConfigMapKind, p.Object.Namespace, ref.ConfigMapKeyRef.Name))
			}
		}
	}
	return wants
}

func reportEnv(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	for i := len(c.Env) - 1; i >= 0; i-- { // of two with one name the last counts
		if c.Env[i].Name != e.what {
			continue
		}
		if reportSetEnv(p, c, e, i, &f) {
			p.Report(f)
		}
		return
	}
	gone := -1
	for i, s := range sources(p, c) {
		names, known := s.names()
		switch {
		case s.gone(p):
			gone = i
		case !known:
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Text: fmt.Sprintf("the keys of %s, which envFrom takes, were not read", s.word)})
		case slices.Contains(names, e.what):
			reportBrought(e, s, &f)
			p.Report(f)
			return
		case len(names) > 0:
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: s.object.Ref, Text: fmt.Sprintf("variables that %s brings: %s", s.word, few(names))})
		}
	}
	if gone >= 0 && knowledge.Slip(e.what, envNames(c)) == "" {
		reportGone(p, c, e, gone, &f)
	} else {
		reportUnsetEnv(p, c, e, &f)
	}
	p.Report(f)
}

func envNames(c snapshot.Container) []string {
	var names []string
	for _, v := range c.Env {
		names = append(names, v.Name)
	}
	return names
}

// reportBrought tells of a variable that envFrom does bring: what a program then calls not set is empty.
func reportBrought(e *ended, s source, f *rule.Finding) {
	key := strings.TrimPrefix(e.what, s.prefix)
	f.NoField = fmt.Sprintf("key %s of %s is there, and its value is not read", key, s.word)
	f.Message = fmt.Sprintf("says that %s is not set, and %s brings it: its value is empty, or came after the container's start%s", e.what, s.word, e.ends())
	if cm, ok := s.object.Typed.(*corev1.ConfigMap); ok {
		value := cm.Data[key]
		if !knowledge.SecretName(e.what) && knowledge.Mask(value) == value { // what is drawn holds no password
			point(f, rule.Setting{Object: s.object.Ref, Path: rule.FieldPath("data").Key(key)}, "", "is this empty?")
		}
		if value != "" {
			f.Certainty, f.Label = rule.Possible, "the container may have started before this was here"
			f.Message = fmt.Sprintf("says that %s is not set, and %s brings it with a value%s: did that come after the container's start?", e.what, s.word, e.exit())
		}
	}
	f.RuledOut = append(f.RuledOut, fmt.Sprintf("a missing key: %s has %s", s.word, key))
	if made := s.object.Meta.GetCreationTimestamp(); made.After(e.StartedAt.Time) {
		f.Label = "was not here yet when the container started"
		if e.after == "" {
			f.Certainty = rule.Likely
		}
		f.Message = fmt.Sprintf("needs the variable %s, and %s, which brings it, was only made after the container had started%s", e.what, s.word, e.ends())
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: s.object.Ref, Field: "metadata.creationTimestamp", Time: made.Time, Text: s.word + " was made"})
		f.Fix = &rule.Fix{Title: "nothing, if it runs by now: each start of the container reads the variables anew", Applicability: rule.NeedsThought}
		return
	}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("see whether key %s of %s has a value, and give it one", key, s.word),
		Caution:       "a container reads it as it starts: this one with its next restart, others that take it when they are restarted",
		Applicability: rule.NeedsThought,
	}
}

// reportSetEnv judges a variable that env names all the same; false where that contradicts the program.
func reportSetEnv(p *rule.Pass, c snapshot.Container, e *ended, i int, f *rule.Finding) bool {
	entry, v := envSetting(p, c, i), c.Env[i]
	switch ref := v.ValueFrom; {
	case ref == nil && v.Value != "":
		return false
	case ref == nil:
		point(f, entry, "", "set here, to nothing")
		f.Message = fmt.Sprintf("needs the variable %s, which is set to an empty value%s", e.what, e.ends())
		f.RuledOut = append(f.RuledOut, "a name that is misspelled: env has exactly this one")
		f.Fix = setEnv(p, c, e.what, true)
	case ref.SecretKeyRef != nil:
		refer(p, e, f, entry.Child("valueFrom", "secretKeyRef"), "secret", ref.SecretKeyRef.Name, ref.SecretKeyRef.Key, ref.SecretKeyRef.Optional)
	case ref.ConfigMapKeyRef != nil:
		refer(p, e, f, entry.Child("valueFrom", "configMapKeyRef"), "configmap", ref.ConfigMapKeyRef.Name, ref.ConfigMapKeyRef.Key, ref.ConfigMapKeyRef.Optional)
	case ref.FieldRef != nil && lacksField(p, ref.FieldRef.FieldPath) != "":
		reportLackedField(p, e, entry, ref.FieldRef.FieldPath, f)
	default:
		point(f, entry, "", "what this names may be empty")
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("says that %s is not set, and it is taken from a field of the pod%s: is that field empty?", e.what, e.exit())
		f.Fix = &rule.Fix{Title: "set the field of the pod that the variable is taken from", Applicability: rule.NeedsThought}
	}
	return true
}

// podField is how a variable names a label or an annotation of the pod.
var podField = knowledge.Regexp(`^metadata\.(annotations|labels)\['([^']+)'\]$`)

// lacksField is what of the pod a fieldRef names that the pod does not have: "annotation nope"; "" for what it has. The
// variable is empty then. Source: kubernetes pkg/fieldpath, ExtractFieldPathAsString.
func lacksField(p *rule.Pass, path string) string {
	m := podField.FindStringSubmatch(path)
	if m == nil {
		return ""
	}
	have, word := p.Object.Pod().Annotations, "annotation "
	if m[1] == "labels" {
		have, word = p.Object.Pod().Labels, "label "
	}
	if _, ok := have[m[2]]; ok {
		return ""
	}
	return word + m[2]
}

func reportLackedField(p *rule.Pass, e *ended, entry rule.Setting, path string, f *rule.Finding) {
	lacked, at := lacksField(p, path), entry.Child("valueFrom", "fieldRef", "fieldPath")
	m := podField.FindStringSubmatch(path)
	values := p.Object.Pod().Annotations
	if m[1] == "labels" {
		values = p.Object.Pod().Labels
	}
	have := slices.Sorted(maps.Keys(values))
	point(f, at, path, "the pod has no "+lacked)
	f.Message = fmt.Sprintf("needs the variable %s, which is taken from %s of the pod, and that has none of this name%s", e.what, lacked, e.ends())
	f.RuledOut = append(f.RuledOut, "a name that is misspelled in the program: env has exactly this one")
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "metadata." + m[1], Text: fmt.Sprintf("%s of the pod: %s", m[1], orNone(have))})
	f.Fix = &rule.Fix{Title: fmt.Sprintf("give the pods of this template %s, or take the value from what they have: %s", lacked, orNone(have)), Applicability: rule.NeedsThought}
	if near := knowledge.Slip(m[2], have); near != "" {
		patch := at.ReplaceValue(path, "metadata."+m[1]+"['"+near+"']")
		f.Fix.Title, f.Fix.Caution = fmt.Sprintf("take it from %s, the nearest that the pod has", near), "the names are alike; that the value is the right one, only you know"
		f.Fix.Patch, f.Fix.Command = patch, p.PatchCommand(at.Object, patch)
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return few(list)
}

// refer judges a variable that is taken from a key. The container was started, so the key was there,
// or may be missing.
func refer(p *rule.Pass, e *ended, f *rule.Finding, at rule.Setting, kind, name, key string, optional *bool) {
	gk := snapshot.SecretKind
	if kind == "configmap" {
		gk = snapshot.ConfigMapKind
	}
	object, out := p.Lookup(gk, p.Object.Namespace, name)
	where := fmt.Sprintf("%s/%s", kind, name)
	gone := object == nil && out.State == snapshot.Absent
	lacks := object != nil && object.KeysKnown && !slices.Contains(object.Keys, key)
	switch {
	case optional == nil || !*optional || !gone && !lacks:
		point(f, at.Child("key"), key, "is the value behind this key empty?")
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("says that %s is not set, and it is taken from key %q of %s%s: is that value empty?", e.what, key, where, e.exit())
		f.Fix = &rule.Fix{Title: fmt.Sprintf("see whether key %q of %s has a value", key, where), Applicability: rule.NeedsThought}
		return
	case gone:
		point(f, at.Child("name"), name, "there is none of this name, and optional lets the container start without")
		f.Message = fmt.Sprintf("needs the variable %s, which is optional here: there is no %s%s", e.what, where, e.ends())
		f.Fix = &rule.Fix{Title: fmt.Sprintf("create %s with key %q; drop optional, so that the pod says what it waits for", where, key), Applicability: rule.NeedsThought}
		return
	}
	point(f, at.Child("key"), key, fmt.Sprintf("not a key of %s, and optional lets the container start without", where))
	f.Message = fmt.Sprintf("needs the variable %s, which is optional here: %s has no key %q%s", e.what, where, key, e.ends())
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: object.Ref, Text: fmt.Sprintf("keys of %s: %s", where, few(object.Keys))})
	f.Fix = &rule.Fix{Title: fmt.Sprintf("name a key that %s has, or add this one to it", where), Applicability: rule.NeedsThought}
	if near := knowledge.Slip(key, object.Keys); near != "" {
		f.Fix.Title = fmt.Sprintf("use the key %q, the nearest that %s has", near, where)
		f.Fix.Caution = "the name is alike; that the value is the right one, only you know"
		f.Fix.Patch = at.Child("key").ReplaceValue(key, near)
		f.Fix.Command = p.PatchCommand(at.Object, f.Fix.Patch)
	}
}

func reportUnsetEnv(p *rule.Pass, c snapshot.Container, e *ended, f *rule.Finding) {
	have := envNames(c)
	f.RuledOut = append(f.RuledOut, fmt.Sprintf("a variable that is set and empty: env has no %s", e.what))
	if near := knowledge.Slip(e.what, have); near != "" {
		i := slices.Index(have, near)
		name := envSetting(p, c, i).Child("name")
		point(f, name, near, "is this the one that is meant?")
		f.Message = fmt.Sprintf("needs the variable %s, and env has %s%s", e.what, near, e.ends())
		patch := name.ReplaceValue(near, written(c, e.what, "<NAME>"))
		f.Fix = &rule.Fix{
			Title:         fmt.Sprintf("name it %s, as the program does", e.what),
			Caution:       fmt.Sprintf("nothing sets %s any more then: see that nothing else in the container reads it", near),
			Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(name.Object, patch),
		}
		if written(c, e.what, "") == "" {
			f.Fix.Applicability = rule.Placeholders
		}
		return
	}
	container := p.ContainerSetting(c)
	point(f, container.Child("env"), "", fmt.Sprintf("no entry %s here", e.what))
	f.Message = fmt.Sprintf("needs the variable %s, and nothing sets it%s", e.what, e.ends())
	for _, s := range sources(p, c) {
		names, known := s.names()
		if !known {
			f.Message = fmt.Sprintf("needs the variable %s, and no entry of env sets it%s", e.what, e.ends())
		}
		if near := likeName(e.what, names); near != "" {
			f.Message = fmt.Sprintf("needs the variable %s, and %s brings %s%s", e.what, s.word, near, e.ends())
			f.Label = fmt.Sprintf("no entry %s here; is %s meant?", e.what, near)
			f.Fix = takeKey(p, c, e.what, s, strings.TrimPrefix(near, s.prefix))
			return
		}
	}
	f.Fix = setEnv(p, c, e.what, false)
	for _, s := range sources(p, c) {
		if s.want.GroupKind() == snapshot.ConfigMapKind && !knowledge.SecretName(e.what) { // where the workload has its settings
			f.Fix.Title += fmt.Sprintf(", here or in %s, which envFrom takes whole", s.word)
			break
		}
	}
}

// likeName is the name among those that envFrom brings which may be meant: one letter off, or with another
// prefix.
func likeName(name string, names []string) string {
	if near := knowledge.Slip(name, names); near != "" {
		return near
	}
	for _, n := range names {
		if len(n) > 2 && (strings.HasSuffix(name, "_"+n) || strings.HasSuffix(n, "_"+name)) {
			return n
		}
	}
	return ""
}

// takeKey is an entry of env that takes the value from the key whose name is nearly the one that is needed:
// nothing else that takes the object changes by that.
func takeKey(p *rule.Pass, c snapshot.Container, name string, s source, key string) *rule.Fix {
	from := "configMapKeyRef"
	if s.want.GroupKind() == snapshot.SecretKind {
		from = "secretKeyRef"
	}
	fix := &rule.Fix{
		Title:         fmt.Sprintf("give the program the value of key %s of %s by the name that it reads, or rename the key", key, s.word),
		Caution:       "the names are alike; that the value is the right one, only you know",
		Applicability: rule.NeedsThought,
	}
	if name = written(c, name, "<NAME>"); name == "<NAME>" {
		fix.Applicability = rule.Placeholders
	}
	entry := map[string]any{"name": name, "valueFrom": map[string]any{from: map[string]any{"name": s.want.Name, "key": key}}}
	container := p.ContainerSetting(c)
	ops := []rule.Op{{Op: "test", Path: container.Child("name").Pointer(), Value: c.Name}}
	if p.Has(container.Child("env")) && len(c.Env) > 0 {
		ops = append(ops, rule.Op{Op: "add", Path: container.Child("env").Pointer() + "/-", Value: entry})
	} else {
		ops = append(ops, rule.Op{Op: "add", Path: container.Child("env").Pointer(), Value: []any{entry}})
	}
	fix.Patch = &rule.Patch{Type: "json", Body: ops}
	fix.Command = p.PatchCommand(container.Object, fix.Patch)
	return fix
}

// setEnv is the command that sets a variable. The program's own words do not enter it; where the spec
// has the name too, it is the spec's.
func setEnv(p *rule.Pass, c snapshot.Container, name string, there bool) *rule.Fix {
	object := p.ContainerSetting(c).Object
	if !there {
		name = written(c, name, "<NAME>")
	}
	fix := &rule.Fix{
		Title:         "set the variable to what the program needs",
		Applicability: rule.Placeholders,
		Command:       []string{"set", "env", object.String(), "-c", c.Name, name + "=<VALUE>"},
	}
	if knowledge.SecretName(name) {
		fromSecret(p, c, name, there, fix)
	}
	return fix
}

// fromSecret makes a fix that takes a variable from a Secret: kubectl set env would name it as the key is.
func fromSecret(p *rule.Pass, c snapshot.Container, name string, there bool, fix *rule.Fix) {
	fix.Title = "set the variable from a Secret that holds it"
	entry := map[string]any{"name": name, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "<SECRET>", "key": "<KEY>"}}}
	container := p.ContainerSetting(c)
	ops := []rule.Op{sameName(container, c)}
	at := slices.IndexFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name })
	switch {
	case there && at >= 0:
		set := envSetting(p, c, at)
		ops = append(ops, rule.Op{Op: "test", Path: set.Child("name").Pointer(), Value: name}, rule.Op{Op: "replace", Path: set.Pointer(), Value: entry})
	case p.Has(container.Child("env")) && len(c.Env) > 0:
		ops = append(ops, rule.Op{Op: "add", Path: container.Child("env").Pointer() + "/-", Value: entry})
	default:
		ops = append(ops, rule.Op{Op: "add", Path: container.Child("env").Pointer(), Value: []any{entry}})
	}
	fix.Patch = &rule.Patch{Type: "json", Body: ops}
	fix.Command = p.PatchCommand(container.Object, fix.Patch)
}

// written is the name where an argument or the command of the container has it, and otherwise instead:
// what only a log says enters no command.
func written(c snapshot.Container, name, instead string) string {
	for _, list := range [][]string{c.Args, c.Command} {
		for _, w := range list {
			if w == name {
				return name
			}
		}
	}
	for _, v := range c.Env {
		if v.Name == name {
			return name
		}
	}
	return instead
}

// few lists a few of many.
func few(list []string) string { return rule.Few(list, 8) }
