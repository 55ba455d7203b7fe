package state

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// STSVolumeRequest finds claims that the API refuses for what they do not say.
var STSVolumeRequest = rule.Check{
	ID: "sts-volume-request", Title: "a claim that does not say what it wants", Doc: rule.ReadDoc(docs, "sts_volume_request.md"),
	Dimension: rule.State, Severity: rule.High, On: rule.Kinds(snapshot.StatefulSetKind, snapshot.PVCKind),
	// What is in a cluster was let through, and that no claim comes about of it is seen there.
	Applies: func(p *rule.Pass) bool {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		return p.Files && (!ok || len(sts.Spec.VolumeClaimTemplates) > 0)
	},
	Run: func(p *rule.Pass) {
		switch t := p.Object.Typed.(type) {
		case *corev1.PersistentVolumeClaim:
			judgeClaim(p, &t.Spec, field.NewPath("spec"), "the API refuses the claim")
		case *appsv1.StatefulSet:
			for i := range t.Spec.VolumeClaimTemplates {
				c := &t.Spec.VolumeClaimTemplates[i]
				judgeClaim(p, &c.Spec, field.NewPath("spec", "volumeClaimTemplates").Index(i).Child("spec"), fmt.Sprintf("the API refuses claim %q, and no pod comes about", c.Name))
			}
		}
	},
	Peers: map[string][]string{"kubesec": {"VolumeClaimRequestsStorage"}},
}

func judgeClaim(p *rule.Pass, spec *corev1.PersistentVolumeClaimSpec, path *field.Path, effect string) {
	if _, ok := spec.Resources.Requests[corev1.ResourceStorage]; !ok {
		at := path.Child("resources", "requests", "storage")
		p.Report(rule.Finding{Field: at, Message: "no storage request: " + effect, Label: "says nowhere how much"}).WithFix(rule.Fix{
			Title: "say how much storage it needs", Applicability: rule.Placeholders, Patch: p.Put(at, "<SIZE>"),
			YAML: "resources:\n  requests:\n    storage: <SIZE>\n",
		})
	}
	if len(spec.AccessModes) == 0 {
		at := path.Child("accessModes")
		p.Report(rule.Finding{Field: at, Message: "no access mode: " + effect, Label: "says nowhere who may mount it"}).WithFix(rule.Fix{
			Title: "say who may mount it: one node at a time is what most need", Applicability: rule.NeedsThought,
			Caution: "pods on several nodes that share the volume need ReadWriteMany, and a class that offers it", Patch: p.Put(at, []any{string(corev1.ReadWriteOnce)}),
			YAML: "accessModes: [ReadWriteOnce]\n",
		})
	}
}
