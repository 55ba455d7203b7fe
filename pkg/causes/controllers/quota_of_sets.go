package controllers

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func wantsOfSet(p *rule.Pass) []snapshot.Want {
	r := apiRefused(p)
	if r == nil {
		return nil
	}
	var wants []snapshot.Want
	for _, q := range quotasIn(r.Message) {
		wants = append(wants, snapshot.WantGet(snapshot.ResourceQuotaKind, p.Object.Namespace, q.name), snapshot.WantList(snapshot.ReplicaSetKind, p.Object.Namespace, ""))
	}
	return wants
}

// reportSetQuota says that a quota on the number of ReplicaSets has no room for that of a Deployment's
// template.
func reportSetQuota(p *rule.Pass) {
	r := apiRefused(p)
	if r == nil {
		return
	}
	quotas := quotasIn(r.Message)
	if len(quotas) == 0 {
		return
	}
	q := quotas[0]
	ref := snapshot.Ref{APIVersion: "v1", Kind: "ResourceQuota", Namespace: p.Object.Namespace, Name: q.name}
	f := rule.Finding{
		Object: ref, Certainty: rule.Certain, Evidence: []rule.Evidence{r.Evidence},
		Message: fmt.Sprintf("%s has no room for the ReplicaSet of its template; %s", ref.String(), r.left()),
		NoField: "the quota could not be read; nothing is wrong with the pods",
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("have whoever owns %s raise it", ref.String()),
			Caution:       "a quota guards what others in the cluster have: raise it only with whoever set it",
			Applicability: rule.NeedsThought, Object: ref,
		},
		RuledOut: []string{"the pods themselves: nobody has created any of this template"},
	}
	if _, scarce, limit, known := q.room(p); known {
		f.Message = fmt.Sprintf("%s allows %s of %s in the namespace, and they are used: the ReplicaSet of its template cannot be created; %s", ref.String(), limit.String(), scarce, r.left())
		f.Evidence = append(f.Evidence, quotaEvidence(q, p, ref, scarce, "ReplicaSet")...)
		if o := holder(p, rule.Setting{Object: ref}); o != nil {
			at := rule.Setting{Object: ref, Path: field.NewPath("spec", "hard").Key(string(scarce))}
			f.Field, f.Value, f.NoField = at.Path, limit.String(), ""
			f.Label = "no room for one more ReplicaSet"
			needs := limit.DeepCopy()
			needs.Add(*resource.NewQuantity(1, resource.DecimalSI))
			f.Fix.Title = fmt.Sprintf("have whoever owns %s raise it, to at least %s", ref.String(), needs.String())
			f.Fix.Patch = at.ReplaceValue(limit.String(), needs.String())
			f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
		}
	}
	old := 0
	for _, o := range p.List(snapshot.ReplicaSetKind, p.Object.Namespace) {
		if rs, ok := o.Typed.(*appsv1.ReplicaSet); ok && wanted(rs.Spec.Replicas) == 0 && rs.Status.Replicas == 0 {
			old++
		}
	}
	if old > 0 {
		f.Fix.Title += fmt.Sprintf("; or make room: %s without pods in the namespace, kept of revisions before (revisionHistoryLimit) or scaled to 0", rule.Count(old, "ReplicaSet"))
	}
	p.Report(f)
}
