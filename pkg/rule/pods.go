package rule

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
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

// Disruption is the condition of a pod that somebody ended for a reason outside of it; zero where nobody did.
func Disruption(pod *corev1.Pod) corev1.PodCondition {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return corev1.PodCondition{}
}

// TakenAway tells whether somebody ended the pod as a whole: how its containers ended says nothing then.
func TakenAway(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil || pod.Status.Reason != "" || Disruption(pod).Type != ""
}

// NothingMade tells whether a pod waits for its containers to be made, and none of them has ever run.
func NothingMade(o *snapshot.Object) bool {
	for _, c := range o.PodContainers() {
		if c.Status == nil {
			continue
		}
		if w := c.Status.State.Waiting; w == nil || w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" || c.Status.LastTerminationState.Terminated != nil {
			return false
		}
	}
	return true
}

// JobEnded is the condition with which a Job has ended, Complete or Failed; zero where it has not.
func JobEnded(job *batchv1.Job) batchv1.JobCondition {
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobFailed || c.Type == batchv1.JobComplete) && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return batchv1.JobCondition{}
}

// NodeReady is what a node says of itself; Unknown where nobody hears from it, "" where it says nothing.
func NodeReady(o *snapshot.Object) corev1.ConditionStatus {
	if n, ok := o.Typed.(*corev1.Node); ok {
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady {
				return c.Status
			}
		}
	}
	return ""
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
