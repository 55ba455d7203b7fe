package access

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// SecretInConfigMap finds passwords and keys that stand in a ConfigMap. What it says never has one in it.
var SecretInConfigMap = rule.Check{
	ID: "secret-in-configmap", Title: "a password or key stands in a ConfigMap", Doc: rule.ReadDoc(docs, "secret_in_configmap.md"),
	Dimension: rule.Security, Severity: rule.High, On: rule.Kinds(snapshot.ConfigMapKind),
	Applies: func(p *rule.Pass) bool {
		m, ok := p.Object.Typed.(*corev1.ConfigMap)
		return ok && len(m.Data) > 0
	},
	Run: func(p *rule.Pass) {
		m, ok := p.Object.Typed.(*corev1.ConfigMap)
		if !ok {
			return
		}
		var together []string // what cannot be drawn by itself without its value
		for _, key := range p.Object.Keys {
			line, what := openly(key, m.Data[key])
			if what == "" {
				continue
			}
			says := fmt.Sprintf("%s has %s in the open", key, what)
			if line > 0 {
				says = fmt.Sprintf("line %d of %s has %s in the open", line, key, what)
			}
			if at := field.NewPath("data").Key(key); bare(p.Object, at) {
				reportOpenly(p, rule.Finding{Field: at, Message: says})
				continue
			}
			together = append(together, says)
		}
		if len(together) == 0 {
			return
		}
		f := rule.Finding{Field: field.NewPath("data"), Message: strings.Join(together[:min(len(together), spelledOut)], "; ")}
		if n := len(together) - spelledOut; n > 0 {
			f.Message += fmt.Sprintf("; and %d more", n)
		}
		if !bare(p.Object, f.Field) {
			f.Field, f.NoField = nil, "it cannot be shown without its value"
		}
		reportOpenly(p, f)
	},
	Peers: map[string][]string{"polaris": {"sensitiveConfigmapContent"}, "kubescape": {"rule-credentials-configmap"}},
}

// spelledOut is how many entries one message names.
const spelledOut = 5

func reportOpenly(p *rule.Pass, f rule.Finding) {
	f.AtKey, f.Certainty, f.Label = true, rule.Likely, "is for everybody who may read ConfigMaps"
	p.Report(f).WithFix(rule.Fix{
		Title: "keep it in a Secret, and mount that beside the ConfigMap", Applicability: rule.NeedsThought,
		Caution: "what stood in a manifest is in its history: give out a new one",
	})
}

// bare tells whether the lines that are drawn for a field hold no value: of a ConfigMap they are printed as
// they stand.
func bare(o *snapshot.Object, at *field.Path) bool {
	doc, root := o.Document()
	if doc == nil {
		return false
	}
	path := slices.Concat(root, source.ParsePath(at.String()))
	lines := doc.Snippet([]source.Mark{{Path: path, Primary: true, Key: true}}, source.SnippetOptions{Skip: len(root)})
	return !slices.ContainsFunc(lines, func(l source.Line) bool { return !l.Gap && !nameOnly.MatchString(l.Text) })
}

// nameOnly is a line with a name, and at most the sign that its value stands below.
var nameOnly = knowledge.Regexp(`^\s*["']?[\w./-]+["']?:\s*(?:[|>][0-9+-]*)?\s*(?:#.*)?$`)

// largest is how much of an entry is looked at; what is larger is data, and no settings.
const largest = 256 << 10

// hints are what lines with a secret in them have, in lower case: most have none of them.
var hints = []string{"pass", "pwd", "secret", "token", "api", "access", "private", "account", "://", "gh", "glpat-", "xox", "identified by"}

func hinted(text string) bool {
	lower := strings.ToLower(text)
	return slices.ContainsFunc(hints, func(h string) bool { return strings.Contains(lower, h) })
}

var (
	privateKey = knowledge.Regexp(`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s`)
	encrypted  = knowledge.Regexp(`-----BEGIN ENCRYPTED PRIVATE KEY-----\s`)
	inURL      = knowledge.Regexp(`[a-z][a-z0-9+.-]*://[^\s/@:"'<>{}$]*:([^\s/@"'<>{}$%*]{3,})@[a-zA-Z0-9]`)
	token      = knowledge.Regexp(`\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abposr]-[\w-]{20,})`)
	assigned   = knowledge.Regexp(`^\s*(?:export\s+|-\s+|set\s+)?["']?([A-Za-z0-9_.-]{2,80})["']?\s*[:=]\s*(\S.*?)[\s,;]*$`)
	inJSON     = knowledge.Regexp(`"([A-Za-z0-9_.-]{2,80})"\s*:\s*"([^"\\]{3,})"`)
	inSQL      = knowledge.Regexp(`(?i)\b(?:identified by|with password|encrypted password)\s+'([^'$<{%]{3,})'`)
)

// openly tells what secret stands in an entry and, where it has several lines, in which of them; what is ""
// where it has none.
func openly(key, value string) (line int, what string) {
	if len(value) > largest {
		return 0, ""
	}
	if !strings.Contains(strings.TrimSpace(value), "\n") {
		return 0, inOneLine(key, value)
	}
	if !hinted(value) {
		return 0, ""
	}
	if at := privateKey.FindStringIndex(value); at != nil && !encrypted.MatchString(value[at[0]:at[1]]) {
		return strings.Count(value[:at[0]], "\n") + 1, "a private key"
	}
	for n, text := range strings.Split(value, "\n") {
		if what := inLine(text); what != "" {
			return n + 1, what
		}
	}
	return 0, ""
}

// inOneLine judges an entry that is one value: its key is its name.
func inOneLine(key, value string) string {
	if what := inLine(value); what != "" {
		return what
	}
	if plain, quoted := unquote(value); givesAway(key, plain, quoted) {
		return "a secret, as its name says,"
	}
	return ""
}

// inLine tells what secret stands in a line of settings.
func inLine(text string) string {
	trimmed := strings.TrimSpace(text)
	if !hinted(trimmed) || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, ";") || strings.HasPrefix(trimmed, "--") {
		return "" // a comment sets nothing
	}
	if m := inURL.FindStringSubmatch(text); m != nil && !stands(m[1]) {
		return "the password of a URL"
	}
	if token.MatchString(text) {
		return "a token"
	}
	if inSQL.MatchString(text) {
		return "the password of a database user"
	}
	if m := assigned.FindStringSubmatch(text); m != nil {
		if plain, quoted := unquote(m[2]); givesAway(m[1], plain, quoted) {
			return m[1]
		}
	}
	for _, m := range inJSON.FindAllStringSubmatch(text, -1) {
		if givesAway(m[1], m[2], true) {
			return m[1]
		}
	}
	return ""
}

func unquote(s string) (plain string, quoted bool) {
	s = strings.TrimSpace(s)
	for _, q := range []string{`"`, `'`} {
		if rest, ok := strings.CutPrefix(s, q); ok {
			if plain, _, ok := strings.Cut(rest, q); ok {
				return plain, true
			}
		}
	}
	plain, _, _ = strings.Cut(s, " #")
	return strings.TrimSpace(plain), false
}

// givesAway tells whether a setting of that name is a secret and the value is one, and not where it is to be
// found.
func givesAway(name, value string, quoted bool) bool {
	words := upper(name)
	if len(value) < 3 || stands(value) || strings.EqualFold(value, name) || strings.HasSuffix(upper(value), words) {
		return false
	}
	if !quoted && strings.ContainsAny(value, "()[]{} ") { // a program, or prose
		return false
	}
	for _, end := range []string{"PASSWORD", "PASSWD", "PASSPHRASE", "PWD", "_PASS"} {
		if strings.HasSuffix(words, end) {
			return words != "PWD" && !strings.ContainsAny(value, " ")
		}
	}
	for _, end := range []string{"TOKEN", "SECRET", "API_KEY", "APIKEY", "ACCESS_KEY", "SECRET_KEY", "PRIVATE_KEY", "ACCOUNT_KEY"} {
		if strings.HasSuffix(words, end) {
			return random(value)
		}
	}
	return false
}

// stands tells whether a value only stands for a secret: a variable, a template, a path, an example.
func stands(value string) bool {
	lower := strings.ToLower(value)
	switch lower {
	case "true", "false", "yes", "no", "on", "off", "none", "null", "nil", "disabled", "enabled", "optional", "required", "undefined", "redacted", "string",
		"password", "pass", "secret", "token", "changeme", "change-me", "change_me", "placeholder", "example", "your-password", "empty", "prompt", "default":
		return true
	}
	if word(value) || len(value) < 6 && strings.Trim(value, "0123456789") == "" {
		return true
	}
	return strings.ContainsAny(value[:1], "$<%/@*[{|>!&`~") || strings.Contains(value, "${") || strings.Contains(value, "{{") || strings.Contains(value, "$(") ||
		strings.Contains(value, "$__") || strings.Trim(lower, "x*.-_") == "" || strings.HasPrefix(lower, "your") || strings.Contains(value, "://") ||
		strings.HasPrefix(lower, "file:") || strings.HasPrefix(lower, "env:") || strings.HasPrefix(lower, "env.") || strings.HasPrefix(lower, "vault:") || strings.HasPrefix(lower, "ref+") ||
		strings.HasPrefix(lower, "secret:") || strings.HasPrefix(value, "ENC(") || strings.HasPrefix(value, "ENC[")
}

// word tells whether a value is a word of a language, as translations of a form have them: Password, Passwort.
func word(value string) bool {
	first := true
	for _, r := range value {
		if r > unicode.MaxASCII && unicode.IsLetter(r) {
			return true
		}
		if first != unicode.IsUpper(r) || !unicode.IsLetter(r) {
			return false
		}
		first = false
	}
	return true
}

// random tells whether a value looks as if nobody had thought it up: names of things do not.
func random(value string) bool {
	const (
		shortest = 16
		hex      = 32
	)
	if len(value) < shortest || strings.ContainsAny(value, " ,:") {
		return false
	}
	var small, large, digit, other int
	for _, r := range value {
		switch {
		case unicode.IsLower(r):
			small++
		case unicode.IsUpper(r):
			large++
		case unicode.IsDigit(r):
			digit++
		case r == '-' || r == '.':
			other++
		}
	}
	return digit > 1 && other < 3 && (small > 0 && large > 1 || len(value) >= hex && small+large > 0 && other == 0)
}

// upper is a name in one spelling: dbPassword, db.password and DB-PASSWORD are DB_PASSWORD.
func upper(name string) string {
	var b strings.Builder
	low := false
	for _, r := range name {
		switch {
		case r == '-' || r == '.':
			b.WriteByte('_')
			low = false
			continue
		case unicode.IsUpper(r) && low:
			b.WriteByte('_')
		}
		low = unicode.IsLower(r)
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
