package cluster_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// Errors as API servers word them.
var (
	busy        = fails(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "too many requests, please try again later", "Retry-After", "1")
	busyForLong = fails(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "too many requests, please try again later", "Retry-After", "3600")
	down        = fails(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "the server is currently unable to handle the request")
	leaderless  = fails(http.StatusInternalServerError, metav1.StatusReasonInternalError, "Internal error occurred: etcdserver: leader changed")
	expired     = fails(http.StatusGone, metav1.StatusReasonExpired, "The resourceVersion for the provided list is too old.")
	loggedOut   = fails(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized")
	loginPage   = answers(http.StatusOK, "text/html; charset=utf-8", "<!DOCTYPE html><html><title>Sign in</title></html>")
	errorPage   = answers(http.StatusServiceUnavailable, "text/html", "<html><h1>503 Service Temporarily Unavailable</h1></html>")
)

const (
	unreachable = "Unable to connect to the server: "
	loginHint   = "log in again, or correct the server's address in the kubeconfig"
)

// TestNothingAnswered holds that a command that could read nothing says why in one line, in kubectl's words
// where kubectl has any, ends with 2, and waits about one time-out.
func TestNothingAnswered(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	quiet(t)
	const timeout = 2 * time.Second
	commands := func() [][]string {
		return [][]string{{"explain", "pod/" + pod}, {"explain", "deploy"}, {"explain"}, {"check"}, {"snapshot", filepath.Join(t.TempDir(), "none")}, {"explain", "widget/a"}}
	}
	for _, tt := range []struct {
		name  string
		at    func(string) bool
		fault fault
		want  string
	}{
		{"429", everything, busy, "Error from server (TooManyRequests): "},
		{"429 for an hour", everything, busyForLong, "Error from server (TooManyRequests): "},
		{"503", everything, down, "Error from server (ServiceUnavailable): the server is currently unable to handle the request"},
		{"500", everything, leaderless, "Error from server (InternalError): "},
		{"503 of a proxy", everything, errorPage, "Error from server (ServiceUnavailable): the server is currently unable to handle the request"},
		{"hangs", everything, hangs, unreachable + "127.0.0.1:"},
		{"hangs midway", everything, hangsMidway, unreachable + "127.0.0.1:"},
		{"401", everything, loggedOut, "error: You must be logged in to the server ("},
		{"login page", everything, loginPage, loginHint},
		{"redirect", everything, redirects("https://login.example.invalid/"), "redirect to login.example.invalid; " + loginHint},
		{"empty", everything, answers(http.StatusOK, "application/json", ""), loginHint},
		{"some JSON", everything, answers(http.StatusOK, "application/json", `{"message":"hello"}`), loginHint},
		{"another kind", reading, answers(http.StatusOK, "application/json", `{"kind":"Service","apiVersion":"v1","metadata":{"name":"web"}}`), loginHint},
		{"a status", reading, answers(http.StatusOK, "application/json", `{"kind":"Status","apiVersion":"v1","status":"Success"}`), loginHint},
		{"another list", reading, answers(http.StatusOK, "application/json", `{"kind":"ListOfThings","apiVersion":"example.com/v1","items":[]}`), loginHint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, args := range commands() {
				if args[len(args)-1] == "widget/a" && !tt.at("/apis") {
					continue // there, only discovery is asked
				}
				p := troubled(t, c, trouble{at: tt.at, fault: tt.fault})
				s, took := timed(t, p.kubeconfig, append(args, "-n", ns, "--request-timeout", timeout.String())...)
				s.exits(t, 2)
				if s.out != "" || strings.Count(s.err, "\n") != 1 || !strings.Contains(s.err, tt.want) || strings.Contains(s.err, "<") {
					t.Errorf("%v: want one line with %q:\n%s%s", args, tt.want, s.out, s.err)
				}
				if strings.HasPrefix(tt.name, "hangs") && !strings.Contains(s.err, " did not answer in time; raise --request-timeout") {
					t.Errorf("%v: does not say that nobody answered: %s", args, s.err)
				}
				if took > 2*timeout+time.Second {
					t.Errorf("%v took %s with a time-out of %s", args, took, timeout)
				}
			}
		})
	}
	for name, tt := range map[string]struct{ kubeconfig, want string }{
		"wrong CA": {kubeconfigFor(t, troubled(t, c).server.URL, &clientcmdapi.Cluster{}), unreachable + "tls: failed to verify certificate: x509: "},
		"refused":  {kubeconfigFor(t, "https://127.0.0.1:1", &clientcmdapi.Cluster{}), "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"},
		"no host":  {kubeconfigFor(t, "https://there-is-none.invalid", &clientcmdapi.Cluster{}), unreachable + "dial tcp: lookup there-is-none.invalid"},
	} {
		for _, args := range commands() {
			s := maturity(t, tt.kubeconfig, append(args, "-n", ns)...).exits(t, 2)
			if s.out != "" || strings.Count(s.err, "\n") != 1 || !strings.HasPrefix(s.err, tt.want) {
				t.Errorf("%s: %v: want one line that starts with %q:\n%s%s", name, args, tt.want, s.out, s.err)
			}
		}
	}
}

// TestPartly holds that a command that could read a part judges that part, names the rest and why once,
// before anything else where kinds are unknown, ends with 3, and calls nothing missing or passed that
// nobody saw.
func TestPartly(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	quiet(t)
	const timeout = 2 * time.Second
	lists := ends("/pods", "/services", "/secrets", "/events")
	for _, tt := range []struct {
		name   string
		at     func(string) bool
		after  int
		fault  fault
		why    string   // the text names it once
		unread []string // and these, as lists
		chain  []string // what explain of the pod misses
	}{
		{"429", lists, 0, busy, "too many requests", []string{"pod list", "secret list"}, []string{"events of pod/"}},
		{"503", lists, 0, down, "currently unable to handle", []string{"pod list", "secret list"}, []string{"events of pod/"}},
		{"expired", lists, 0, expired, "is too old", []string{"pod list", "secret list"}, []string{"events of pod/"}},
		{"breaks off", lists, 0, breaksOff, "the answer broke off, and nothing is concluded from what it lacks", []string{"pod list", "secret list"}, []string{"events of pod/"}},
		{"ends early", lists, 0, endsEarly, "the answer broke off, and nothing is concluded from what it lacks", []string{"pod list", "secret list"}, []string{"events of pod/"}},
		{"hangs", lists, 0, hangs, "no answer within 2s", []string{"pod list", "secret list"}, []string{"events of pod/"}},
		{"hangs midway", lists, 0, hangsMidway, "no answer within 2s", []string{"pod list", "secret list"}, []string{"events of pod/"}},
		{"login page", lists, 0, loginPage, "the answer is a web page", []string{"pod list", "secret list"}, []string{"events of pod/"}},
		{"all but services", func(p string) bool { return reading(p) && !strings.HasSuffix(p, "/services") }, 0, leaderless, "etcdserver: leader changed", []string{"pod list", "deployment list", "node list"}, nil},
		{"dies", reading, 1, dies, "", nil, []string{"events of pod/", "replicaset/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run := func(args ...string) (said, time.Duration) {
				p := troubled(t, c, trouble{at: tt.at, after: tt.after, fault: tt.fault})
				return timed(t, p.kubeconfig, append(args, "-n", ns, "--request-timeout", timeout.String())...)
			}
			noneMissing := func(s said) {
				t.Helper()
				for _, wrong := range []string{"does not exist", "no findings\n", "all healthy", "✓", "nothing selects", "selects nothing", "goroutine"} {
					if strings.Contains(s.out+s.err, wrong) {
						t.Errorf("%v: says %q of what was not read:\n%s%s", s.args, wrong, s.out, s.err)
					}
				}
			}
			if tt.chain != nil {
				s, took := run("explain", "pod/"+pod)
				noneMissing(s.exits(t, 0))
				run := strings.Join(strings.Fields(s.out), " ")
				for _, want := range append(tt.chain, "not read", "not evaluated:", tt.why) {
					if !strings.Contains(run, want) {
						t.Errorf("explain does not say %q:\n%s", want, s.out)
					}
				}
				if took > 2*timeout {
					t.Errorf("explain took %s", took)
				}
			}
			for _, args := range [][]string{{"explain"}, {"check", "--fail-on", "none"}} {
				if tt.unread == nil {
					continue
				}
				s, took := run(args...)
				noneMissing(s.exits(t, 3))
				if took > 2*timeout {
					t.Errorf("%v took %s", args, took)
				}
				first, _, _ := strings.Cut(s.out, "\n\n")
				if !strings.HasPrefix(first, "not read, and so not judged\n") || !strings.Contains(first, "run it again") {
					t.Errorf("%v: the first screen does not say what is missing and what to do:\n%s", args, s.out)
				}
				if n := strings.Count(s.out, tt.why); n == 0 || n > 2 {
					t.Errorf("%v: says %d times %q:\n%s", args, n, tt.why, s.out)
				}
				for _, want := range tt.unread {
					if args[0] == "explain" && (want == "secret list" || want == "node list") {
						continue // which it does not read
					}
					if !strings.Contains(first, want) {
						t.Errorf("%v: the first screen does not name %q:\n%s", args, want, first)
					}
				}
			}
			dir := filepath.Join(t.TempDir(), "saved")
			if tt.unread == nil {
				return
			}
			s, _ := run("snapshot", dir)
			s.exits(t, 0)
			if strings.Count(s.err, tt.why) > 2 {
				t.Errorf("snapshot repeats itself:\n%s", s.err)
			}
			back := maturity(t, c.Kubeconfig, "check", "--from", dir, "--fail-on", "none").exits(t, 3)
			noneMissing(back)
			for _, want := range tt.unread {
				if !strings.Contains(s.err, want) || !strings.Contains(back.out, want) {
					t.Errorf("%q is not among what was not saved:\n%s\nor not read back as such:\n%s", want, s.err, back.out)
				}
			}
		})
	}
}

// TestNothingIsThere holds that "No resources found" is only said of what was read.
func TestNothingIsThere(t *testing.T) {
	c := testcluster.Control(t)
	ns := c.Namespace(t, "empty")
	p := troubled(t, c, trouble{at: ends("/deployments"), fault: down})
	s := maturity(t, p.kubeconfig, "explain", "-n", ns).exits(t, 3)
	if strings.Contains(s.err, "No resources found") || !strings.Contains(s.out, "deployment list") || !strings.Contains(s.out, "nothing to explain in what could be read") {
		t.Errorf("says:\n%s%s", s.out, s.err)
	}
	if s := maturity(t, p.kubeconfig, "check", "-n", ns).exits(t, 3); !strings.Contains(s.out, "deployment list") || strings.Contains(s.out, "✓") {
		t.Errorf("says:\n%s%s", s.out, s.err)
	}
	if s := maturity(t, c.Kubeconfig, "explain", "-n", ns).exits(t, 0); !strings.Contains(s.err, "No resources found") {
		t.Errorf("without trouble: %s%s", s.out, s.err)
	}
}

// TestExpiredOnce holds that a list that has expired is read once more, past the watch cache.
func TestExpiredOnce(t *testing.T) {
	c, ns, _ := rbacCluster(t)
	p := troubled(t, c, trouble{at: ends("/pods"), fault: expired, times: 1})
	s := maturity(t, p.kubeconfig, "check", "-n", ns, "-o", "json").report(t)
	if len(s.NotEvaluated) > 0 || p.count("/pods?") != 2 || p.count("/pods?resourceVersion=0") != 1 {
		t.Errorf("%d reads of pods, %d of the cache; not evaluated: %+v", p.count("/pods?"), p.count("/pods?resourceVersion=0"), s.NotEvaluated)
	}
}

// TestLogHangs holds that a kubelet that does not answer costs one time-out, and no verdict.
func TestLogHangs(t *testing.T) {
	c := testcluster.Control(t)
	ns := c.Namespace(t, "logs")
	ctx := context.Background()
	pods := c.Client().CoreV1().Pods(ns)
	pod, err := pods.Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "crash"},
		Spec:       corev1.PodSpec{NodeName: "lost", Containers: []corev1.Container{{Name: "app", Image: "localhost/misbehave:v1"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // no kubelet does
		now := int64(0)
		_ = pods.Delete(ctx, "crash", metav1.DeleteOptions{GracePeriodSeconds: &now})
	})
	died := &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error", StartedAt: metav1.Now(), FinishedAt: metav1.Now()}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "app", RestartCount: 7, Image: "localhost/misbehave:v1",
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: died},
	}}
	if _, err := pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]fault{
		"hangs": hangs,
		"midway": func(p *proxy, w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte("starting\n"))
			w.(http.Flusher).Flush()
			hangs(p, w, r, nil)
		},
	} {
		p := troubled(t, c, trouble{at: ends("/log"), fault: fault})
		s, took := timed(t, p.kubeconfig, "explain", "pod/crash", "-n", ns, "--request-timeout", "2s")
		s.exits(t, 0)
		if p.count("/log?") == 0 || took > 5*time.Second {
			t.Errorf("%s: %d logs asked for, in %s", name, p.count("/log?"), took)
		}
		if !strings.Contains(s.out, "previous logs of crash/app: timeout") || !strings.Contains(s.out, "exits 3") {
			t.Errorf("%s: does not say that the log is missing, or not how the container ended:\n%s", name, s.out)
		}
	}
}

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.trouble.example.com}
spec:
  group: trouble.example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

const metricsAPI = `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec: {group: metrics.k8s.io, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service: {name: metrics-server, namespace: kube-system}}
`

// deletes takes an object without a namespace out of the cluster when the test ends.
func deletes(t *testing.T, c *testcluster.Cluster, group, resource, name string) {
	t.Helper()
	client, err := dynamic.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r := client.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource})
		if err := r.Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// TestDiscovery holds that a server that cannot tell all its kinds, or none, is still asked for those of
// Kubernetes' own; that a kind of another group is found where its own group can tell; and that an unknown
// one is not called unknown where its group may be the one that is down.
func TestDiscovery(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	quiet(t)
	// What is discovered is cached: before there are widgets, and in another folder broken.
	healthy := troubled(t, c)
	s := maturity(t, healthy.kubeconfig, "explain", "widget/a", "-n", ns).exits(t, 2)
	if !strings.Contains(s.err, `doesn't have a resource type "widget"`) {
		t.Fatalf("before there are widgets: %s", s.err)
	}
	c.Apply(t, ns, []byte(widgets))
	deletes(t, c, "apiextensions.k8s.io", "customresourcedefinitions", "widgets.trouble.example.com")
	widget := []byte("apiVersion: trouble.example.com/v1\nkind: Widget\nmetadata: {name: a, namespace: " + ns + "}\n")
	c.Eventually(t, "widgets", time.Minute, func(context.Context) error {
		_, err := c.Client().Discovery().ServerResourcesForGroupVersion("trouble.example.com/v1")
		return err
	})
	c.Apply(t, ns, widget)
	c.Apply(t, ns, []byte(metricsAPI))
	deletes(t, c, "apiregistration.k8s.io", "apiservices", "v1beta1.metrics.k8s.io")
	c.Eventually(t, "a group that is down", time.Minute, func(context.Context) error {
		_, _, err := c.Client().Discovery().ServerGroupsAndResources()
		if err == nil {
			return os.ErrNotExist
		}
		return nil
	})

	own := [][]string{{"explain", "pod/" + pod}, {"explain", "deploy"}, {"explain", "deploy", "lost", "web"}, {"check", "deploy/web", "--fail-on", "none"}}
	stale, broken := healthy.kubeconfig, troubled(t, c).kubeconfig
	maturity(t, broken, "explain", "widget/a", "-n", ns).exits(t, 0)
	cached := 0
	err := filepath.WalkDir(filepath.Join(filepath.Dir(broken), "cache"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			cached++
			return os.WriteFile(path, []byte("<html>"), 0o600)
		}
		return err
	})
	if err != nil || cached == 0 {
		t.Fatalf("%d cached files, %v", cached, err)
	}
	for name, kubeconfig := range map[string]string{"an API that is down": troubled(t, c).kubeconfig, "a stale cache": stale, "a broken cache": broken} {
		for _, args := range append(slices.Clone(own), []string{"explain", "widget/a"}, []string{"explain", "widgets"}) {
			s := maturity(t, kubeconfig, append(args, "-n", ns)...).exits(t, 0)
			if strings.Contains(s.out+s.err, "metrics.k8s.io") || s.err != "" {
				t.Errorf("%s: %v:\n%s%s", name, args, s.out, s.err)
			}
		}
		for _, args := range [][]string{{"explain", "gadget/a"}, {"explain", "gadgets"}} {
			s := maturity(t, kubeconfig, append(args, "-n", ns)...).exits(t, 2)
			if !strings.Contains(s.err, "could not tell which types metrics.k8s.io/v1beta1 has") || strings.Count(s.err, "\n") != 1 {
				t.Errorf("%s: %v: %s", name, args, s.err)
			}
		}
	}
	for name, tr := range map[string]trouble{
		"all 500":   {at: discovering, fault: leaderless},
		"/apis 500": {at: func(p string) bool { return p == "/apis" }, fault: leaderless},
		"all hangs": {at: discovering, fault: hangs},
		"all pages": {at: discovering, fault: loginPage},
	} {
		p := troubled(t, c, tr)
		for _, args := range own {
			s, took := timed(t, p.kubeconfig, append(args, "-n", ns, "--request-timeout", "2s")...)
			if s.exits(t, 0); s.err != "" || took > 4*time.Second {
				t.Errorf("%s: %v took %s: %s", name, args, took, s.err)
			}
		}
		if s := maturity(t, p.kubeconfig, "explain", "widget/a", "-n", ns, "--request-timeout", "2s").exits(t, 2); strings.Contains(s.err, "doesn't have") || strings.Count(s.err, "\n") != 1 {
			t.Errorf("%s: of a kind that nobody could ask for it says: %s", name, s.err)
		}
	}
}

// TestRequests holds that trouble is prepared for without asking more of a server that has none.
func TestRequests(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	for _, tt := range []struct {
		args []string
		most int
	}{
		{[]string{"explain", "pod/" + pod}, 7}, // it fits on no node: who runs on them is one list
		{[]string{"explain"}, 22},              // 15 lists of the namespace, and whether there is a Gateway API
		{[]string{"check"}, 40},                // lists of what workloads, rights and policies are made of, and which kinds of others there are
		{[]string{"check", "-A"}, 40},
		{[]string{"level", "-A"}, 50}, // and what the server tells of itself, and whoever asks may do
	} {
		p := troubled(t, c)
		maturity(t, p.kubeconfig, append(tt.args, "-n", ns)...)
		if n := p.count("/"); n > tt.most {
			t.Errorf("%v: %d requests, want at most %d: %q", tt.args, n, tt.most, p.requests)
		}
	}
}
