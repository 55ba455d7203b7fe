package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// missing says what of u does not hold yet in the namespace, "" when all does. How long it held is not
// looked at.
func (u until) missing(ctx context.Context, c *client, ns string) (string, error) {
	pods, err := c.typed.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, want := range []struct {
		asked bool
		words string
		holds func(corev1.Pod, corev1.ContainerStatus) bool
	}{
		{u.Restarts > 0 || u.Down || u.Waiting != "" || u.Terminated != "", u.container(), u.fits},
		{u.Running, "a running container", func(_ corev1.Pod, s corev1.ContainerStatus) bool { return s.State.Running != nil }},
		{u.Phase != "", "a pod in phase " + u.Phase, func(p corev1.Pod, _ corev1.ContainerStatus) bool { return string(p.Status.Phase) == u.Phase }},
		{u.Deleting, "a pod that is being deleted", func(p corev1.Pod, _ corev1.ContainerStatus) bool { return p.DeletionTimestamp != nil }},
	} {
		if want.asked && !anyContainer(pods.Items, want.holds) {
			return want.words + "; there are: " + strings.Join(states(pods.Items), "; "), nil
		}
	}
	for _, want := range []func(context.Context, *client, string) (string, error){u.missingEvent, u.missingJob, u.missingReady, u.missingCondition, u.missingObserved} {
		if text, err := want(ctx, c, ns); text != "" || err != nil {
			return text, err
		}
	}
	return "", nil
}

// container is what u asks of one container, in words.
func (u until) container() string {
	words := "a container"
	if u.Restarts > 0 {
		words += fmt.Sprintf(" with %d restarts", u.Restarts)
	}
	if u.Waiting != "" {
		words += " that waits: " + u.Waiting
	}
	if u.Down {
		words += " that has ended"
	}
	if u.Terminated != "" {
		words += " that ended: " + u.Terminated
	}
	return words
}

// fits tells whether a container is as u asks; of several containers one must be all of it.
func (u until) fits(_ corev1.Pod, s corev1.ContainerStatus) bool {
	down := s.State.Terminated != nil || backsOff(s)
	if s.RestartCount < u.Restarts || u.Down && !down || u.Waiting != "" && (s.State.Waiting == nil || s.State.Waiting.Reason != u.Waiting) {
		return false
	}
	now, last := s.State.Terminated, s.LastTerminationState.Terminated
	return u.Terminated == "" || now != nil && now.Reason == u.Terminated || last != nil && last.Reason == u.Terminated
}

// backsOff tells whether a container has ended, or could not be started, and waits for its next start. How a
// kubelet shows that depends on whether anything makes it look again.
func backsOff(s corev1.ContainerStatus) bool {
	return s.State.Waiting != nil && (s.State.Waiting.Reason == "CrashLoopBackOff" || s.State.Waiting.Reason == "RunContainerError")
}

// states says how pods and their containers are, one line each: what must stay the same while explain
// looks for its answer to be held against the scenario. What grows by itself is not in it.
func states(pods []corev1.Pod) []string {
	var all []string
	for _, p := range pods {
		line := fmt.Sprintf("pod %s %s %s", p.Name, p.Status.Phase, p.Status.Reason)
		if p.DeletionTimestamp != nil {
			line += " deleting"
		}
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady || c.Type == corev1.PodScheduled {
				line += fmt.Sprintf(" %s=%s", c.Type, c.Status)
			}
		}
		for _, s := range append(slices.Clone(p.Status.InitContainerStatuses), p.Status.ContainerStatuses...) {
			state := "not started"
			switch {
			case backsOff(s) && s.LastTerminationState.Terminated != nil:
				state = "ended " + s.LastTerminationState.Terminated.Reason // which it shows depends on when it looked last
			case s.State.Waiting != nil:
				state = "waiting " + s.State.Waiting.Reason
			case s.State.Running != nil:
				state = "running"
			case s.State.Terminated != nil:
				state = "ended " + s.State.Terminated.Reason
			}
			line += fmt.Sprintf(", %s %s, %d restarts", s.Name, state, s.RestartCount)
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}

// anyContainer tells whether some container of some pod fits; a pod without statuses is asked once.
func anyContainer(pods []corev1.Pod, fits func(corev1.Pod, corev1.ContainerStatus) bool) bool {
	for _, p := range pods {
		all := append(append([]corev1.ContainerStatus{{}}, p.Status.InitContainerStatuses...), p.Status.ContainerStatuses...)
		for _, s := range all {
			if fits(p, s) {
				return true
			}
		}
	}
	return false
}

func (u until) missingEvent(ctx context.Context, c *client, ns string) (string, error) {
	if u.Event == "" {
		return "", nil
	}
	events, err := c.typed.CoreV1().Events(ns).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + u.Event})
	if err != nil {
		return "", err
	}
	times := int32(0)
	for _, e := range events.Items {
		if strings.Contains(e.Message, u.Says) {
			times += max(1, e.Count)
		}
	}
	if times >= max(1, u.Times) {
		return "", nil
	}
	return strings.TrimSpace(fmt.Sprintf("event %s %s, %d times: there are %d", u.Event, u.Says, max(1, u.Times), times)), nil
}

func (u until) missingJob(ctx context.Context, c *client, ns string) (string, error) {
	if !u.JobFailed && !u.JobDone {
		return "", nil
	}
	jobs, err := c.typed.BatchV1().Jobs(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, j := range jobs.Items {
		for _, c := range j.Status.Conditions {
			if c.Status == corev1.ConditionTrue && (u.JobFailed && c.Type == batchv1.JobFailed || u.JobDone && c.Type == batchv1.JobComplete) {
				return "", nil
			}
		}
	}
	return "a Job that has ended", nil
}

func (u until) missingReady(ctx context.Context, c *client, ns string) (string, error) {
	if u.Ready == "" {
		return "", nil
	}
	o, err := c.get(ctx, ns, u.Ready)
	if err != nil {
		return "", err
	}
	want, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
	ready, _, _ := unstructured.NestedInt64(o.Object, "status", "readyReplicas")
	observed, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
	switch {
	case o.GetKind() == "Pod":
		if hasCondition(o, condition{Type: "Ready", Status: "True"}) {
			return "", nil
		}
	case o.GetKind() == "DaemonSet":
		want, _, _ = unstructured.NestedInt64(o.Object, "status", "desiredNumberScheduled")
		if ready, _, _ = unstructured.NestedInt64(o.Object, "status", "numberReady"); want > 0 && ready == want {
			return "", nil
		}
	case ready == want && observed == o.GetGeneration():
		return "", nil
	}
	return u.Ready + " ready", nil
}

func (u until) missingCondition(ctx context.Context, c *client, ns string) (string, error) {
	if u.Condition == nil {
		return "", nil
	}
	o, err := c.get(ctx, ns, u.Condition.Of)
	if err != nil {
		return "", err
	}
	if hasCondition(o, *u.Condition) {
		return "", nil
	}
	return fmt.Sprintf("condition %s=%s %s of %s", u.Condition.Type, u.Condition.Status, u.Condition.Reason, u.Condition.Of), nil
}

func (u until) missingObserved(ctx context.Context, c *client, ns string) (string, error) {
	if u.Observed == "" {
		return "", nil
	}
	o, err := c.get(ctx, ns, u.Observed)
	if err != nil {
		return "", err
	}
	if seen, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration"); seen < o.GetGeneration() {
		return u.Observed + " seen by its controller", nil
	}
	return "", nil
}

func hasCondition(o *unstructured.Unstructured, want condition) bool {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, item := range list {
		c, _ := item.(map[string]any)
		if c["type"] == want.Type && c["status"] == want.Status && (want.Reason == "" || c["reason"] == want.Reason) {
			return true
		}
	}
	return false
}

// TestOneContainer holds that what until asks of a container must be true of one, not of several together.
func TestOneContainer(t *testing.T) {
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	oom := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled"}}
	u := until{Restarts: 1, Waiting: "CrashLoopBackOff", Terminated: "OOMKilled"}
	apart := corev1.Pod{Status: corev1.PodStatus{
		InitContainerStatuses: []corev1.ContainerStatus{{Name: "init", RestartCount: 3, State: oom}},
		ContainerStatuses:     []corev1.ContainerStatus{{Name: "app", State: waiting}},
	}}
	if anyContainer([]corev1.Pod{apart}, u.fits) {
		t.Error("one that was killed and one that waits are taken for one")
	}
	apart.Status.ContainerStatuses[0].RestartCount = 1
	apart.Status.ContainerStatuses[0].LastTerminationState = oom
	if !anyContainer([]corev1.Pod{apart}, u.fits) {
		t.Errorf("%s does not fit %s", states([]corev1.Pod{apart}), u.container())
	}
}
