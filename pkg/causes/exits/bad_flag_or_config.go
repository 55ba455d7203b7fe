package exits

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// BadFlagOrConfig finds programs that end because they do not understand what they were given: a flag,
// or a configuration file.
var BadFlagOrConfig = logCause("bad-flag-or-config", "does not understand a flag or its configuration", "bad_flag_or_config.md", wantsOfConfig,
	func(p *rule.Pass, c snapshot.Container, e *ended) {
		switch e.port {
		case aFlag:
			reportFlag(p, c, e)
		case aLink:
			reportLink(p, c, e)
		default:
			reportConfig(p, c, e)
		}
	})

const aFlag = "flag"

var flagPatterns = []*knowledge.Pattern{
	knowledge.Regexp(`flag provided but not defined: (-\S+)`),
	knowledge.Regexp(`unknown shorthand flag: '.' in (-\S+)`),
	knowledge.Regexp(`(?i)(?:unknown|unrecognized|unrecognised|invalid|bad|no such|unexpected|illegal) (?:long |command.line )?(?:flag|option|argument|parameter)s?(?: found)?:? *(?:--? )?["'‘“` + "`" + `]?(--?[A-Za-z][A-Za-z0-9_.:-]*)`),
	knowledge.Regexp(`unexpected argument '(--?[^' ]+)' found`),
	knowledge.Regexp(`Unrecognized VM option '([^']+)'`),
	knowledge.Regexp(`invalid (?:value|argument) "[^"]*" for (?:flag |")?(?:-\w, )?(--?[A-Za-z][A-Za-z0-9_-]*)`),
	knowledge.Regexp(`(?:flag needs an argument|option requires an argument): *(?:--? )?'?(--?[A-Za-z][A-Za-z0-9_-]*)`),
	knowledge.Regexp(`unrecognized arguments: (\S+)`),
	knowledge.Regexp(`unknown command "([^"]+)" for "`),
}

var flagReading = reading{
	words: knowledge.Regexp(`(?i)flag|option|argument|unknown command|parameter`),
	read: func(lines []string, at int, _ int32) *reason {
		for _, pattern := range flagPatterns {
			m := pattern.FindStringSubmatch(lines[at])
			if m == nil {
				continue
			}
			r := &reason{cause: "bad-flag-or-config", what: strings.TrimRight(m[1], ".,;:"), port: aFlag}
			r.more = knowledge.Slip(strings.TrimLeft(r.what, "-"), usageFlags(lines))
			return r
		}
		return nil
	},
}

var usageFlag = knowledge.Regexp(`^\s+(?:-\w, )?--?([A-Za-z][A-Za-z0-9_-]+)|\[--?([A-Za-z][A-Za-z0-9_-]+)`)

// usageFlags are the flags that a program's usage lists.
func usageFlags(lines []string) []string {
	var names []string
	for _, l := range lines {
		for _, m := range usageFlag.FindAllStringSubmatch(l, -1) {
			names = append(names, m[1]+m[2])
		}
	}
	return names
}

const configFile = `(/[A-Za-z0-9._@%+~/-]*\.(?:ya?ml|json|jsonc|toml|conf|cnf|cfg|ini|properties|xml|env|hcl|tf|rules|config))`

var (
	parseWords = knowledge.Regexp(`(?i)yaml: |mapping values are not allowed|did not find expected|cannot start any token|could not find expected|cannot unmarshal|invalid character|unexpected end of json|jsondecodeerror|unexpected token|not valid json|toml: |parse error|error parsing|parsing |cannot parse|failed to parse|syntax error|unknown directive|invalid (?:number|parameter|value)|unexpected "|\[emerg\]|config file error|bad directive|unknown key|unknown field|unmarshal`)
	absent     = knowledge.Regexp(`(?i)no such file or directory|ENOENT|FileNotFound|not found|does not exist|cannot find|can't open`)
	// sent are words about what somebody else gave a program, which is not what it is set up with.
	sent       = knowledge.Regexp(`(?i)\b(?:upload|download|attach|request|client|customer|visitor|imported by|user \S{1,40} (?:upload|send|sent|ask))`)
	configPath = knowledge.Regexp(configFile + `(?::(\d+))?`)
	lineNumber = knowledge.Regexp(`(?i)\bline:? (\d+)`)
	configWord = knowledge.Regexp(`(?i)\bconfig(?:uration)?\b`)
)

var configReading = reading{
	words: knowledge.Regexp(`(?i)` + configFile + `|config`),
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		r := &reason{cause: "bad-flag-or-config"}
		if m := configPath.FindStringSubmatch(line); m != nil {
			r.what, r.more = path.Clean(m[1]), m[2]
		}
		if r.what == "" && !configWord.MatchString(line) {
			return nil
		}
		switch m := lineNumber.FindStringSubmatch(line); {
		case sent.MatchString(line) && !parseWords.MatchString(line):
			return nil
		case absent.MatchString(line) && r.what != "":
			r.more = isAbsent
		case !parseWords.MatchString(line):
			return nil
		case m != nil && r.more == "":
			r.more = m[1]
		}
		return r
	},
}

// isAbsent is what the more of a reason says of a file that is not there; else it is the line in it.
const isAbsent = "absent"

func wantsOfConfig(p *rule.Pass, c snapshot.Container, e *ended) []snapshot.Want {
	if e.port == aLink {
		return []snapshot.Want{snapshot.WantList(snapshot.ServiceKind, p.Object.Namespace, "")}
	}
	if e.port == aFlag || e.what == "" {
		return nil
	}
	if s := scriptOf(p, c, e.what); s != nil {
		if s.volume.ConfigMap != nil {
			return []snapshot.Want{snapshot.WantGet(snapshot.ConfigMapKind, p.Object.Namespace, s.volume.ConfigMap.Name)}
		}
		return []snapshot.Want{snapshot.WantGet(snapshot.SecretKind, p.Object.Namespace, s.volume.Secret.SecretName)}
	}
	return nil
}

func reportFlag(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	flag := strings.Trim(rule.Quote(e.what), `"`)
	f.Message = fmt.Sprintf("does not understand %s: %s%s", flag, rule.Quote(e.line), e.ends())
	f.NoField = fmt.Sprintf("no argument and no literal env value of the container holds %s: the image or a script in it gives it", flag)
	f.Fix = &rule.Fix{Title: "use a flag that this version of the program has", Applicability: rule.NeedsThought}
	setting, value, ok := flagSetting(p, c, e.what)
	if ok {
		point(&f, setting, value, "the program does not know this")
		f.Message = fmt.Sprintf("does not understand %s, which it is given", flag)
		if value != "" && knowledge.Mask(value) == value {
			patch := setting.ReplaceValue(value, placeFor(value, e.what))
			f.Fix.Applicability, f.Fix.Patch, f.Fix.Command = rule.Placeholders, patch, p.PatchCommand(setting.Object, patch)
		}
	}
	if ok && e.more != "" {
		f.Message += fmt.Sprintf("; its usage lists %s", e.more)
		f.Fix.Title = fmt.Sprintf("use a flag that the program has: is %s meant?", e.more)
	}
	if ok {
		f.Message += e.ends()
	}
	p.Report(f)
}

// placeFor is a value with a placeholder for the flag in it, and all else that it says as it is.
func placeFor(value, flag string) string {
	words := strings.Fields(value)
	if len(words) < 2 {
		return "<FLAG>"
	}
	for _, w := range words {
		if isFlag(w, flag) {
			return strings.Replace(value, w, "<FLAG>", 1)
		}
	}
	return "<FLAG>"
}

// isFlag tells whether a word of a command line is the flag as a program complains of it: without its
// value, and often without its dashes.
func isFlag(word, flag string) bool {
	bare := strings.TrimLeft(flag, "-")
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	return word == flag || strings.HasPrefix(word, "-") && (name == bare || strings.TrimLeft(word, "-") == bare || strings.HasSuffix(word, ":"+bare))
}

// flagSetting is where the spec gives a flag, with one dash or two, with a value behind it or without.
func flagSetting(p *rule.Pass, c snapshot.Container, flag string) (s rule.Setting, value string, ok bool) {
	container := p.ContainerSetting(c)
	is := func(word string) bool { return isFlag(word, flag) }
	for _, list := range []struct {
		name  string
		words []string
	}{{"args", c.Args}, {"command", c.Command}} {
		for i, w := range list.words {
			if is(w) {
				return container.Child(list.name).Index(i), w, true
			}
		}
	}
	for i, e := range c.Env {
		if slices.ContainsFunc(strings.Fields(e.Value), is) {
			if knowledge.Mask(e.Value) != e.Value {
				return envSetting(p, c, i), "", true
			}
			return envSetting(p, c, i).Child("value"), e.Value, true
		}
	}
	return rule.Setting{}, "", false
}

func reportConfig(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	f.NoField = "which file it is, the program does not say"
	f.Message = fmt.Sprintf("does not understand its configuration: %s%s", rule.Quote(e.line), e.ends())
	f.Fix = &rule.Fix{Title: "mend the configuration", Applicability: rule.NeedsThought}
	if e.what == "" {
		f.Certainty = rule.Possible
		p.Report(f)
		return
	}
	what := e.what
	if e.more != "" && e.more != isAbsent {
		what += ", line " + e.more
	}
	f.Message = fmt.Sprintf("does not understand %s: %s%s", what, rule.Quote(e.line), e.ends())
	if e.more == isAbsent {
		f.Message = fmt.Sprintf("does not find its file %s%s", e.what, e.ends())
	}
	m := mountAt(c, e.what)
	s := scriptOf(p, c, e.what)
	if m == nil || s == nil {
		f.NoField = "the file is in the image: no volume is mounted there"
		if e.more == isAbsent {
			f.NoField = fmt.Sprintf("no volume is mounted at or above %s, and the image does not have the file", e.what)
			f.RuledOut = append(f.RuledOut, fmt.Sprintf("a key that a ConfigMap or Secret lacks: none is mounted at or above %s", path.Dir(e.what)))
			f.Fix.Title = fmt.Sprintf("mount a ConfigMap or Secret that has the file at %s, name the file that is meant, or put it into the image", path.Dir(e.what))
		}
		if m != nil {
			pointAtMount(p, c, m, &f, "the file lies in this volume")
		} else if setting, value, ok := wordSetting(p, c, e.what, e.line); ok {
			point(&f, setting, value, "the file that it reads")
			if e.more == isAbsent {
				f.Label = "no volume is mounted there, and the image does not have it"
			}
		}
		p.Report(f)
		return
	}
	reportMountedConfig(p, c, e, s, &f)
	p.Report(f)
}

// reportMountedConfig tells of a file that comes from a ConfigMap or Secret.
func reportMountedConfig(p *rule.Pass, c snapshot.Container, e *ended, s *script, f *rule.Finding) {
	ref := snapshot.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: p.Object.Namespace}
	if s.volume.ConfigMap != nil {
		ref.Name = s.volume.ConfigMap.Name
	} else {
		ref.Kind, ref.Name = "Secret", s.volume.Secret.SecretName
	}
	object, _ := p.Lookup(ref.GroupKind(), ref.Namespace, ref.Name)
	var keys []string
	if object != nil && object.KeysKnown {
		keys = object.Keys
	}
	has := slices.Contains(keys, s.key)
	switch {
	case e.more == isAbsent && keys != nil && !has:
		pointAtMount(p, c, s.mount, f, fmt.Sprintf("%s is mounted here, and has no key %s", ref.String(), s.key))
		f.Message = fmt.Sprintf("does not find its file %s: %s, mounted at %s, has no key %s%s", e.what, ref.String(), s.mount.MountPath, s.key, e.ends())
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: ref, Text: fmt.Sprintf("keys of %s: %s", ref.String(), few(keys))})
		f.Fix.Title = fmt.Sprintf("add the key to %s, or name a file that is there: %s", ref.String(), few(keys))
		if near := knowledge.Slip(s.key, keys); near != "" {
			f.Fix.Title = fmt.Sprintf("read %s, the nearest that is there, or add the key to %s", path.Join(path.Dir(e.what), near), ref.String())
		}
	case has:
		point(f, rule.Setting{Object: ref, Path: rule.FieldPath("data").Key(s.key)}, "", "the program does not understand this")
		if e.more != "" && e.more != isAbsent {
			f.Label = fmt.Sprintf("the program does not understand line %s of this", e.more)
		}
		if ref.Kind == "ConfigMap" {
			f.Evidence = append(f.Evidence, configLine(object, s, e)...)
		}
		f.Fix.Title = fmt.Sprintf("mend key %s of %s; then restart the workload, which reads it at its start", s.key, ref.String())
		f.Fix.Lines = []string{p.Line("edit", strings.ToLower(ref.Kind), ref.Name)}
	default:
		pointAtMount(p, c, s.mount, f, ref.String()+" is mounted here")
		f.Fix.Title = fmt.Sprintf("mend key %s of %s", s.key, ref.String())
	}
}

// configLine quotes the line of a ConfigMap that a program complains about.
func configLine(object *snapshot.Object, s *script, e *ended) []rule.Evidence {
	typed, ok := object.Typed.(*corev1.ConfigMap)
	if !ok {
		return nil
	}
	lines := strings.Split(typed.Data[s.key], "\n")
	for i, l := range lines {
		if fmt.Sprint(i+1) == e.more {
			return []rule.Evidence{{Source: rule.FromSpec, Object: object.Ref, Field: "data", Text: fmt.Sprintf("line %d of %s: %s", i+1, s.key, rule.Quote(l))}}
		}
	}
	return nil
}
