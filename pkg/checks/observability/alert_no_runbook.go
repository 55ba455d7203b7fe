package observability

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AlertNoRunbook finds alerts that do not say what to do.
var AlertNoRunbook = rule.Check{
	ID: "alert-no-runbook", Title: "an alert that does not say what to do", Doc: rule.ReadDoc(docs, "alert_no_runbook.md"),
	Dimension: rule.Observability, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.PrometheusRuleKind),
	Run: func(p *rule.Pass) {
		spec, _ := p.Object.Content["spec"].(map[string]any)
		groups, _ := spec["groups"].([]any)
		var bare []string
		var first *field.Path
		for i, g := range groups {
			group, _ := g.(map[string]any)
			rules, _ := group["rules"].([]any)
			for j, r := range rules {
				alert, _ := r.(map[string]any)
				name := textAt(alert, "alert")
				if name == "" || textAt(alert, "annotations", "runbook_url") != "" || textAt(alert, "annotations", "runbook") != "" {
					continue
				}
				if first == nil {
					first = field.NewPath("spec", "groups").Index(i).Child("rules").Index(j).Child("annotations", "runbook_url")
				}
				bare = append(bare, name)
			}
		}
		if len(bare) == 0 {
			return
		}
		const few = 3
		f := rule.Finding{Field: first, Label: "links no runbook", Message: fmt.Sprintf("%s without a runbook_url: %s", rule.Count(len(bare), "alert"), strings.Join(bare[:min(few, len(bare))], ", "))}
		if len(bare) > few {
			f.Message += fmt.Sprintf(" and %d more", len(bare)-few)
		}
		p.Report(f).WithFix(rule.Fix{Title: "link what to look at, and what to do, from each alert that wakes somebody", Applicability: rule.NeedsThought})
	},
}
