package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

const greedy = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: greedy}
spec:
  selector: {matchLabels: {app: greedy}}
  template:
    metadata: {labels: {app: greedy}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: app
        image: localhost/misbehave:v1
        args: [allocate]
        resources: {requests: {memory: 32Mi}, limits: {memory: 32Mi}}
---
apiVersion: v1
kind: Pod
metadata: {name: calm}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: localhost/misbehave:v1
    args: [serve]
    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
`

// TestNode holds that the kubelet of the test cluster is a real one: it probes, and the kernel kills.
func TestNode(t *testing.T) {
	c := testcluster.Node(t)
	ns := c.Namespace(t, "node")
	c.Apply(t, ns, []byte(greedy))
	c.Eventually(t, "a pod that is Ready and one that was killed twice", 2*time.Minute, func(ctx context.Context) error {
		pods, err := c.Client().CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready, killed, seen := false, false, ""
		for _, p := range pods.Items {
			for _, s := range p.Status.ContainerStatuses {
				ready = ready || p.Name == "calm" && s.Ready
				killed = killed || s.RestartCount > 0 && lastReason(s) == "OOMKilled"
				seen += fmt.Sprintf("%s: %+v; ", p.Name, s.State)
			}
		}
		if !ready || !killed {
			return fmt.Errorf("ready %v, killed %v: %s", ready, killed, seen)
		}
		return nil
	})
	r := maturity(t, c.Kubeconfig, "explain", "deploy/greedy", "-n", ns, "-o", "json").exits(t, 0).report(t)
	if len(r.Findings) == 0 || r.Findings[0].Rule != "oom-own-limit" {
		t.Errorf("explain says %+v, want oom-own-limit", r.Findings)
	}
	if s := maturity(t, c.Kubeconfig, "explain", "pod/calm", "-n", ns, "-o", "json").exits(t, 0).report(t); len(s.Explained) != 1 || s.Explained[0].State != "healthy" {
		t.Errorf("explain says %+v of a pod that is Ready", s.Explained)
	}
}

func lastReason(s corev1.ContainerStatus) string {
	for _, state := range []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
		if state != nil {
			return state.Reason
		}
	}
	return ""
}
