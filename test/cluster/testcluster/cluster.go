// Package testcluster runs a real Kubernetes for tests, out of programs that it builds from their Go
// modules: a control plane as any user may run it, with as many made-up nodes and pods as one likes,
// and as root also a node with a kubelet. A test asks for what it needs with Control, Scale or Node and
// is skipped, by name and counted, where this machine cannot have it.
package testcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kind is how much of a cluster is there.
type Kind string

// The kinds of clusters.
const (
	// ControlKind is etcd, API server, controllers and scheduler: nothing runs a pod.
	ControlKind Kind = "control"
	// NodeKind is ControlKind and one node with a real kubelet and containerd.
	NodeKind Kind = "node"
	// ScaleKind is ControlKind, and nodes and pods in numbers that exist only in what kwok writes.
	ScaleKind Kind = "scale"
)

// Kinds are all kinds of clusters.
var Kinds = []Kind{ControlKind, NodeKind, ScaleKind}

// Cluster is a running Kubernetes.
type Cluster struct {
	// Kubeconfig is the path of the administrator's kubeconfig.
	Kubeconfig string
	// Registry is, on a cluster with a node, where the node finds a registry that has no images: it
	// answers 404, and 401 for images below private/.
	Registry string

	kind      Kind
	dir       string
	claim     *claim
	kept      *os.File // the lock on a folder that stays
	log       io.Writer
	programs  map[string]string
	source    *source
	address   string // of the API server
	port      int
	ca        *authority
	processes []*process
	node      *node
	metrics   *task
	config    *rest.Config
	client    kubernetes.Interface
}

// task is what goes on while others use the cluster already.
type task struct {
	cancel func()
	done   chan struct{}
	err    error // once done is closed
}

func (t *task) stop() {
	if t != nil {
		t.cancel()
		<-t.done
	}
}

// Options of Start.
type Options struct {
	// Dir is the folder of the cluster, which stays; by default a temporary one, which does not.
	Dir string
	// Log is told what happens.
	Log io.Writer
	// Nodes and Pods are how many a cluster of ScaleKind has.
	Nodes, Pods int
}

// UnavailableError says why this machine cannot have a cluster of a kind.
type UnavailableError struct{ Reason string }

func (e *UnavailableError) Error() string { return e.Reason }

// Start starts a cluster of programs that are built already. The caller stops it.
func Start(ctx context.Context, kind Kind, o Options) (*Cluster, error) {
	if unsupported != "" {
		return nil, &UnavailableError{unsupported}
	}
	if kind == NodeKind {
		if reason := nodeUnavailable(); reason != "" {
			return nil, &UnavailableError{reason}
		}
	}
	s, err := findSource()
	if err != nil {
		return nil, err
	}
	programs, err := s.builtPrograms(kind)
	if err != nil {
		return nil, err
	}
	// Ports that were free a moment ago may be taken.
	for try := 1; ; try++ {
		c := &Cluster{kind: kind, log: o.Log, programs: programs, source: s}
		start := time.Now()
		err := c.up(ctx, o)
		if err == nil {
			fmt.Fprintf(o.Log, "%s cluster ready in %.1fs, its logs in %s\n", kind, time.Since(start).Seconds(), filepath.Join(c.dir, "log"))
			return c, nil
		}
		err = fmt.Errorf("starting a %s cluster: %w", kind, err)
		c.Stop()
		if try == 3 || !strings.Contains(err.Error(), "address already in use") {
			return nil, err
		}
	}
}

func (c *Cluster) up(ctx context.Context, o Options) error {
	if _, err := Sweep(); err != nil {
		return err
	}
	if err := c.makeDir(o.Dir); err != nil {
		return err
	}
	c.address = "127.0.0.1"
	if c.kind == NodeKind {
		if err := c.startNode(ctx); err != nil { // its network has the address
			return err
		}
	}
	if err := c.startControl(ctx); err != nil {
		return err
	}
	switch c.kind {
	case NodeKind:
		return c.joinNode(ctx)
	case ScaleKind:
		return c.fill(ctx, o.Nodes, o.Pods)
	}
	return nil
}

// Stop ends the cluster and removes what it made, the folder too unless it was asked for.
func (c *Cluster) Stop() {
	c.metrics.stop()
	if c.node != nil {
		c.node.remove()
		defer c.node.unlock() // once all is gone that the next one would meet
	}
	for i := len(c.processes) - 1; i >= 0; i-- {
		c.processes[i].kill()
	}
	c.processes = nil
	if c.claim == nil {
		return
	}
	if c.kept != nil {
		_ = removeWork(c.dir)
		_ = c.kept.Close()
	}
	if err := c.claim.remove(); err != nil {
		fmt.Fprintf(c.log, "removing %s: %v\n", c.claim.dir, err)
	}
	c.claim = nil
}

// freePorts are ports that nobody listened on a moment ago.
func freePorts(address string, n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // only once all are found, so that they differ
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

func (c *Cluster) pki(name string) string { return filepath.Join(c.dir, "pki", name) }

// startControl starts the control plane.
func (c *Cluster) startControl(ctx context.Context) error {
	ports, err := freePorts("127.0.0.1", 2)
	if err != nil {
		return err
	}
	servers, err := freePorts(c.address, 1)
	if err != nil {
		return err
	}
	c.port = servers[0]
	if err := c.writePKI(); err != nil {
		return err
	}
	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	if _, err := c.start("etcd", childAttr(), c.programs["etcd"],
		"--name=e", "--data-dir="+filepath.Join(c.dir, "etcd"), "--log-level=warn", "--unsafe-no-fsync",
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=e="+peer); err != nil {
		return err
	}
	if err := c.wait(ctx, "etcd", time.Minute, func(ctx context.Context) error { return healthy(ctx, http.DefaultClient, etcd+"/health") }); err != nil {
		return err
	}
	if err := c.startServer(etcd); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	if err := c.wait(ctx, "the API server", 2*time.Minute, func(ctx context.Context) error {
		return c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return err
	}
	if err := c.startControllers(); err != nil {
		return err
	}
	return c.wait(ctx, "the controllers", time.Minute, func(ctx context.Context) error {
		_, err := c.client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

func healthy(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func (c *Cluster) writePKI() error {
	dir := filepath.Join(c.dir, "pki")
	var err error
	if c.ca, err = newAuthority(dir, "ca"); err != nil {
		return err
	}
	proxy, err := newAuthority(dir, "front-proxy-ca")
	if err != nil {
		return err
	}
	masters := []string{"system:masters"}
	return errors.Join(
		writeTokenKey(dir),
		proxy.issueFile("front-proxy", "front-proxy-client", nil),
		c.ca.issueFile("apiserver", "kube-apiserver", nil, "127.0.0.1", c.address, "10.96.0.1", "localhost", "kubernetes.default.svc"),
		c.ca.issueFile("apiserver-kubelet", "kube-apiserver-kubelet-client", masters),
		c.writeKubeconfig("admin", "admin", masters),
		c.writeKubeconfig("controllers", "system:kube-controller-manager", nil),
		c.writeKubeconfig("scheduler", "system:kube-scheduler", nil),
	)
}

func (c *Cluster) startServer(etcd string) error {
	advertise := c.address
	if advertise == "127.0.0.1" {
		advertise = "192.0.2.1" // refused if loopback; with reconciler none, nobody is told of it
	}
	_, err := c.start("kube-apiserver", childAttr(), c.programs["kube-apiserver"],
		"--etcd-servers="+etcd, "--bind-address="+c.address, "--secure-port="+strconv.Itoa(c.port),
		"--advertise-address="+advertise, "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--client-ca-file="+c.pki("ca.crt"), "--tls-cert-file="+c.pki("apiserver.crt"), "--tls-private-key-file="+c.pki("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.pki("sa.pub"), "--service-account-signing-key-file="+c.pki("sa.key"),
		"--kubelet-client-certificate="+c.pki("apiserver-kubelet.crt"), "--kubelet-client-key="+c.pki("apiserver-kubelet.key"),
		"--kubelet-certificate-authority="+c.pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file="+c.pki("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+c.pki("front-proxy.crt"), "--proxy-client-key-file="+c.pki("front-proxy.key"),
		"--enable-aggregator-routing=true", "--profiling=false")
	return err
}

func (c *Cluster) startControllers() error {
	grace, controllers, batch, workers := "50s", "*", "0s", "5" // the defaults
	if c.kind != NodeKind {
		grace = "24h" // nobody reports for a node that is made up
	}
	if c.kind == ScaleKind {
		controllers, batch, workers = scaleControllers, "3s", "20"
	}
	if _, err := c.start("kube-controller-manager", childAttr(), c.programs["kube-controller-manager"],
		"--node-monitor-grace-period="+grace, "--controllers="+controllers,
		// A Service of many pods is written once for several of them.
		"--endpoint-updates-batch-period="+batch, "--endpointslice-updates-batch-period="+batch,
		"--concurrent-deployment-syncs="+workers, "--concurrent-replicaset-syncs="+workers,
		"--concurrent-statefulset-syncs="+workers, "--concurrent-job-syncs="+workers,
		"--kubeconfig="+c.kubeconfig("controllers"), "--secure-port=0", "--leader-elect=false",
		"--use-service-account-credentials=true", "--service-account-private-key-file="+c.pki("sa.key"), "--root-ca-file="+c.pki("ca.crt"),
		"--cluster-signing-cert-file="+c.pki("ca.crt"), "--cluster-signing-key-file="+c.pki("ca.key"),
		"--kube-api-qps=200", "--kube-api-burst=400"); err != nil {
		return err
	}
	_, err := c.start("kube-scheduler", childAttr(), c.programs["kube-scheduler"],
		"--kubeconfig="+c.kubeconfig("scheduler"), "--secure-port=0", "--leader-elect=false", "--kube-api-qps=200", "--kube-api-burst=400")
	return err
}

func (c *Cluster) kubeconfig(user string) string {
	return filepath.Join(c.dir, "users", user+".kubeconfig")
}

// writeKubeconfig makes a client certificate, and a kubeconfig with it.
func (c *Cluster) writeKubeconfig(file, name string, groups []string) error {
	p, err := c.ca.issue(name, groups)
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{
		Server:                   "https://" + net.JoinHostPort(c.address, strconv.Itoa(c.port)),
		CertificateAuthorityData: encodeCert(c.ca.cert.Raw),
	}
	config.AuthInfos[file] = &clientcmdapi.AuthInfo{ClientCertificateData: p.cert, ClientKeyData: p.key}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: file}
	config.CurrentContext = "test"
	return clientcmd.WriteToFile(*config, c.kubeconfig(file))
}

func (c *Cluster) connect() error {
	c.Kubeconfig = c.kubeconfig("admin")
	var err error
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
		return err
	}
	c.config.QPS, c.config.Burst = 200, 400
	c.config.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	c.client, err = kubernetes.NewForConfig(c.config)
	return err
}

// RESTConfig is the administrator's, for clients of all kinds.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.config) }

// Client is the administrator's typed client.
func (c *Cluster) Client() kubernetes.Interface { return c.client }

// Dir is the folder of the cluster.
func (c *Cluster) Dir() string { return c.dir }

// LogTail is the end of the log of every process.
func (c *Cluster) LogTail() string {
	var b strings.Builder
	for _, p := range c.processes {
		if text := p.tail(12); text != "" {
			fmt.Fprintf(&b, "--- %s\n%s\n", p.name, text)
		}
	}
	return b.String()
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
