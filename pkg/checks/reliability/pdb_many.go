package reliability

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PDBMany finds PodDisruptionBudgets that share pods: the API then evicts none of them.
// Source: kubernetes pkg/registry/core/pod/storage/eviction.go.
var PDBMany = rule.Check{
	ID: "pdb-many", Title: "two PodDisruptionBudgets for the same pods", Doc: rule.ReadDoc(docs, "pdb_many.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.PDBKind),
	Needs: []schema.GroupKind{snapshot.PDBKind},
	Applies: func(p *rule.Pass) bool {
		_, _, found := budget(p)
		return len(found) > 0
	},
	Run: func(p *rule.Pass) {
		_, _, found := budget(p)
		for _, s := range found {
			budgets := p.BudgetsOf(s.Object, s.Template)
			if len(budgets) < 2 || budgets[0] == p.Object { // said once, of the later ones
				continue
			}
			if scale, ok := scaleOf(p, s.Object); ok && scale.count == 0 {
				continue
			}
			first := budgets[0]
			p.Report(rule.Finding{
				Field: field.NewPath("spec", "selector"), Label: "these pods have a budget already",
				Message:  fmt.Sprintf("selects the pods of %s, and so does %s: the API refuses every eviction of a pod with two budgets, so no node that runs one can be drained", s.Object, first),
				RuledOut: []string{"that one of them allows it: the API counts the budgets, and does not ask them"},
			}).WithFix(rule.Fix{
				Title:         "keep one budget for each pod: delete one, or narrow a selector",
				Caution:       "the one that stays must be as strict as the stricter of both, and still let one pod go",
				Applicability: rule.NeedsThought,
			})
			return
		}
	},
	Peers: map[string][]string{"popeye": {"POP-209"}},
}
