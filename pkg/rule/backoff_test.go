package rule_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func TestNextStart(t *testing.T) {
	end := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		message string
		after   time.Duration
		want    string
	}{
		"waits":            {"back-off 1m20s restarting failed container=app pod=web_shop(1)", 20 * time.Second, "its next start comes in 60s, after a back-off of 80s"},
		"is due":           {"back-off 10s restarting failed container=app pod=web_shop(1)", 11 * time.Second, ""},
		"says nothing":     {"", time.Second, ""},
		"is no back-off":   {"secret \"back-off 10s\" not found", time.Second, ""},
		"is no time":       {"back-off 10x restarting failed container=app", time.Second, ""},
		"is long ago, odd": {"back-off 9999999h9999999h9999999h restarting failed container=app", time.Second, ""},
	} {
		pod := &corev1.Pod{}
		pod.Spec.Containers = []corev1.Container{{Name: "app"}}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "app", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: c.message}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", FinishedAt: metav1.NewTime(end)}},
		}}
		pod.Name = "web"
		s := snapshot.New(end.Add(c.after))
		o, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := rule.NewPass(s, o, nil, nil, rule.Sink{})
		container := o.PodContainers()[0]
		text := p.DeathEvidence(container, p.LastDeath(container)).Text
		if c.want == "" && strings.Contains(text, "next start") || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}
