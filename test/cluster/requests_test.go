package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

const oneOfMany = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "localhost/misbehave:v1"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: broken}
spec:
  selector: {matchLabels: {app: broken}}
  template:
    metadata: {labels: {app: broken}}
    spec: {containers: [{name: app, image: "localhost/misbehave:v1"}]}
`

// TestRequestsOfMany holds that explaining one pod, or one Deployment, asks a server for no more in a namespace
// of 3,000 pods than in one of three, and for no list of all of them.
func TestRequestsOfMany(t *testing.T) {
	const many = 3000
	c := testcluster.Another(t, testcluster.ControlKind) // no kubelet stops its pods, and their namespaces would stay
	c.MadeUpNode(t, "small", "4", "8Gi")
	config := rest.CopyConfig(c.RESTConfig())
	config.QPS, config.Burst = 2000, 2000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string][2]int{}
	for i, others := range []int{1, many - 2} {
		ns := c.Namespace(t, "many")
		c.Apply(t, ns, []byte(oneOfMany))
		fill(t, client, ns, others)
		web := runs(t, c, ns, "web", corev1.ContainerStatus{Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}})
		broken := runs(t, c, ns, "broken", corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: `Back-off pulling image "localhost/misbehave:v1"`}}})
		for name, args := range map[string][]string{
			"pod": {"explain", "pod/" + web}, "deployment": {"explain", "deploy/web"}, "pod that is not well": {"explain", "pod/" + broken}, "deployment that is not well": {"explain", "deploy/broken"},
		} {
			p := troubled(t, c)
			s, took := timed(t, p.kubeconfig, append(args, "-n", ns)...)
			s.exits(t, 0)
			n := asked[name]
			n[i] = p.count("/")
			asked[name] = n
			if healthy := strings.HasPrefix(s.out, "✓"); healthy == strings.Contains(name, "not well") {
				t.Errorf("%s of %d: %s", name, others, s.out)
			}
			if took > 2*time.Second {
				t.Errorf("%s of %d took %s", name, others, took)
			}
			for _, r := range p.requests {
				if path, query, _ := strings.Cut(r, "?"); strings.HasSuffix(path, "/pods") && !strings.Contains(query, "labelSelector=") {
					t.Errorf("%s of %d asks for all pods: %s", name, others, r)
				}
			}
		}
	}
	for name, n := range asked {
		t.Logf("%s: %d requests, of many %d", name, n[0], n[1])
		if n[1] > n[0] || n[0] == 0 {
			t.Errorf("%s: %d requests in a namespace of 3 pods, %d in one of %d", name, n[0], n[1], many)
		}
	}
}

// fill makes pods that nobody controls and nobody starts.
func fill(t *testing.T, client kubernetes.Interface, ns string, n int) {
	t.Helper()
	var wait sync.WaitGroup
	failed := make(chan error, n)
	slots := make(chan struct{}, 32)
	for i := range n {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			pod := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("other-%d", i), Labels: map[string]string{"app": "other"}},
				Spec:       corev1.PodSpec{NodeName: "small", Containers: []corev1.Container{{Name: "app", Image: "localhost/misbehave:v1"}}},
			}
			if _, err := client.CoreV1().Pods(ns).Create(context.Background(), pod, metav1.CreateOptions{}); err != nil {
				failed <- err
			}
		})
	}
	wait.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}

// runs waits for the pod of a Deployment, and says of it what a kubelet would.
func runs(t *testing.T, c *testcluster.Cluster, ns, app string, status corev1.ContainerStatus) string {
	t.Helper()
	var name string
	c.Eventually(t, "a pod of "+app+" on a node", time.Minute, func(ctx context.Context) error {
		pods, err := c.Client().CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
		if err != nil {
			return err
		}
		if len(pods.Items) != 1 || pods.Items[0].Spec.NodeName == "" {
			return fmt.Errorf("%d pods, or none on a node", len(pods.Items))
		}
		pod := &pods.Items[0]
		name = pod.Name
		status.Name, status.Image = "app", pod.Spec.Containers[0].Image
		ready := corev1.ConditionFalse
		pod.Status.Phase = corev1.PodPending
		if status.Ready {
			ready, pod.Status.Phase = corev1.ConditionTrue, corev1.PodRunning
		}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{status}
		pod.Status.Conditions = slices.DeleteFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady || c.Type == corev1.ContainersReady
		})
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: ready}, corev1.PodCondition{Type: corev1.ContainersReady, Status: ready})
		if _, err := c.Client().CoreV1().Pods(ns).UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
			return err
		}
		if !status.Ready {
			return nil
		}
		deployment, err := c.Client().AppsV1().Deployments(ns).Get(ctx, app, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if deployment.Status.AvailableReplicas != 1 {
			return fmt.Errorf("%d of deployment/%s available", deployment.Status.AvailableReplicas, app)
		}
		return nil
	})
	return name
}
