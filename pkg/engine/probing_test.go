package engine

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// A container that ended for good beside one that goes on: the verdict says so, and only of that one.
func TestOverForGood(t *testing.T) {
	exited := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}
	for policy, want := range map[corev1.RestartPolicy]int{corev1.RestartPolicyNever: 1, corev1.RestartPolicyAlways: 0} {
		s := snapshot.New(timeZero)
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "a"},
			Spec:       corev1.PodSpec{RestartPolicy: policy, Containers: []corev1.Container{{Name: "app"}, {Name: "helper"}}},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
				{Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}, {Name: "helper", State: exited},
			}},
		}
		o, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]int{"app": 0, "helper": want} {
			f := &rule.Finding{Seen: o.In(name)}
			if overForGood(s, f); len(f.Evidence) != want {
				t.Errorf("%s, container %s: %v, want %d", policy, name, f.Evidence, want)
			}
		}
	}
}

// A pod is starting for as long as its startup probe gives it, and no longer; not where another container waits.
func TestProbing(t *testing.T) {
	no := false
	for _, c := range []struct {
		ran     time.Duration
		started *bool
		other   corev1.ContainerState
		want    string
	}{
		{ran: 2 * time.Minute, started: &no, want: "the startup probe of container app gives it 3m1s more"},
		{ran: 6 * time.Minute, started: &no},
		{ran: 2 * time.Minute, started: &no, other: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}},
		{ran: 2 * time.Minute, started: &no, other: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}, want: "the startup probe of container app gives it 3m1s more"},
	} {
		s := snapshot.New(timeZero.Add(time.Hour))
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "a"},
			Spec: corev1.PodSpec{Containers: []corev1.Container{
				{Name: "app", StartupProbe: &corev1.Probe{PeriodSeconds: 10, FailureThreshold: 30}}, {Name: "other"},
			}},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
				{Name: "app", Started: c.started, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(s.Now.Add(-c.ran))}}},
				{Name: "other", Ready: c.other.Waiting == nil, State: c.other},
			}},
		}
		o, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := probing(rule.NewPass(s, o, nil, nil, rule.Sink{})); got != c.want {
			t.Errorf("%s, %+v: %q, want %q", c.ran, c.other, got, c.want)
		}
	}
}
