package reliability

import (
	"fmt"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PDBBlocks finds PodDisruptionBudgets that let no pod be evicted, ever.
var PDBBlocks = rule.Check{
	ID: "pdb-blocks", Title: "PodDisruptionBudget that allows no eviction", Doc: rule.ReadDoc(docs, "pdb_blocks.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.PDBKind),
	Needs: []schema.GroupKind{snapshot.PodKind, snapshot.HPAKind},
	Applies: func(p *rule.Pass) bool {
		pdb, _, found := budget(p)
		return pdb != nil && pdb.Spec.Selector != nil && (len(found) > 0 || p.Files && !p.Closed || unread(p, snapshot.PodKind) != "")
	},
	Run: func(p *rule.Pass) {
		pdb, _, found := budget(p)
		total, from, known := expected(p, pdb, found)
		if known && total == 0 {
			return // scaled to none: there is nothing to evict
		}
		path, why := blocks(pdb, total, from, known)
		if path == nil {
			return
		}
		f := rule.Finding{
			Field:   path,
			Message: why + ": no pod may be evicted, so no node that runs one can be drained",
			Label:   "an eviction would break this, so all are refused",
		}
		if v, ok := rule.ValueAt(p.Object, path); ok {
			f.Value = fmt.Sprint(v)
		}
		fix := rule.Fix{
			Title:         "allow one pod at a time to go",
			Applicability: rule.NeedsThought,
			Patch:         oneAtATime(p, pdb),
			Caution:       "what needs a majority of its pods may need minAvailable instead",
		}
		if known && total == 1 {
			fix.Caution = "with a single replica an eviction is an outage: run two first, or accept it"
		}
		fix.Command = p.Live(fix.Patch)
		p.Report(f).WithFix(fix)
	},
	Peers: map[string][]string{
		"polaris": {"pdbDisruptionsIsZero", "pdbMinAvailableGreaterThanHPAMinReplicas"}, "popeye": {"POP-901"},
		"kube-score": {"poddisruptionbudget-has-policy"}, "kube-linter": {"pdb-max-unavailable", "pdb-min-available"},
	},
}

// blocks tells whether a budget refuses every eviction while all pods are healthy, and by which
// field. It counts as the disruption controller does: percentages of both fields round up.
func blocks(pdb *policyv1.PodDisruptionBudget, total int, from string, known bool) (*field.Path, string) {
	spec := field.NewPath("spec")
	switch {
	case pdb.Spec.MaxUnavailable != nil:
		// Rounding up makes 0% of any number 0, and everything else at least 1.
		if n, err := intstr.GetScaledValueFromIntOrPercent(pdb.Spec.MaxUnavailable, 100, true); err == nil && n == 0 {
			return spec.Child("maxUnavailable"), "maxUnavailable " + pdb.Spec.MaxUnavailable.String()
		}
	case pdb.Spec.MinAvailable == nil:
		// The controller then expects no pods at all, and allows no disruption.
		return spec.Child("maxUnavailable"), "neither minAvailable nor maxUnavailable is set, which counts as none allowed"
	default:
		least := pdb.Spec.MinAvailable
		if least.Type == intstr.String && least.StrVal == "100%" {
			return spec.Child("minAvailable"), "minAvailable 100%"
		}
		if !known {
			return nil, ""
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(least, total, true)
		if err != nil || n < total {
			return nil, ""
		}
		why := fmt.Sprintf("minAvailable %s of the %s", least.String(), from)
		if least.Type == intstr.String {
			why += fmt.Sprintf(" rounds up to %d", n)
		}
		return spec.Child("minAvailable"), why
	}
	return nil, ""
}

func oneAtATime(p *rule.Pass, pdb *policyv1.PodDisruptionBudget) *rule.Patch {
	patch := p.Put(field.NewPath("spec", "maxUnavailable"), int64(1))
	if pdb.Spec.MinAvailable != nil && pdb.Spec.MaxUnavailable == nil {
		return p.Drop(field.NewPath("spec", "minAvailable")).And(patch)
	}
	return patch
}
