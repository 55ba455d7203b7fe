package collect

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// fakeCluster answers some paths and hangs, refuses or fails on others, as a troubled API server does.
func fakeCluster(t *testing.T, answers map[string]http.HandlerFunc) *Cluster {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f, ok := answers[r.URL.Path]; ok {
			f(w, r)
			return
		}
		absent(w, path.Base(r.URL.Path))
	}))
	t.Cleanup(server.Close)
	flags := genericclioptions.NewConfigFlags(false)
	flags.APIServer = &server.URL
	timeout := "200ms"
	flags.Timeout = &timeout
	none := t.TempDir() + "/none"
	flags.KubeConfig = &none
	c, err := NewCluster(flags, "test")
	if err != nil {
		// kubectl fails where an explicit kubeconfig is missing: none is meant here.
		flags.KubeConfig = nil
		t.Setenv("KUBECONFIG", none)
		if c, err = NewCluster(flags, "test"); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func status(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: reason, Message: message, Code: int32(code)})
}

// absent answers as an API server does where an object is not there.
func absent(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Message: name + " not found",
		Code: http.StatusNotFound, Details: &metav1.StatusDetails{Name: name},
	})
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	}
}

// Refused, absent, late and broken are told apart, and none of them keeps the others from being read.
func TestFetchOutcomes(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	c := fakeCluster(t, map[string]http.HandlerFunc{
		"/api/v1/namespaces/a/pods/web": body(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"a"}}`),
		"/api/v1/namespaces/a/pods":     body(`{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"web","namespace":"a"}},{"metadata":{"name":"web-2","namespace":"a"}}]}`),
		"/apis/apps/v1/namespaces/a/deployments/d": func(w http.ResponseWriter, _ *http.Request) {
			status(w, 403, metav1.StatusReasonForbidden, "deployments.apps is forbidden")
		},
		"/api/v1/nodes/n": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		},
		"/apis/batch/v1/namespaces/a/jobs/j": func(w http.ResponseWriter, _ *http.Request) {
			status(w, 500, metav1.StatusReasonInternalError, "etcd is down")
		},
		"/api/v1/namespaces/a/pods/web/log":      body("unable to retrieve container logs for containerd://0123"),
		"/apis/storage.k8s.io/v1/storageclasses": body(`{"apiVersion":"storage.k8s.io/v1","kind":"StorageClassList","items":[]}`),
	})
	wants := map[snapshot.Want]snapshot.Outcome{
		snapshot.WantGet(snapshot.PodKind, "a", "web"):       {State: snapshot.Present},
		snapshot.WantList(snapshot.PodKind, "a", ""):         {State: snapshot.Present},
		snapshot.WantGet(snapshot.DeploymentKind, "a", "d"):  {State: snapshot.Blind, Reason: snapshot.ReasonForbidden},
		snapshot.WantGet(snapshot.NodeKind, "", "n"):         {State: snapshot.Blind, Reason: snapshot.ReasonTimeout},
		snapshot.WantGet(snapshot.JobKind, "a", "j"):         {State: snapshot.Blind, Reason: snapshot.ReasonFailed},
		snapshot.WantGet(snapshot.ConfigMapKind, "a", "cm"):  {State: snapshot.Absent},
		snapshot.WantLog("a", "web", "app", true):            {State: snapshot.Blind, Reason: snapshot.ReasonUnavailable},
		snapshot.WantList(snapshot.StorageClassKind, "", ""): {State: snapshot.Present},
	}
	s := snapshot.New(time.Now())
	list := make([]snapshot.Want, 0, len(wants))
	for w := range wants {
		list = append(list, w)
	}
	if err := c.Fetch(context.Background(), s, list); err != nil {
		t.Fatal(err)
	}
	for w, want := range wants {
		got, ok := s.Outcome(w)
		if !ok || got.State != want.State || got.Reason != want.Reason {
			t.Errorf("%s: %+v, want %s %s", w, got, want.State, want.Reason)
		}
	}
	if n := len(s.List(snapshot.PodKind, "a")); n != 2 {
		t.Errorf("%d pods, want 2", n)
	}
	if _, out := s.Lookup(snapshot.DeploymentKind, "a", "d"); out.State == snapshot.Absent {
		t.Error("a refused read was called absent")
	}
}

// The values of a Secret are never asked for, not even to throw them away.
func TestSecretsAreReadAsMetadata(t *testing.T) {
	var accept string
	c := fakeCluster(t, map[string]http.HandlerFunc{
		"/api/v1/namespaces/a/secrets/db": func(w http.ResponseWriter, r *http.Request) {
			accept = r.Header.Get("Accept")
			body(`{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"name":"db","namespace":"a",
				"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"password\":\"aHVudGVyMg==\"}}"},
				"managedFields":[{"manager":"kubectl","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:password":{},"f:user":{}}}}]}}`)(w, r)
		},
	})
	s := snapshot.New(time.Now())
	if err := c.Fetch(context.Background(), s, []snapshot.Want{snapshot.WantGet(snapshot.SecretKind, "a", "db")}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(accept, "as=PartialObjectMetadata") || strings.Contains(accept, "application/json,") || strings.HasSuffix(accept, "application/json") && !strings.Contains(accept, "as=") {
		t.Errorf("asked for %q", accept)
	}
	secret, out := s.Lookup(snapshot.SecretKind, "a", "db")
	if secret == nil {
		t.Fatalf("not read: %+v", out)
	}
	if got := strings.Join(secret.Keys, ","); got != "password,user" || !secret.KeysKnown {
		t.Errorf("keys %q", got)
	}
	if text := secret.Meta.GetAnnotations(); len(text) > 0 {
		t.Errorf("last-applied was kept: %v", text)
	}
}

func TestOnThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"https://127.0.0.1:6443": true, "https://localhost:6443/prefix": true, "https://[::1]:6443": true,
		"https://10.0.0.1:6443": false, "https://localhost.example.com": false, "https://api.example.com:6443": false, "": false, "::": false,
	} {
		if got := onThisMachine(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
