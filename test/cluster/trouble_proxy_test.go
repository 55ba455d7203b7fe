package cluster_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// fault is what befalls a request. next is the real API server.
type fault func(p *proxy, w http.ResponseWriter, r *http.Request, next http.Handler)

// quiet fails the test where something is written past the plugin's streams, as client-go's log would be.
func quiet(t *testing.T) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = file //nolint:reassign // what klog writes to
	t.Cleanup(func() {
		os.Stderr = before //nolint:reassign // as it was
		if text, err := os.ReadFile(file.Name()); err != nil || len(text) > 0 {
			t.Errorf("written past the streams: %s %v", text, err)
		}
	})
}

// trouble is a fault and the requests that it befalls.
type trouble struct {
	at    func(path string) bool
	after int // how many of the requests come through first
	times int // how many it then befalls; 0 is all
	fault fault
}

// proxy stands in front of a real API server and makes trouble.
type proxy struct {
	kubeconfig string
	server     *httptest.Server
	released   chan struct{} // closed when the test ends: what hangs may go

	mu       sync.Mutex
	requests []string // path and query of each
}

// troubled is an API server in trouble, in front of that of c.
func troubled(t *testing.T, c *testcluster.Cluster, troubles ...trouble) *proxy {
	t.Helper()
	config := c.RESTConfig()
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	server := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { // the client has gone
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	p := &proxy{released: make(chan struct{})}
	seen := make([]int, len(troubles))
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.requests = append(p.requests, r.URL.RequestURI())
		var hit fault
		for i, tr := range troubles {
			if !tr.at(r.URL.Path) {
				continue
			}
			seen[i]++
			if n := seen[i] - tr.after; hit == nil && n > 0 && (tr.times == 0 || n <= tr.times) {
				hit = tr.fault
			}
		}
		p.mu.Unlock()
		if hit == nil {
			server.ServeHTTP(w, r)
			return
		}
		hit(p, w, r, server)
	}))
	p.server.EnableHTTP2 = true // as API servers speak
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.StartTLS()
	t.Cleanup(func() {
		close(p.released)
		p.server.CloseClientConnections()
		p.server.Close()
	})
	p.kubeconfig = kubeconfigFor(t, p.server.URL, &clientcmdapi.Cluster{InsecureSkipTLSVerify: true})
	return p
}

// kubeconfigFor writes a kubeconfig for a server, in a folder of its own: what is discovered is cached
// beside it.
func kubeconfigFor(t *testing.T, server string, cluster *clientcmdapi.Cluster) string {
	t.Helper()
	cluster.Server = server
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = cluster
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// count is how many requests had this in their path and query.
func (p *proxy) count(part string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, r := range p.requests {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}

// everything is every request.
func everything(string) bool { return true }

// ends matches paths that end with one of these.
func ends(suffixes ...string) func(string) bool {
	return func(path string) bool {
		for _, s := range suffixes {
			if strings.HasSuffix(path, s) {
				return true
			}
		}
		return false
	}
}

// discovering matches the questions for what kinds there are.
func discovering(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	return parts[0] == "api" && len(parts) < 3 || parts[0] == "apis" && len(parts) < 4
}

// reading matches all that is no discovery.
func reading(path string) bool { return !discovering(path) }

// fails answers with an error as API servers write it; extra are headers, name and value in turn.
func fails(code int, reason metav1.StatusReason, message string, extra ...string) fault {
	return func(_ *proxy, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(extra); i += 2 {
			w.Header().Set(extra[i], extra[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Reason: reason, Message: message, Code: int32(code), //nolint:gosec // an HTTP code
		})
	}
}

// answers answers with a body as it is, which is no answer of an API server.
func answers(code int, contentType, body string) fault {
	return func(_ *proxy, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// redirects sends everybody elsewhere.
func redirects(to string) fault {
	return func(_ *proxy, w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, to, http.StatusFound)
	}
}

// hangs never answers.
func hangs(p *proxy, _ http.ResponseWriter, r *http.Request, _ http.Handler) {
	select {
	case <-p.released:
	case <-r.Context().Done():
	}
}

// half sends half of the real answer and returns.
func half(w http.ResponseWriter, r *http.Request, next http.Handler) {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(rec.Code)
	body := rec.Body.Bytes()
	_, _ = w.Write(body[:len(body)/2])
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// hangsMidway sends half of the answer and hangs then.
func hangsMidway(p *proxy, w http.ResponseWriter, r *http.Request, next http.Handler) {
	half(w, r, next)
	hangs(p, w, r, next)
}

// breaksOff sends half of the answer and resets the stream.
func breaksOff(_ *proxy, w http.ResponseWriter, r *http.Request, next http.Handler) {
	half(w, r, next)
	panic(http.ErrAbortHandler)
}

// endsEarly sends half of the answer and ends it properly, as some proxies do.
func endsEarly(_ *proxy, w http.ResponseWriter, r *http.Request, next http.Handler) {
	half(w, r, next)
}

// dies answers nobody any more, not even this one.
func dies(p *proxy, _ http.ResponseWriter, _ *http.Request, _ http.Handler) {
	_ = p.server.Listener.Close()
	go p.server.CloseClientConnections()
	panic(http.ErrAbortHandler)
}

// timed runs the plugin and tells how long it took.
func timed(t *testing.T, kubeconfig string, args ...string) (said, time.Duration) {
	t.Helper()
	start := time.Now()
	s := maturity(t, kubeconfig, args...)
	return s, time.Since(start)
}
