package access

import (
	"fmt"
	"slices"
	"strings"

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

var (
	privateKey = knowledge.Regexp(`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s`)
	encrypted  = knowledge.Regexp(`-----BEGIN ENCRYPTED PRIVATE KEY-----\s`)
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
	if !knowledge.MayHoldSecret(value) {
		return 0, ""
	}
	if at := privateKey.FindStringIndex(value); at != nil && !encrypted.MatchString(value[at[0]:at[1]]) {
		return strings.Count(value[:at[0]], "\n") + 1, "a private key"
	}
	for n, text := range strings.Split(value, "\n") {
		if what := knowledge.SecretLine(text); what != "" {
			return n + 1, what
		}
	}
	return 0, ""
}

// inOneLine judges an entry that is one value: its key is its name.
func inOneLine(key, value string) string {
	if what := knowledge.SecretLine(value); what != "" {
		return what
	}
	if knowledge.SecretSetting(key, value) {
		return "a secret, as its name says,"
	}
	return ""
}
