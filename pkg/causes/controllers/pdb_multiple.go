package controllers

import (
	"fmt"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PDBMultiple finds PodDisruptionBudgets that share a pod with another one: the API then refuses every
// eviction of it. Source: kubernetes pkg/registry/core/pod/storage/eviction.go.
var PDBMultiple = rule.Cause{
	ID: "pdb-multiple", Title: "two PodDisruptionBudgets cover the same pod", Doc: rule.ReadDoc(docs, "pdb_multiple.md"),
	Peers: map[string][]string{"popeye": {"POP-209"}},
	Stage: rule.StageController, Beats: []string{"eviction-blocked"}, On: rule.Kinds(snapshot.PDBKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		pdb, selector := budget(p)
		if pdb == nil {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.PDBKind, p.Object.Namespace, ""), snapshot.WantList(snapshot.PodKind, p.Object.Namespace, selector.String())}
	},
	Run: func(p *rule.Pass) {
		pdb, selector := budget(p)
		if pdb == nil {
			return
		}
		pods := p.SelectedPods(p.Object.Namespace, selector)
		var others []string
		var shared *snapshot.Object
		for _, o := range p.List(snapshot.PDBKind, p.Object.Namespace) {
			t, ok := o.Typed.(*policyv1.PodDisruptionBudget)
			if !ok || o == p.Object || t.Spec.Selector == nil {
				continue
			}
			other, err := snapshot.SelectorOf(t.Spec.Selector)
			if err != nil {
				continue
			}
			for _, pod := range pods {
				if other.Matches(labels.Set(pod.Meta.GetLabels())) {
					others = append(others, o.String())
					shared = pod
					break
				}
			}
		}
		if shared == nil {
			return
		}
		both := p.Object.String() + " and " + strings.Join(others, ", ")
		p.Report(rule.Finding{
			Field: field.NewPath("spec", "selector"), Certainty: rule.Certain,
			Message: fmt.Sprintf("%s cover the same pods, such as %s: the API refuses every eviction of them, whatever the budgets allow", both, shared.String()),
			Label:   "finds pods that another budget finds too",
			Evidence: []rule.Evidence{
				{Source: rule.FromSpec, Object: shared.Ref, Field: "metadata.labels", Text: fmt.Sprintf("the labels of %s match the selectors of %s", shared.String(), both)},
			},
			RuledOut: []string{"too few healthy pods: with two budgets nobody counts them"},
			Fix: &rule.Fix{
				Title:         "keep one budget for each pod: delete one of them, or narrow its selector",
				Caution:       "what is left must protect the pods as the deleted one did",
				Applicability: rule.Placeholders,
				Command:       []string{"delete", "poddisruptionbudget", "<BUDGET>"},
			},
		})
	},
}
