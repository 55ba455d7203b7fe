package rule

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LongRunning tells whether an object has pods that are meant to run for as long as it exists: Jobs, bare pods, templates that
// nobody runs, and what is scaled to zero have none.
func LongRunning(o *snapshot.Object) bool {
	if len(o.Templates) == 0 {
		return false
	}
	switch t := o.Typed.(type) {
	case nil:
	case *appsv1.Deployment:
		return anyReplica(t.Spec.Replicas)
	case *appsv1.StatefulSet:
		return anyReplica(t.Spec.Replicas)
	case *appsv1.ReplicaSet:
		return anyReplica(t.Spec.Replicas)
	case *corev1.ReplicationController:
		return anyReplica(t.Spec.Replicas)
	case *appsv1.DaemonSet:
		return t.Status.ObservedGeneration == 0 || t.Status.DesiredNumberScheduled > 0 // else no node is one for it
	default:
		return false
	}
	if o.GroupKind() == snapshot.SandboxTemplateKind {
		return false
	}
	for _, t := range o.Templates {
		if t.Spec.RestartPolicy == corev1.RestartPolicyNever || t.Spec.RestartPolicy == corev1.RestartPolicyOnFailure {
			return false
		}
	}
	spec, _ := o.Content["spec"].(map[string]any)
	n, ok := snapshot.WholeIn(spec["replicas"])
	return !ok || n > 0
}

func anyReplica(replicas *int32) bool { return replicas == nil || *replicas > 0 }
