package state

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// STSVolumeRWO finds claims for one pod that ask to be mounted by many.
var STSVolumeRWO = rule.Check{
	ID: "sts-volume-rwo", Title: "a claim for one pod asks to be shared", Doc: rule.ReadDoc(docs, "sts_volume_rwo.md"),
	Dimension: rule.State, Severity: rule.Info, On: rule.Kinds(snapshot.StatefulSetKind),
	Applies: func(p *rule.Pass) bool {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		return ok && len(sts.Spec.VolumeClaimTemplates) > 0
	},
	Run: func(p *rule.Pass) {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		if !ok {
			return
		}
		for i := range sts.Spec.VolumeClaimTemplates {
			c := &sts.Spec.VolumeClaimTemplates[i]
			for j, mode := range c.Spec.AccessModes {
				if mode != corev1.ReadWriteMany {
					continue
				}
				f := rule.Finding{
					Field: field.NewPath("spec", "volumeClaimTemplates").Index(i).Child("spec", "accessModes").Index(j), Value: string(mode), Label: "each pod has a claim of its own",
					Message: fmt.Sprintf("claims of %q are ReadWriteMany, and each pod has its own: a share costs more, is slower, and keeps nobody from mounting it twice", c.Name),
				}
				fix := rule.Fix{
					Title: "ask for ReadWriteOnce", Applicability: rule.NeedsThought,
					Caution: "claim templates cannot be changed: delete the StatefulSet with --cascade=orphan and apply it anew; claims that exist stay as they are. Something else that mounts the same claims needs the share",
				}
				if p.Files {
					fix.Patch = p.Put(f.Field, string(corev1.ReadWriteOnce))
				}
				p.Report(f).WithFix(fix)
			}
		}
	},
	Peers: map[string][]string{"kubesec": {"VolumeClaimAccessModeReadWriteOnce"}},
}
