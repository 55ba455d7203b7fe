package collect

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Where kubectl wrote that there is no log, that is no log; a program that begins with the same word wrote one.
func TestLogOfFolder(t *testing.T) {
	const pods = "kind: List\napiVersion: v1\nitems:\n- {kind: Pod, apiVersion: v1, metadata: {name: web, namespace: shop}, spec: {containers: [{name: app}]}}\n"
	for text, want := range map[string]bool{
		"error: cannot open the database\n":                                               true,
		"error: unknown flag --fast\n":                                                    true,
		"error: container runtime is not there\n":                                         true,
		"error: timed out waiting for the condition\nat main.go:12\n":                     true,
		"error: timed out waiting for the condition\n":                                    false,
		"Error from server (NotFound): pods \"web\" not found\n":                          false,
		"error: a container name must be specified for pod web, choose one of: [app b]\n": false,
		"error: container app is not valid for pod web\n":                                 false,
		"unable to retrieve container logs for containerd://1\n":                          false,
	} {
		for file, want := range map[string]bool{"log-web-app.txt": want, "logs/shop/web/app.txt": want || !strings.HasPrefix(text, droppedLog)} {
			s, _, problems, err := Archive(fstest.MapFS{"pods.yaml": {Data: []byte(pods)}, file: {Data: []byte(text)}})
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			if got, _ := s.LogOf("shop", "web", "app", false); (got != "") != want {
				t.Errorf("%s: %q is the log %q", file, text, got)
			}
			out, _ := s.Outcome(snapshot.WantLog("shop", "web", "app", false))
			if (out.State == snapshot.Present) != want {
				t.Errorf("%s: %q: %v", file, text, out)
			}
		}
	}
}

// A folder that kubectl made has no clock of its own: it is the newest time that something happened in it, and
// not one that is to come.
func TestClockOfFolder(t *testing.T) {
	const certificates = `kind: List
apiVersion: v1
items:
- apiVersion: cert-manager.io/v1
  kind: Certificate
  metadata: {name: web, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z"}
  status: {notAfter: "2026-04-01T00:00:00Z", renewalTime: "2026-03-01T00:00:00Z", conditions: [{type: Ready, status: "True", lastTransitionTime: "2026-01-02T00:00:00Z"}]}
`
	s, _, problems, err := Archive(fstest.MapFS{"certificates.cert-manager.io.yaml": {Data: []byte(certificates)}})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if got := s.Now.Format(time.DateOnly); got != "2026-01-02" {
		t.Errorf("the clock is %s", got)
	}
}
