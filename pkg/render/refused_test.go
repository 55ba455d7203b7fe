package render_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What was refused is named beside an object that seems well; what nobody asked for is not.
func TestHealthyNamesWhatWasRefused(t *testing.T) {
	for unread, want := range map[string]string{"secret/tls: forbidden": "secret/tls: forbidden", "pod list in namespace a": ""} {
		r := report.New("explain", snapshot.New(time.Unix(0, 0)))
		r.Explained = []report.Explained{{
			Object: snapshot.Ref{APIVersion: "networking.k8s.io/v1", Kind: "Ingress", Namespace: "a", Name: "shop"},
			State:  "healthy", Text: "served at 192.0.2.1", Unread: []string{unread},
		}}
		var b strings.Builder
		if err := render.Explain(&b, r, render.NewTheme(false, true, 100), false, false); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "healthy: served") || strings.Contains(b.String(), "not read") != (want != "") || !strings.Contains(b.String(), want) {
			t.Errorf("%s:\n%s", unread, b.String())
		}
	}
}
