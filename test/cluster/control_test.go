package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

const unscheduled = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: localhost/misbehave:v1
        resources: {requests: {cpu: "64"}}
`

// unscheduledPod waits until the scheduler has said why a pod fits nowhere, in words that hold text.
func unscheduledPod(t *testing.T, c *testcluster.Cluster, ns, text string) string {
	t.Helper()
	var name string
	c.Eventually(t, "a pod that is not scheduled: "+text, time.Minute, func(ctx context.Context) error {
		pods, err := c.Client().CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var said []string
		for _, p := range pods.Items {
			for _, cond := range p.Status.Conditions {
				if cond.Type == corev1.PodScheduled && strings.Contains(cond.Message, text) {
					name = p.Name
					return nil
				}
				said = append(said, p.Name+": "+cond.Message)
			}
		}
		return fmt.Errorf("%d pods: %s", len(pods.Items), strings.Join(said, "; "))
	})
	return name
}

func TestControlPlane(t *testing.T) {
	c := testcluster.Control(t)
	ns := c.Namespace(t, "control")
	c.Apply(t, ns, []byte(unscheduled))
	unscheduledPod(t, c, ns, "no nodes available")
	s := maturity(t, c.Kubeconfig, "explain", "deploy/web", "-n", ns).exits(t, 0)
	if !strings.Contains(s.out, "no nodes available") {
		t.Errorf("explain does not say that there is no node:\n%s", s.out)
	}

	c.MadeUpNode(t, "small", "4", "8Gi")
	unscheduledPod(t, c, ns, "Insufficient cpu")
	r := maturity(t, c.Kubeconfig, "explain", "deploy/web", "-n", ns, "-o", "json").exits(t, 0).report(t)
	if len(r.Findings) == 0 || r.Findings[0].Rule != "sched-insufficient" || r.Findings[0].Certainty != "certain" {
		t.Errorf("explain says %+v, want sched-insufficient for certain", r.Findings)
	}
}

func TestControlPlanesSideBySide(t *testing.T) {
	c, other := testcluster.Control(t), testcluster.Another(t, testcluster.ControlKind)
	ns := other.Namespace(t, "only-there")
	other.Apply(t, ns, []byte(unscheduled))
	unscheduledPod(t, other, ns, "no nodes available")
	maturity(t, other.Kubeconfig, "explain", "-n", ns).exits(t, 0)
	if s := maturity(t, c.Kubeconfig, "explain", "-n", ns).exits(t, 2); !strings.Contains(s.err, ns) {
		t.Errorf("the error does not name the namespace: %s", s.err)
	}
}
