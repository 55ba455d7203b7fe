package collect

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
)

// readOnly is a transport that lets nothing through which could change a cluster: get, list and
// watch are GETs, and the only POSTs are reviews of what the user himself may do.
type readOnly struct {
	next  http.RoundTripper
	clock *serverClock
}

// ReadOnly makes every client of config read only, and reads the server's clock on the way.
func ReadOnly(config *rest.Config, clock *serverClock) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &readOnly{next, clock} })
	return config
}

// RoundTrip implements http.RoundTripper. A request that may write fails and is not sent.
func (t *readOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if !reads(req) {
		return nil, fmt.Errorf("refused to send %s %s: kubectl maturity only reads", req.Method, req.URL.Path)
	}
	resp, err := t.next.RoundTrip(req)
	if err == nil && t.clock != nil {
		t.clock.see(resp.Header.Get("Date"))
	}
	return resp, err
}

// CancelRequest does nothing: requests are cancelled by their context. Without it client-go logs that
// nothing can cancel one that took too long.
func (t *readOnly) CancelRequest(*http.Request) {}

func reads(req *http.Request) bool {
	resource, sub := target(req.URL.Path)
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		switch sub { // these act on a GET: they open a connection into a pod, or through the API server
		case "exec", "attach", "portforward", "proxy":
			return false
		}
		return true
	case http.MethodPost:
		return strings.HasPrefix(resource, "selfsubject") && strings.HasSuffix(resource, "reviews")
	}
	return false
}

// target is the resource and subresource that a path of the API names:
// /api/v1/namespaces/NS/RESOURCE/NAME/SUB or /apis/GROUP/VERSION/RESOURCE/NAME/SUB.
func target(path string) (resource, sub string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		if p == "api" {
			parts = parts[min(i+2, len(parts)):]
			break
		}
		if p == "apis" {
			parts = parts[min(i+3, len(parts)):]
			break
		}
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	if len(parts) > 0 {
		resource = parts[0]
	}
	if len(parts) > 2 {
		sub = parts[2]
	}
	return resource, sub
}

// serverClock is the clock of the server: ages of what it wrote are told by it, not by the clock
// of the machine that reads.
type serverClock struct{ unix atomic.Int64 }

func (c *serverClock) see(date string) {
	if t, err := http.ParseTime(date); err == nil {
		c.unix.CompareAndSwap(0, t.Unix())
	}
}

// now is the server's time, or the machine's where no server has told.
func (c *serverClock) now() time.Time {
	if s := c.unix.Load(); s != 0 {
		return time.Unix(s, 0)
	}
	return time.Now()
}
