package cluster_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// output is written by a command that goes on while the test reads.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// watching is an explain --watch that goes on.
type watching struct {
	out  *output
	code chan int
}

func watch(t *testing.T, kubeconfig, ns string, args ...string) *watching {
	t.Helper()
	w := &watching{out: &output{}, code: make(chan int, 1)}
	argv := append([]string{"kubectl-maturity", "--kubeconfig", kubeconfig, "--cache-dir", t.TempDir(), "-n", ns, "--color", "never", "explain", "--watch"}, args...)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		w.code <- cmd.Main(ctx, argv, genericiooptions.IOStreams{In: strings.NewReader(""), Out: w.out, ErrOut: w.out})
	}()
	return w
}

// says waits until the command has printed the words.
func (w *watching) says(t *testing.T, words string) {
	t.Helper()
	const patience = 2 * time.Minute
	for end := time.Now().Add(patience); !strings.Contains(w.out.String(), words); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not said within %s: %q\n%s", patience, words, w.out)
		}
	}
}

func (w *watching) ends(t *testing.T, want int) {
	t.Helper()
	select {
	case code := <-w.code:
		if code != want {
			t.Errorf("exit %d, want %d\n%s", code, want, w.out)
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("goes on\n%s", w.out)
	}
}

const watched = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: app
        image: localhost/misbehave:v1
        args: [serve]
        envFrom: [{configMapRef: {name: settings}}]
`

// TestWatch holds that the cycle of changing and looking ends well: what changed is said, nothing else, and
// a pod that was replaced is followed to its controller.
func TestWatch(t *testing.T) {
	c := testcluster.Node(t)
	ns := c.Namespace(t, "watch")
	c.Apply(t, ns, []byte(watched))
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	pod := ""
	c.Eventually(t, "a pod that lacks its ConfigMap", 2*time.Minute, func(ctx context.Context) error {
		pods, err := client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, p := range pods.Items {
			if s := p.Status.ContainerStatuses; len(s) > 0 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == "CreateContainerConfigError" {
				pod = p.Name
				return nil
			}
		}
		return context.DeadlineExceeded
	})
	w := watch(t, c.Kubeconfig, ns, "pod/"+pod, "--healthy-for", "3s", "--timeout", "4m")
	w.says(t, "cm-missing-env")
	patch := `[{"op":"remove","path":"/spec/template/spec/containers/0/envFrom"}]`
	if _, err := client.AppsV1().Deployments(ns).Patch(context.Background(), "web", types.JSONPatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.says(t, "pod/"+pod+" is gone: looking at deployment/web")
	w.says(t, "no longer: ")
	w.ends(t, 0)
	if out := w.out.String(); strings.Count(out, "configmap/settings in namespace") != 2 || !strings.HasSuffix(out, "healthy for 3s\n") {
		t.Errorf("not said once, or not how it ended:\n%s", out)
	}
}

// TestWatchGivesUp holds that a watch survives a server that is down for a while, and ends with 1.
func TestWatchGivesUp(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	p := troubled(t, c, trouble{at: reading, after: 12, times: 6, fault: down})
	w := watch(t, p.kubeconfig, ns, "pod/"+pod, "--timeout", "20s")
	w.says(t, "trying again")
	w.says(t, "the server answers again")
	w.ends(t, 1)
	if out := w.out.String(); !strings.HasSuffix(out, "not healthy after 20s\n") || strings.Count(out, "trying again") != 1 {
		t.Errorf("does not say how it ended, or an error again and again:\n%s", out)
	}
}
