package cluster_test

import (
	"context"
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// missing says what of u does not hold yet in the namespace, "" when all does. For is not looked at.
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
		{u.Restarts > 0, fmt.Sprintf("%d restarts", u.Restarts), func(_ corev1.Pod, s corev1.ContainerStatus) bool { return s.RestartCount >= u.Restarts }},
		{u.Waiting != "", "waiting: " + u.Waiting, func(_ corev1.Pod, s corev1.ContainerStatus) bool {
			return s.State.Waiting != nil && s.State.Waiting.Reason == u.Waiting
		}},
		{u.Terminated != "", "terminated: " + u.Terminated, func(_ corev1.Pod, s corev1.ContainerStatus) bool {
			now, last := s.State.Terminated, s.LastTerminationState.Terminated
			return now != nil && now.Reason == u.Terminated || last != nil && last.Reason == u.Terminated
		}},
		{u.Running, "a running container", func(_ corev1.Pod, s corev1.ContainerStatus) bool { return s.State.Running != nil }},
		{u.Phase != "", "a pod in phase " + u.Phase, func(p corev1.Pod, _ corev1.ContainerStatus) bool { return string(p.Status.Phase) == u.Phase }},
		{u.Deleting, "a pod that is being deleted", func(p corev1.Pod, _ corev1.ContainerStatus) bool { return p.DeletionTimestamp != nil }},
	} {
		if want.asked && !anyContainer(pods.Items, want.holds) {
			return want.words, nil
		}
	}
	for _, want := range []func(context.Context, *client, string) (string, error){u.missingEvent, u.missingJob, u.missingReady, u.missingCondition} {
		if text, err := want(ctx, c, ns); text != "" || err != nil {
			return text, err
		}
	}
	return "", nil
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
	for _, e := range events.Items {
		if strings.Contains(e.Message, u.Says) {
			return "", nil
		}
	}
	return strings.TrimSpace(fmt.Sprintf("event %s %s", u.Event, u.Says)), nil
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
