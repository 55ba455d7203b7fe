package rule

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ClaimTemplate is the claim template of a StatefulSet that a volume of its pods comes from; ok is
// false for other objects and volumes.
func ClaimTemplate(owner *snapshot.Object, volume string) (s Setting, ok bool) {
	sts, _ := owner.Typed.(*appsv1.StatefulSet)
	if sts == nil {
		return Setting{}, false
	}
	for i := range sts.Spec.VolumeClaimTemplates {
		if sts.Spec.VolumeClaimTemplates[i].Name == volume {
			return Setting{owner.Ref, field.NewPath("spec", "volumeClaimTemplates").Index(i)}, true
		}
	}
	return Setting{}, false
}
