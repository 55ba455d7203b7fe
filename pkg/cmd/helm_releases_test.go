package cmd_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What Helm keeps is read where somebody asks for it, and only there.
func TestHelmReleasesFlag(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/secrets") && strings.Contains(r.URL.Query().Get("fieldSelector"), "helm.sh/release.v1") {
			asked.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden})
	}))
	defer server.Close()
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	for _, tt := range []struct {
		words []string
		asks  bool
	}{
		{[]string{"check", "-A"}, false},
		{[]string{"check", "-A", "--helm-releases"}, true},
		{[]string{"check", "-n", "shop", "--helm-releases"}, true},
		{[]string{"level", "-A"}, false},
	} {
		asked.Store(0)
		runMain(t, append(tt.words, "--server", server.URL)...)
		if got := asked.Load() > 0; got != tt.asks {
			t.Errorf("%v: asked %v, want %v", tt.words, got, tt.asks)
		}
	}
	for _, words := range [][]string{{"check", "-f", "."}, {"check", "-k", "."}, {"check", "--from", "."}, {"level", "--from", "."}} {
		if code, _, errOut := runMain(t, append(words, "--helm-releases")...); code != 2 || !strings.Contains(errOut, "--helm-releases asks a cluster") {
			t.Errorf("%v: exit %d, %s", words, code, errOut)
		}
	}
}
