package reliability

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// exclusive tells whether something that only one pod, or the pods of one node, may have at a time keeps the new
// pods from running beside the old ones: then a rollout must stop those first. A claim that was not read may
// be of that kind.
func exclusive(p *rule.Pass, t snapshot.Template) bool {
	if t.Spec.HostNetwork {
		return true
	}
	for _, c := range t.Containers() {
		for _, port := range c.Ports {
			if port.HostPort > 0 {
				return true
			}
		}
	}
	for _, v := range t.Spec.Volumes {
		switch {
		case v.PersistentVolumeClaim != nil && !v.PersistentVolumeClaim.ReadOnly:
			o, out := p.Lookup(snapshot.PVCKind, p.Object.Namespace, v.PersistentVolumeClaim.ClaimName)
			if o == nil {
				if out.State == snapshot.Blind && out.Reason != snapshot.ReasonNotInFiles {
					p.Unknown("persistentvolumeclaim/%s: %s", v.PersistentVolumeClaim.ClaimName, out.Reason)
				}
				return true
			}
			if claim, ok := o.Typed.(*corev1.PersistentVolumeClaim); !ok || !shared(claim.Spec.AccessModes) {
				return true
			}
		case v.GCEPersistentDisk != nil || v.AWSElasticBlockStore != nil || v.AzureDisk != nil || v.ISCSI != nil || v.FC != nil || v.Cinder != nil || v.RBD != nil || v.HostPath != nil:
			return true
		}
	}
	return false
}

// shared tells whether several nodes may mount a claim of these access modes.
func shared(modes []corev1.PersistentVolumeAccessMode) bool {
	for _, m := range modes {
		if m == corev1.ReadWriteMany || m == corev1.ReadOnlyMany {
			return true
		}
	}
	return false
}

// rollingNumbers are how many extra pods a Deployment's rollout may make, and how many may be missing.
// Source: the defaults of apps/v1, and ResolveFenceposts of the deployment controller.
func rollingNumbers(maxSurge, maxUnavailable *intstr.IntOrString, count int) (surge, unavailable int) {
	quarter := intstr.FromString("25%")
	resolve := func(v *intstr.IntOrString, up bool) int {
		if v == nil {
			v = &quarter
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(v, count, up)
		if err != nil {
			return 0
		}
		return n
	}
	surge, unavailable = resolve(maxSurge, true), resolve(maxUnavailable, false)
	if surge == 0 && unavailable == 0 { // they round to nothing, and something must move
		unavailable = 1
	}
	return surge, unavailable
}

// frontOf are the Services that depend on the object, where Services and autoscalers could be read; else nobody can tell, which it has said
// then. It is asked last: most rollouts need no Service to be judged.
func frontOf(p *rule.Pass) []*snapshot.Object {
	if why := unread(p, snapshot.ServiceKind, snapshot.HPAKind); why != "" {
		p.Unknown("%s", why)
		return nil
	}
	return depending(p, servicesInFront(p))
}
