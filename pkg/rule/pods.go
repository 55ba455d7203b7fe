package rule

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PodReady tells whether the pod counts as ready, for Services and controllers alike.
func PodReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Superseded tells whether a pod that has ended is of a revision that is meant to have no pods any more:
// a Deployment that goes on to another revision leaves evicted and failed pods lying about.
func Superseded(s *snapshot.Snapshot, o *snapshot.Object) bool {
	if phase := o.Pod().Status.Phase; phase != corev1.PodFailed && phase != corev1.PodSucceeded {
		return false
	}
	ref, ok := o.OwnerRef()
	if !ok || ref.GroupKind() != snapshot.ReplicaSetKind {
		return false
	}
	owner, _ := s.Lookup(snapshot.ReplicaSetKind, ref.Namespace, ref.Name)
	if owner == nil {
		return false
	}
	rs, ok := owner.Typed.(*appsv1.ReplicaSet)
	return ok && rs.Spec.Replicas != nil && *rs.Spec.Replicas == 0
}
