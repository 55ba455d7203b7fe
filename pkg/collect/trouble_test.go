package collect

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// hang answers nobody until the request is given up.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// fetch reads wants from a troubled server, and tells how long it took.
func fetch(t *testing.T, c *Cluster, wants ...snapshot.Want) (*snapshot.Snapshot, time.Duration) {
	t.Helper()
	s := snapshot.New(time.Now())
	start := time.Now()
	if err := c.Fetch(context.Background(), s, wants); err != nil {
		t.Fatal(err)
	}
	return s, time.Since(start)
}

// An answer that is none of Kubernetes proves nothing: no absence, and no empty list.
func TestNoAnswerOfKubernetes(t *testing.T) {
	get := snapshot.WantGet(snapshot.DeploymentKind, "a", "web")
	for name, f := range map[string]http.HandlerFunc{
		"nothing":           func(http.ResponseWriter, *http.Request) {},
		"any JSON":          body(`{"items":[]}`),
		"a string":          body(`"hello"`),
		"a list of another": body(`{"kind":"ServiceList","apiVersion":"v1","metadata":{},"items":[]}`),
		"an object":         body(`{"kind":"Service","apiVersion":"v1","metadata":{"name":"other"}}`),
		"half":              body(`{"kind":"DeploymentList","apiVersion":"apps/v1","items":[{"metadata":{"na`),
		"a page":            func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") },
		"404 of a proxy":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such page", http.StatusNotFound) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.invalid/", http.StatusFound)
		},
		"bad protobuf": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("k8s\x00\xff\xff\xff\xff")) },
	} {
		t.Run(name, func(t *testing.T) {
			c := fakeCluster(t, map[string]http.HandlerFunc{
				"/apis/apps/v1/namespaces/a/deployments/web": f, "/apis/apps/v1/namespaces/a/deployments": f,
				"/api/v1/namespaces/a/secrets": f, "/api/v1/namespaces/a/secrets/db": f,
			})
			wants := []snapshot.Want{
				get, snapshot.WantList(snapshot.DeploymentKind, "a", ""), snapshot.WantList(snapshot.SecretKind, "a", ""), snapshot.WantGet(snapshot.SecretKind, "a", "db"),
			}
			s, _ := fetch(t, c, wants...)
			for _, w := range wants {
				if out, _ := s.Outcome(w); out.State != snapshot.Blind || out.Message == "" || strings.ContainsAny(out.Message, "<>\n") {
					t.Errorf("%s: %+v, want blind, and why", w, out)
				}
			}
		})
	}
}

// A list that the server cuts into pages is read to its end; one that expires on the way is begun anew.
func TestPages(t *testing.T) {
	asked := []string{}
	expire := true
	c := fakeCluster(t, map[string]http.HandlerFunc{"/api/v1/namespaces/a/pods": func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q.Get("continue")+"@"+q.Get("resourceVersion"))
		if q.Get("continue") == "" {
			body(`{"kind":"PodList","apiVersion":"v1","metadata":{"continue":"2nd"},"items":[{"metadata":{"name":"one","namespace":"a"}}]}`)(w, r)
			return
		}
		if expire {
			expire = false
			status(w, http.StatusGone, metav1.StatusReasonExpired, "The provided continue parameter is too old")
			return
		}
		body(`{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"two","namespace":"a"}}]}`)(w, r)
	}})
	w := snapshot.WantList(snapshot.PodKind, "a", "")
	s, _ := fetch(t, c, w)
	if got, want := strings.Join(asked, " "), "@0 2nd@ @ 2nd@"; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
	if out, _ := s.Outcome(w); out.State != snapshot.Present || len(s.List(snapshot.PodKind, "a")) != 2 {
		t.Errorf("%+v with %d pods", out, len(s.List(snapshot.PodKind, "a")))
	}
}

// Of a list that breaks off on its second page the first is used, and no list is known.
func TestPageMissing(t *testing.T) {
	c := fakeCluster(t, map[string]http.HandlerFunc{"/api/v1/namespaces/a/pods": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("continue") != "" {
			status(w, http.StatusGone, metav1.StatusReasonExpired, "The provided continue parameter is too old")
			return
		}
		body(`{"kind":"PodList","apiVersion":"v1","metadata":{"continue":"2nd"},"items":[{"metadata":{"name":"one","namespace":"a"}}]}`)(w, r)
	}})
	s, _ := fetch(t, c, snapshot.WantList(snapshot.PodKind, "a", ""))
	if s.ListRead(snapshot.PodKind, "a") || len(s.List(snapshot.PodKind, "a")) != 1 {
		t.Errorf("list read: %v, %d pods", s.ListRead(snapshot.PodKind, "a"), len(s.List(snapshot.PodKind, "a")))
	}
	if _, out := s.Lookup(snapshot.PodKind, "a", "two"); out.State != snapshot.Blind {
		t.Errorf("a pod of the second page is %+v", out)
	}
	dir := filepath.Join(t.TempDir(), "saved")
	if err := Save(s, dir); err != nil {
		t.Fatal(err)
	}
	back, _, problems, err := Archive(os.DirFS(dir))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if _, out := back.Lookup(snapshot.PodKind, "a", "two"); out.State != snapshot.Blind || out.Reason != snapshot.ReasonFailed {
		t.Errorf("read back, a pod of the second page is %+v", out)
	}
	if one, _ := back.Lookup(snapshot.PodKind, "a", "one"); one == nil {
		t.Error("the first page was not saved")
	}
}

// A server that hangs on everything costs about one time-out, however much is asked; one that hangs on
// the first reads still answers the others.
func TestSilence(t *testing.T) {
	paths := map[string]http.HandlerFunc{}
	var wants []snapshot.Want
	for i := range 5 * parallel {
		name := fmt.Sprintf("pod-%d", i)
		paths["/api/v1/namespaces/a/pods/"+name] = hang
		wants = append(wants, snapshot.WantGet(snapshot.PodKind, "a", name))
	}
	paths["/api/v1/nodes/n"] = hang
	c := fakeCluster(t, paths)
	s, took := fetch(t, c, wants...)
	if took > 5*c.timeout/2 {
		t.Errorf("%d reads took %s with a time-out of %s", len(wants), took, c.timeout)
	}
	for _, w := range wants {
		if out, _ := s.Outcome(w); out.Reason != snapshot.ReasonTimeout {
			t.Errorf("%s: %+v", w, out)
		}
	}
	if _, took := fetch(t, c, snapshot.WantGet(snapshot.NodeKind, "", "n")); took > c.timeout/2 {
		t.Errorf("asked the silent server again, for %s", took)
	}

	paths = maps.Clone(paths) // the silent server still reads the other
	paths["/api/v1/nodes"] = body(`{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[]}`)
	c = fakeCluster(t, paths)
	nodes := snapshot.WantList(snapshot.NodeKind, "", "")
	s, _ = fetch(t, c, append(append([]snapshot.Want{}, wants[:2*parallel]...), nodes)...)
	if out, _ := s.Outcome(nodes); out.State != snapshot.Present {
		t.Errorf("nodes, which are answered: %+v", out)
	}

	c = fakeCluster(t, paths) // one read alone is not the whole server, but is not waited for twice
	fetch(t, c, wants[0])
	if _, took := fetch(t, c, wants[0]); took > c.timeout/2 {
		t.Errorf("asked again for what hangs, for %s", took)
	}
	if s, _ = fetch(t, c, nodes); !s.ListRead(snapshot.NodeKind, "") {
		t.Error("nodes were not asked for after one pod hung")
	}
}

// A server that asks to come back later than the read may take is not waited for.
func TestRetryAfter(t *testing.T) {
	var n atomic.Int32
	c := fakeCluster(t, map[string]http.HandlerFunc{"/api/v1/nodes/n": func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", "3600")
		status(w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "too many requests")
	}})
	w := snapshot.WantGet(snapshot.NodeKind, "", "n")
	s, took := fetch(t, c, w)
	if out, _ := s.Outcome(w); out.Reason != snapshot.ReasonFailed || out.Message != "too many requests" || n.Load() != 1 || took > c.timeout/2 {
		t.Errorf("%+v after %d requests and %s", out, n.Load(), took)
	}
}

// A body without an end is given up before it fills the memory.
func TestBounded(t *testing.T) {
	endless := io.MultiReader(bytes.NewReader(make([]byte, 100)), strings.NewReader("more"))
	b := &bounded{ReadCloser: io.NopCloser(endless), left: 100}
	if data, err := io.ReadAll(b); !errors.Is(err, errTooLong) || len(data) != 100 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	b = &bounded{ReadCloser: io.NopCloser(bytes.NewReader(make([]byte, 100))), left: 100}
	if data, err := io.ReadAll(b); err != nil || len(data) != 100 {
		t.Errorf("one that fits: %d bytes, %v", len(data), err)
	}
	for path, list := range map[string]bool{
		"/api/v1/pods": true, "/api/v1/namespaces/a/pods": true, "/apis/apps/v1/namespaces/a/deployments": true, "/apis/apps/v1/deployments": true,
		"/api/v1/namespaces": true, "/api/v1/namespaces/a": false, "/api/v1/namespaces/a/pods/web": false, "/api": false, "/apis/apps/v1": false,
		"/api/v1/namespaces/a/pods/web/log": false, "/apis/apps/v1/namespaces/a/deployments/web": false,
	} {
		if isList(path) != list {
			t.Errorf("%s is a list: %v", path, !list)
		}
	}
}

// Sizes that no list has are an error, and not a crash.
func TestEachItemSizes(t *testing.T) {
	for _, size := range []uint64{1 << 63, 1<<64 - 1, maxItem + 1, 1 << 40} {
		items := binary.AppendUvarint([]byte{listItems<<3 | 2}, size)
		raw := append(binary.AppendUvarint([]byte{unknownRaw<<3 | 2}, 1<<29), items...)
		if got, err := names(append(append([]byte{}, protobufMagic...), raw...)); err == nil {
			t.Errorf("an item of %d bytes: %v and no error", size, got)
		}
		outer := binary.AppendUvarint([]byte{unknownRaw<<3 | 2}, size)
		if _, err := names(append(append([]byte{}, protobufMagic...), outer...)); err == nil {
			t.Errorf("a list of %d bytes: no error", size)
		}
	}
	if got, err := names(podListOf(t, "")); err != nil || len(got) != 1 {
		t.Errorf("a list: %v, %v", got, err)
	}
	_, err := eachItemOf(podListOf(t, "next page"), "ServiceList")
	if !errors.Is(err, errNoObject) {
		t.Errorf("pods for services: %v", err)
	}
	if next, err := eachItemOf(podListOf(t, "next page"), "PodList"); next != "next page" || err != nil {
		t.Errorf("the next page starts at %q, %v", next, err)
	}
}

// Wants that nobody could answer are saved, and read back as such.
func TestSaveUnread(t *testing.T) {
	s := snapshot.New(time.Unix(1, 0))
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "a"}}
	if _, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil); err != nil {
		t.Fatal(err)
	}
	s.SetOutcome(snapshot.WantList(snapshot.ServiceKind, "a", ""), snapshot.Outcome{State: snapshot.Present})
	unread := []snapshot.Want{
		snapshot.WantList(snapshot.PodKind, "a", ""), snapshot.WantList(snapshot.PodKind, "a", "app=web"), snapshot.WantGet(snapshot.NodeKind, "", "n"),
		snapshot.WantLog("a", "web", "app", true), snapshot.WantEvents(snapshot.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "a", Name: "web"}),
	}
	want := snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonTimeout, Message: "no answer within 10s"}
	for _, w := range unread {
		s.SetOutcome(w, want)
	}
	dir := filepath.Join(t.TempDir(), "saved")
	if err := Save(s, dir); err != nil {
		t.Fatal(err)
	}
	back, _, problems, err := Archive(os.DirFS(dir))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	for _, w := range unread {
		if got, ok := back.Outcome(w); !ok || got != want {
			t.Errorf("%s: %+v", w, got)
		}
	}
	if back.ListRead(snapshot.PodKind, "a") || !back.ListRead(snapshot.ServiceKind, "a") {
		t.Errorf("pods listed: %v, services: %v", back.ListRead(snapshot.PodKind, "a"), back.ListRead(snapshot.ServiceKind, "a"))
	}
}
