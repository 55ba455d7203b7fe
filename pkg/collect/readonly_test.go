package collect

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// Nothing that could change a cluster leaves the process, whatever a client is asked to do.
func TestReadOnly(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Method+" "+r.URL.Path) }))
	defer server.Close()
	client, err := rest.HTTPClientFor(ReadOnly(&rest.Config{Host: server.URL}, &serverClock{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		sent         bool
	}{
		{"GET", "/api/v1/pods", true},
		{"GET", "/api/v1/namespaces/a/pods/x/log", true},
		{"GET", "/api/v1/namespaces/a/pods/exec", true}, // a pod of that name is a pod
		{"GET", "/api/v1/namespaces/a/pods/x/exec", false},
		{"GET", "/api/v1/namespaces/a/pods/x/portforward", false},
		{"GET", "/api/v1/namespaces/a/pods/x/proxy/metrics", false},
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", true},
		{"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", false},
		{"POST", "/api/v1/namespaces/a/pods", false},
		{"PUT", "/api/v1/namespaces/a/pods/x", false},
		{"PATCH", "/api/v1/namespaces/a/pods/x", false},
		{"DELETE", "/api/v1/namespaces/a/pods/x", false},
	} {
		got = nil
		req, err := http.NewRequest(c.method, server.URL+c.path, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if resp != nil {
			_ = resp.Body.Close()
		}
		if c.sent != (len(got) == 1) || c.sent != (err == nil) {
			t.Errorf("%s %s: sent %v, error %v; want sent %v", c.method, c.path, got, err, c.sent)
		}
	}
}
