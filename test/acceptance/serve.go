package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// serve starts an API server that answers with the files of a folder, one for each path, and makes it the cluster of
// the kubeconfig. Lists that have no file are empty. It refuses the paths that the file forbidden lists, and writes
// what it was asked into the file requests of the session.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	dir, log := ts.MkAbs(args[0]), ts.MkAbs("requests")
	forbidden, _ := os.ReadFile(filepath.Join(dir, "forbidden")) // nothing is, where it is missing
	refused := strings.Fields(string(forbidden))
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			fmt.Fprintln(f, r.Method, r.URL.Path)
			_ = f.Close()
		}
		w.Header().Set("Content-Type", "application/json")
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.URL.Path)+".json"))
		status := metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Details: &metav1.StatusDetails{Name: path.Base(r.URL.Path)}}
		switch {
		case slices.Contains(refused, r.URL.Path):
			status.Code, status.Reason, status.Message = http.StatusForbidden, metav1.StatusReasonForbidden, path.Base(r.URL.Path)+" is forbidden"
		case err != nil && emptyList(r.URL.Path) != "":
			fmt.Fprint(w, emptyList(r.URL.Path))
			return
		case err != nil:
			status.Code, status.Reason, status.Message = http.StatusNotFound, metav1.StatusReasonNotFound, path.Base(r.URL.Path)+" not found"
		default:
			_, _ = w.Write(data)
			return
		}
		w.WriteHeader(int(status.Code))
		_ = json.NewEncoder(w).Encode(status)
	}))
	ts.Defer(server.Close)
	ts.Check(os.WriteFile(ts.Getenv("KUBECONFIG"), []byte(`{"apiVersion": "v1", "kind": "Config", "current-context": "served",
		"clusters": [{"name": "c", "cluster": {"server": "`+server.URL+`"}}],
		"contexts": [{"name": "served", "context": {"cluster": "c", "namespace": "shop"}}]}`), 0o600))
}

// emptyList is the answer to a path that lists a kind of Kubernetes' own of which there is none; "" for others.
func emptyList(of string) string {
	parts := strings.Split(strings.Trim(of, "/"), "/")
	gv := schema.GroupVersion{Version: "v1"}
	if parts[0] == "apis" && len(parts) > 2 {
		gv.Group, gv.Version = parts[1], parts[2]
	}
	for kind := range scheme.Scheme.KnownTypes(gv) {
		if plural, _ := meta.UnsafeGuessKindToResource(gv.WithKind(kind)); plural.Resource == parts[len(parts)-1] {
			return fmt.Sprintf(`{"kind": "%sList", "apiVersion": %q, "metadata": {"resourceVersion": "1"}, "items": []}`, kind, gv)
		}
	}
	return ""
}
