package policy

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PolicyViolations finds what runs although it breaks a policy of the cluster's own.
var PolicyViolations = rule.Check{
	ID: "policy-violations", Title: "breaks policies that the cluster has itself", Doc: rule.ReadDoc(docs, "policy_violations.md"),
	Dimension: rule.Policy, Severity: rule.Low, Off: true,
	On:      rule.Kinds(snapshot.PolicyReportKind, snapshot.ClusterPolicyReportKind, snapshot.OpenReportKind, snapshot.OpenClusterReportKind),
	Applies: func(p *rule.Pass) bool { return !byScanner(p.Object) },
	Run: func(p *rule.Pass) {
		v, _ := p.Object.At("summary", "fail")
		fails, _ := snapshot.WholeIn(v)
		if fails <= 0 {
			return
		}
		at := field.NewPath("summary", "fail")
		f := rule.Finding{Field: at, Value: fmt.Sprint(fails), Label: "results that fail"}
		subject := scopeOf(p.Object)
		f.Message = fmt.Sprintf("%s breaks %s", subject, rule.Count(int(fails), "rule"))
		if names := failing(p.Object); len(names) > 0 {
			f.Message += ": " + firstOf(names)
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "mend what breaks the rules, or write an exception that says who needs it and until when", Applicability: rule.NeedsThought,
			Caution: "what mends it restarts its pods; the report follows a while later",
		})
	},
}

// byScanner tells reports into which scanners write what is wrong with images and nodes: nothing there breaks a rule that
// somebody set up. Source: the adapters of Trivy and Falco, and of CIS benchmarks.
func byScanner(o *snapshot.Object) bool {
	source := ""
	if v, ok := o.At("source"); ok {
		source, _ = v.(string)
	}
	for _, r := range results(o) {
		if s, ok := r["source"].(string); ok && source == "" {
			source = s
		}
	}
	source = strings.ToLower(source)
	return slices.ContainsFunc([]string{"trivy", "falco", "kube-bench", "tracee"}, func(s string) bool { return strings.HasPrefix(source, s) })
}

func results(o *snapshot.Object) []map[string]any {
	v, _ := o.At("results")
	items, _ := v.([]any)
	var list []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			list = append(list, m)
		}
	}
	return list
}

// failing are the rules that fail, each once: "require-labels/team".
func failing(o *snapshot.Object) []string {
	var names []string
	for _, r := range results(o) {
		if r["result"] != "fail" {
			continue
		}
		name, _ := r["policy"].(string)
		if of, _ := r["rule"].(string); of != "" && of != name {
			name += "/" + of
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// scopeOf is what a report is about: one object, or the namespace or cluster that it lies in.
func scopeOf(o *snapshot.Object) string {
	kind, _ := o.At("scope", "kind")
	name, _ := o.At("scope", "name")
	k, _ := kind.(string)
	n, _ := name.(string)
	switch {
	case k != "" && n != "":
		return strings.ToLower(k) + "/" + n
	case !strings.HasPrefix(o.Kind, "Cluster"):
		return "what lies in namespace " + o.Namespace
	}
	return "what lies in the cluster"
}
