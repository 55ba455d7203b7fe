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
	// Rules that only record have nobody to wake.
	Applies: func(p *rule.Pass) bool { return len(alertsIn(p.Object)) > 0 },
	Run: func(p *rule.Pass) {
		var bare []string
		var first *field.Path
		for _, a := range alertsIn(p.Object) {
			if snapshot.TextIn(a.content, "annotations", "runbook_url") != "" || snapshot.TextIn(a.content, "annotations", "runbook") != "" {
				continue
			}
			if first == nil {
				first = a.path.Child("annotations", "runbook_url")
			}
			bare = append(bare, a.name)
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

// alert is a rule of an object that makes alerts.
type alert struct {
	name    string
	content map[string]any
	path    *field.Path
}

// alertsIn are the alerts of an object that holds groups of rules: all kinds that do are built alike.
func alertsIn(o *snapshot.Object) []alert {
	var list []alert
	spec, _ := o.Content["spec"].(map[string]any)
	groups, _ := spec["groups"].([]any)
	for i, g := range groups {
		group, _ := g.(map[string]any)
		rules, _ := group["rules"].([]any)
		for j, r := range rules {
			content, _ := r.(map[string]any)
			if name := snapshot.TextIn(content, "alert"); name != "" {
				list = append(list, alert{name, content, field.NewPath("spec", "groups").Index(i).Child("rules").Index(j)})
			}
		}
	}
	return list
}
