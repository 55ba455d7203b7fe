package testcluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// started are the clusters of this test binary: the first test that asks for one starts it.
type started struct {
	mu       sync.Mutex
	clusters map[wanted]*Cluster
	failed   map[wanted]error
	more     []*Cluster
	skipped  []string
}

// wanted is what makes a cluster the same as another.
type wanted struct {
	kind        Kind
	nodes, pods int
	name        string // of one that a few tests keep to themselves
}

var shared = &started{clusters: map[wanted]*Cluster{}, failed: map[wanted]error{}}

// logger is what progress goes to: standard error, at once, since a first build takes minutes.
func logger() io.Writer { return prefixed{stdlog.Writer()} }

type prefixed struct{ w io.Writer }

func (p prefixed) Write(line []byte) (int, error) {
	_, err := p.w.Write(append([]byte("testcluster: "), line...))
	return len(line), err
}

// Main runs the tests of a package, stops the clusters that they started, and says how many tests
// were skipped because this machine has none. It returns the exit code for os.Exit.
func Main(m *testing.M) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		shared.stop()
		signal.Reset()
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Signal(s) // ends this process the way it was asked to
		}
	}()
	code := m.Run()
	shared.stop()
	if n := len(shared.skipped); n > 0 {
		fmt.Fprintf(logger(), "%d tests SKIPPED for want of a cluster:\n", n)
		for _, s := range shared.skipped {
			fmt.Fprintf(logger(), "  %s\n", s)
		}
	}
	return code
}

func (s *started) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clusters {
		c.Stop()
	}
	for _, c := range s.more {
		c.Stop()
	}
	s.clusters, s.more = map[wanted]*Cluster{}, nil
}

// Control gives a control plane that all tests of the binary share. See Node.
func Control(t testing.TB) *Cluster { return shared.get(t, wanted{kind: ControlKind}) }

// Node gives a cluster with a node that all tests of the binary share; a test keeps to a namespace of
// its own. Where this machine can have none the test is skipped, and where its programs are not
// built: unless TESTCLUSTER_BUILD=1 or CI=true lets the test build them. TESTCLUSTER=off skips always.
func Node(t testing.TB) *Cluster { return shared.get(t, wanted{kind: NodeKind}) }

// Scale gives a cluster with this many nodes and pods, about 3% of them broken in several ways. All tests
// of the binary that ask for the same numbers share it, and change nothing in it. Its content is always
// the same; names that controllers make are not, nor is what follows from time. What kwok says of its
// pods is for measuring, and never to be taken for what a kubelet would say.
func Scale(t testing.TB, nodes, pods int) *Cluster {
	return shared.get(t, wanted{kind: ScaleKind, nodes: nodes, pods: pods})
}

// Named gives a cluster that those tests of the binary share which ask for it by the same name.
func Named(t testing.TB, kind Kind, name string) *Cluster {
	return shared.get(t, wanted{kind: kind, name: name})
}

func (s *started) get(t testing.TB, w wanted) *Cluster {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.clusters[w], s.failed[w]
	if c == nil && err == nil {
		c, err = startForTest(w)
		if err != nil {
			s.failed[w] = err
		} else {
			s.clusters[w] = c
		}
	}
	s.orSkip(t, w.kind, err)
	logOnFailure(t, c)
	return c
}

// Another gives a cluster that nobody shares, beside those of Control and Node. It ends with the test.
func Another(t testing.TB, kind Kind) *Cluster {
	t.Helper()
	c, err := startForTest(wanted{kind: kind})
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.orSkip(t, kind, err)
	shared.more = append(shared.more, c)
	t.Cleanup(func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		shared.more = slices.DeleteFunc(shared.more, func(o *Cluster) bool { return o == c })
		c.Stop()
	})
	logOnFailure(t, c)
	return c
}

// Need skips a test that starts a cluster of a kind by other means than this package, where this machine
// can have none. That of a node is skipped too where a test of this binary has started one: there is
// only one at a time.
func Need(t testing.TB, kind Kind) {
	t.Helper()
	err := possible(kind)
	if err == nil {
		err = built(kind)
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if err == nil && kind == NodeKind && shared.clusters[wanted{kind: kind}] != nil {
		err = &UnavailableError{"a test before this one has started a node already"}
	}
	shared.orSkip(t, kind, err)
}

func built(kind Kind) error {
	s, err := findSource()
	if err != nil {
		return err
	}
	_, err = s.builtPrograms(kind)
	return err
}

func (s *started) orSkip(t testing.TB, kind Kind, err error) {
	t.Helper()
	var unavailable *UnavailableError
	switch {
	case errors.As(err, &unavailable):
		s.skipped = append(s.skipped, fmt.Sprintf("%s: %s", t.Name(), unavailable.Reason))
		t.Skipf("SKIPPED, no %s cluster: %s", kind, unavailable.Reason)
	case err != nil:
		t.Fatal(err)
	}
}

func logOnFailure(t testing.TB, c *Cluster) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the ends of the cluster's logs:\n%s", c.LogTail())
		}
	})
}

func startForTest(w wanted) (*Cluster, error) {
	if err := possible(w.kind); err != nil {
		return nil, err
	}
	// Waiting for another process' node or build may take long; the timeout of go test bounds it.
	return Start(context.Background(), w.kind, Options{Log: logger(), Nodes: w.nodes, Pods: w.pods})
}

// possible builds what tests may build, and says why a test cannot have a kind of cluster.
func possible(kind Kind) error {
	if os.Getenv("TESTCLUSTER") == "off" {
		return &UnavailableError{"TESTCLUSTER=off"}
	}
	if unsupported != "" {
		return &UnavailableError{unsupported}
	}
	if kind == NodeKind {
		if reason := nodeUnavailable(); reason != "" {
			return &UnavailableError{reason}
		}
	}
	if build := os.Getenv("TESTCLUSTER_BUILD"); build == "1" || build == "" && os.Getenv("CI") == "true" {
		return Build(context.Background(), []Kind{kind}, logger())
	}
	return nil
}

// Namespace makes a namespace whose name starts with prefix, waits until pods can be made in it, and
// deletes it when the test ends.
func (c *Cluster) Namespace(t testing.TB, prefix string) string {
	t.Helper()
	ctx := context.Background()
	ns, err := c.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ignoreNotFound(c.client.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})); err != nil {
			t.Error(err)
		}
	})
	c.Eventually(t, "the default ServiceAccount of "+ns.Name, time.Minute, func(ctx context.Context) error {
		_, err := c.client.CoreV1().ServiceAccounts(ns.Name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	return ns.Name
}

// Eventually polls until what returns no error; the test fails with the last one.
func (c *Cluster) Eventually(t testing.TB, what string, atMost time.Duration, ready func(context.Context) error) {
	t.Helper()
	if err := c.wait(context.Background(), what, atMost, ready); err != nil {
		t.Fatal(err)
	}
}

// WaitMetrics waits until a cluster with a node has the metrics API, about 20 seconds after its start.
// metrics-server is part of every such cluster, and no other test waits for it.
func (c *Cluster) WaitMetrics(t testing.TB) {
	t.Helper()
	if c.metrics == nil {
		t.Fatalf("a %s cluster has no metrics", c.kind)
	}
	<-c.metrics.done // which it is within minutes
	if c.metrics.err != nil {
		t.Fatal(c.metrics.err)
	}
}

// Apply applies the documents of a YAML text on the server's side, into the namespace ns unless they
// name one.
func (c *Cluster) Apply(t testing.TB, ns string, text []byte) {
	t.Helper()
	if err := c.apply(context.Background(), ns, text); err != nil {
		t.Fatal(err)
	}
}

func (c *Cluster) apply(ctx context.Context, ns string, text []byte) error {
	client, err := dynamic.NewForConfig(c.config)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.client.Discovery()))
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := decoder.Decode(&u.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if len(u.Object) == 0 {
			continue
		}
		gvk := u.GroupVersionKind()
		mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			return err
		}
		var in dynamic.ResourceInterface = client.Resource(mapping.Resource)
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			if u.GetNamespace() == "" {
				u.SetNamespace(ns)
			}
			in = client.Resource(mapping.Resource).Namespace(u.GetNamespace())
		}
		if _, err := in.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: "testcluster", Force: true}); err != nil {
			return fmt.Errorf("%s %s: %w", gvk.Kind, u.GetName(), err)
		}
	}
}

// MadeUpNode makes a node that calls itself ready and is not there, with this much CPU and memory: on
// a control plane it is what the scheduler judges by. It is deleted when the test ends.
func (c *Cluster) MadeUpNode(t testing.TB, name, cpu, memory string) {
	t.Helper()
	ctx := context.Background()
	have := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory), corev1.ResourcePods: resource.MustParse("110"),
	}
	_, err := c.client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ignoreNotFound(c.client.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{})); err != nil {
			t.Error(err)
		}
	})
	now := metav1.Now()
	// A patch, since controllers write to a new node at once.
	status, err := json.Marshal(map[string]any{"status": corev1.NodeStatus{Capacity: have, Allocatable: have, Conditions: []corev1.NodeCondition{
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "MadeUp", LastHeartbeatTime: now, LastTransitionTime: now},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.CoreV1().Nodes().PatchStatus(ctx, name, status); err != nil {
		t.Fatal(err)
	}
	c.Eventually(t, "node "+name+" without taints", time.Minute, func(ctx context.Context) error {
		n, err := c.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err == nil && len(n.Spec.Taints) > 0 {
			err = fmt.Errorf("taints %v", n.Spec.Taints)
		}
		return err
	})
}

// User makes a user of the cluster with a client certificate, and returns the path of its kubeconfig.
// It has the rights of its name and groups, none by itself.
func (c *Cluster) User(t testing.TB, name string, groups ...string) string {
	t.Helper()
	file := "user-" + strings.Map(func(r rune) rune {
		if r == ':' || r == filepath.Separator {
			return '-'
		}
		return r
	}, name)
	if err := c.writeKubeconfig(file, name, groups); err != nil {
		t.Fatal(err)
	}
	return c.kubeconfig(file)
}
