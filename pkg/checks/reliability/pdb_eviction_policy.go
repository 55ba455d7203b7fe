package reliability

import (
	"fmt"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PDBEvictionPolicy finds PodDisruptionBudgets by which pods that do not work hold up a drain.
var PDBEvictionPolicy = rule.Check{
	ID: "pdb-eviction-policy", Title: "pods that do not work hold up a drain", Doc: rule.ReadDoc(docs, "pdb_eviction_policy.md"),
	Dimension: rule.Reliability, Severity: rule.Info, On: rule.Kinds(snapshot.PDBKind),
	Applies: func(p *rule.Pass) bool {
		pdb, _, _ := budget(p)
		return pdb != nil && pdb.Spec.Selector != nil && !knowledge.SystemNamespace(p.Object.Namespace)
	},
	Run: func(p *rule.Pass) {
		pdb, _, found := budget(p)
		if pdb == nil || pdb.Spec.UnhealthyPodEvictionPolicy != nil || len(found) == 0 && pdb.Status.ExpectedPods == 0 && (!p.Files || p.Closed) { // for no pod: pdb-orphan
			return
		}
		path := field.NewPath("spec", "unhealthyPodEvictionPolicy")
		f := rule.Finding{
			Field: path, Label: "IfHealthyBudget by default",
			Message: "unhealthyPodEvictionPolicy is not set: while too few pods are healthy, those that are not cannot be evicted either, and a drain waits for them",
		}
		caution := "a pod that is only slow to get ready may be evicted too, again and again"
		if stateful(found) { // a member that is not ready may hold the only copy of something
			caution = "a member that rebuilds its data is not ready, and may then be evicted: where that could lose a quorum, write IfHealthyBudget, which says that it is meant"
		}
		if s := pdb.Status; s.ObservedGeneration == pdb.Generation && s.ExpectedPods > 0 && s.DesiredHealthy > 0 && s.CurrentHealthy < s.DesiredHealthy {
			f.Severity = rule.Medium
			f.Message = fmt.Sprintf("%d of %d pods are healthy, and the budget asks for %d: those that are not cannot be evicted, and a drain waits for them, since unhealthyPodEvictionPolicy is not set",
				s.CurrentHealthy, s.ExpectedPods, s.DesiredHealthy)
			f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.currentHealthy", Text: fmt.Sprintf("currentHealthy %d, desiredHealthy %d", s.CurrentHealthy, s.DesiredHealthy)}}
		}
		patch := p.Put(path, string(policyv1.AlwaysAllow))
		p.Report(f).WithFix(rule.Fix{
			Title: "let pods that do not work be evicted at any time", Caution: caution,
			Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		})
	},
	Peers: map[string][]string{"kube-linter": {"pdb-unhealthy-pod-eviction-policy"}},
}

// stateful tells whether the templates are those of StatefulSets.
func stateful(found []snapshot.Selected) bool {
	for _, s := range found {
		if s.Object.GroupKind() != snapshot.StatefulSetKind {
			return false
		}
	}
	return len(found) > 0
}
