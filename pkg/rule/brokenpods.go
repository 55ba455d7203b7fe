package rule

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// brokenAfter is how old a pod must be to count as broken rather than starting.
const brokenAfter = time.Minute

// BrokenPod is a pod that this Pass' controller has made of its present template and that is not well;
// nil where there is none.
func (p *Pass) BrokenPod() *snapshot.Object {
	for _, o := range p.PodsOf(p.Object) {
		if pod := o.Pod(); pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded && !PodReady(pod) && p.broken(o) && ofPresent(p.Object, pod) {
			return o
		}
	}
	return nil
}

// broken tells whether a pod that is not ready is more than slow: a container of it died or waits for
// something, or it has been there for long.
func (p *Pass) broken(o *snapshot.Object) bool {
	for _, c := range o.PodContainers() {
		if c.Status == nil {
			continue
		}
		if w := c.Status.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" || c.Status.RestartCount > 0 && !c.Init {
			return true
		}
	}
	return p.Age(o.Meta.GetCreationTimestamp().Time) >= brokenAfter
}

// ofPresent tells whether a pod was made of the template that its controller has now, as far as its labels
// say. A ReplicaSet's template does not change.
func ofPresent(controller *snapshot.Object, pod *corev1.Pod) bool {
	switch t := controller.Typed.(type) {
	case *appsv1.StatefulSet:
		has := pod.Labels[appsv1.ControllerRevisionHashLabelKey]
		return has == "" || t.Status.UpdateRevision == "" || has == t.Status.UpdateRevision
	case *appsv1.DaemonSet:
		has, want := pod.Labels[generationLabel], t.Annotations[appsv1.DeprecatedTemplateGeneration]
		return has == "" || want == "" || has == want
	}
	return true
}

// generationLabel is what a DaemonSet's pods carry of its annotation.
// Source: k8s.io/kubernetes pkg/apis/apps, DaemonSetTemplateGenerationKey.
const generationLabel = "pod-template-generation"

// RefusedStage is when in the life of this Pass' controller it struck that further pods are refused: those
// that it has may be broken, and more of them would be too.
func (p *Pass) RefusedStage() Stage {
	if p.BrokenPod() != nil {
		return StageController
	}
	return StageNotCreated
}
