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

func reads(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		// These subresources act on a GET: they open a connection into a pod or past the API.
		for _, sub := range []string{"/exec", "/attach", "/portforward", "/proxy"} {
			if strings.HasSuffix(req.URL.Path, sub) || strings.Contains(req.URL.Path, sub+"/") && strings.Contains(req.URL.Path, "/pods/") {
				return false
			}
		}
		return true
	case http.MethodPost:
		i := strings.LastIndexByte(req.URL.Path, '/')
		name := req.URL.Path[i+1:]
		return strings.HasPrefix(name, "selfsubject") && strings.HasSuffix(name, "reviews")
	}
	return false
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
