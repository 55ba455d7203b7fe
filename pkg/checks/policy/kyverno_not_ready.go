package policy

import (
	"fmt"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// loading is how long Kyverno may take until a policy is in force.
const loading = 5 * time.Minute

// KyvernoNotReady finds policies of Kyverno that are not in force.
var KyvernoNotReady = rule.Check{
	ID: "kyverno-not-ready", Title: "policy of Kyverno that is not in force", Doc: rule.ReadDoc(docs, "kyverno_not_ready.md"),
	Dimension: rule.Policy, Severity: rule.Medium, On: rule.Kinds(snapshot.KyvernoPolicyKind, snapshot.KyvernoClusterKind),
	Applies: func(p *rule.Pass) bool { return readyOf(p.Object) != nil },
	Run: func(p *rule.Pass) {
		c := readyOf(p.Object)
		if c["status"] != "False" {
			return
		}
		since := ""
		if text, ok := c["lastTransitionTime"].(string); ok {
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				if p.Age(t) < loading {
					return
				}
				since = " for " + rule.Human(p.Age(t))
			}
		}
		f := rule.Finding{NoField: "its status says so, and names no field", Message: "not ready" + since}
		if said, ok := c["message"].(string); ok && said != "" {
			f.Message += ", " + rule.Quote(said)
		}
		f.Message += ": nothing is checked, changed or made by it"
		p.Report(f).WithFix(rule.Fix{
			Title: fmt.Sprintf("mend what its status and the log of Kyverno's admission controller say of %s", p.Object.Name), Applicability: rule.NeedsThought,
			Caution: "once it is in force it may refuse what was created meanwhile and is applied anew",
		})
	},
}

// readyOf is the condition Ready of an object, nil where it has none.
func readyOf(o *snapshot.Object) map[string]any {
	v, _ := o.At("status", "conditions")
	items, _ := v.([]any)
	for _, item := range items {
		if m, ok := item.(map[string]any); ok && m["type"] == "Ready" {
			return m
		}
	}
	return nil
}
