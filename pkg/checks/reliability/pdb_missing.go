package reliability

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PDBMissing finds replicas that a drain may take away all at once.
var PDBMissing = rule.Check{
	ID: "pdb-missing", Title: "no PodDisruptionBudget", Doc: rule.ReadDoc(docs, "pdb_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Needs: []schema.GroupKind{snapshot.PDBKind},
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && s.count > 1
	},
	Run: func(p *rule.Pass) {
		s, _ := scaleOf(p, p.Object)
		for _, t := range p.Object.Templates {
			if len(p.BudgetsOf(p.Object, t)) > 0 {
				continue
			}
			f := rule.Finding{
				Message: fmt.Sprintf("no PodDisruptionBudget selects its %s: drains of several nodes may take them all at once", rule.Count(s.count, "replica")),
				Field:   s.field,
				Label:   "how many of these must stay, nothing says",
			}
			if s.object != p.Object { // the replicas are written elsewhere
				f.Field = t.SpecPath()
			} else if !s.unset {
				f.Value = fmt.Sprint(s.count)
			}
			if p.Files && !p.Closed {
				f.Certainty = rule.Likely
			}
			p.Report(f).WithFix(rule.Fix{
				Title:         "add a PodDisruptionBudget",
				Caution:       "maxUnavailable 1 lets drains go on, one pod at a time; what needs a majority of its pods may need minAvailable",
				Applicability: rule.NeedsThought,
				YAML:          budgetFor(p, t),
			})
		}
	},
	Peers: map[string][]string{
		"polaris": {"missingPodDisruptionBudget"}, "popeye": {"POP-206"},
		"kube-score": {"deployment-has-poddisruptionbudget", "statefulset-has-poddisruptionbudget"},
	},
}

// budgetFor is the manifest of a budget for the pods of a template.
func budgetFor(p *rule.Pass, t snapshot.Template) string {
	if !p.Mends() {
		return ""
	}
	selector, err := json.Marshal(ownSelector(p.Object, t)) // JSON is YAML, and quotes what needs it
	if err != nil {
		return ""
	}
	text := "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: " + p.Object.Name + "\n"
	if p.Object.Namespace != "" {
		text += "  namespace: " + p.Object.Namespace + "\n"
	}
	return text + "spec:\n  maxUnavailable: 1\n  selector: " + string(selector) + "\n"
}
