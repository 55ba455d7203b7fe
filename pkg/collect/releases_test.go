package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const manifestOfShop = `---
# Source: shop/templates/pdb.yaml
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata:
  name: web
spec: {maxUnavailable: 1}
---
# Source: shop/templates/nothing.yaml
---
apiVersion: v1
kind: Secret
metadata: {name: web, namespace: vault}
stringData: {password: hunter2}
---
apiVersion: v1
kind: ConfigMapList
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: a}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "odd
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
`

// packed is a release as Helm writes it into a Secret, with a value that nobody may find anywhere.
func packed(t *testing.T, status, manifest string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"name": "web", "namespace": "shop", "version": 3,
		"info":     map[string]any{"status": status, "first_deployed": "2026-01-02T10:00:00.123456789Z", "last_deployed": "2026-01-03T10:00:00.123456789+01:00", "deleted": "", "notes": "log in with hunter2", "description": "hunter2"},
		"chart":    map[string]any{"metadata": map[string]any{"name": "shop", "version": "1.4.0", "appVersion": "2.0\x1b[31m", "kubeVersion": ">=1.25.0-0", "deprecated": true}, "values": map[string]any{"password": "hunter2"}, "templates": []any{map[string]any{"name": "a", "data": "aHVudGVyMg=="}}},
		"config":   map[string]any{"db": map[string]any{"password": "hunter2"}},
		"hooks":    []any{map[string]any{"manifest": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: hunter2}"}},
		"manifest": manifest,
	})
	if err != nil {
		t.Fatal(err)
	}
	return zipped(t, text)
}

func zipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(base64.StdEncoding.EncodeToString(b.Bytes()))
}

func releaseSecret(name string, revision int, status string, data []byte) corev1.Secret {
	return corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: fmt.Sprintf("sh.helm.release.v1.%s.v%d", name, revision), CreationTimestamp: metav1.Unix(1767000000, 0),
			Labels: map[string]string{"owner": "helm", "name": name, "version": fmt.Sprint(revision), "status": status, "modifiedAt": "1767200000"},
		},
		Type: "helm.sh/release.v1", Data: map[string][]byte{"release": data},
	}
}

// helmServer keeps Secrets, and answers as an API server does: page by page, and what selectors ask for. protobuf is
// how it answers where it is asked for content.
type helmServer struct {
	secrets  []corev1.Secret
	protobuf bool
	refused  bool
	asked    []string
	handed   int // Secrets with their content
}

func (s *helmServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.asked = append(s.asked, q.Get("fieldSelector")+" "+q.Get("labelSelector"))
	if s.refused {
		status(w, 403, metav1.StatusReasonForbidden, `secrets is forbidden: User "dev" cannot list resource "secrets"`)
		return
	}
	var matching []corev1.Secret
	for _, item := range s.secrets {
		_, name, named := strings.Cut(q.Get("fieldSelector"), "metadata.name=")
		switch {
		case q.Get("labelSelector") == "status!=superseded" && item.Labels["status"] == "superseded":
		case named && item.Name != name:
		default:
			matching = append(matching, item)
		}
	}
	from := 0
	_, _ = fmt.Sscan(q.Get("continue"), &from)
	const most = 2 // a page is short here, whatever the limit
	next := ""
	if len(matching) > from+most {
		next = fmt.Sprint(from + most)
	}
	matching = matching[from:min(len(matching), from+most)]
	meta := metav1.ListMeta{ResourceVersion: "7", Continue: next}
	if strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadata") {
		list := metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadataList"}, ListMeta: meta}
		for _, item := range matching {
			list.Items = append(list.Items, metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"}, ObjectMeta: item.ObjectMeta})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list)
		return
	}
	s.handed += len(matching)
	list := corev1.SecretList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"}, ListMeta: meta, Items: matching}
	if !s.protobuf {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
	_ = scheme.Codecs.EncoderForVersion(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), corev1.SchemeGroupVersion).Encode(&list, w)
}

func readReleases(t *testing.T, server *helmServer) (*snapshot.Snapshot, snapshot.Outcome) {
	t.Helper()
	c := fakeCluster(t, map[string]http.HandlerFunc{"/api/v1/namespaces/shop/secrets": server.ServeHTTP})
	c.ReadReleases()
	s := snapshot.New(time.Now())
	want := snapshot.WantList(snapshot.ReleaseKind, "shop", "")
	if err := c.Fetch(context.Background(), s, []snapshot.Want{want}); err != nil {
		t.Fatal(err)
	}
	out, ok := s.Outcome(want)
	if !ok {
		t.Fatal("nobody said what became of it")
	}
	return s, out
}

func releaseOf(t *testing.T, s *snapshot.Snapshot, name string) *snapshot.Release {
	t.Helper()
	o, _ := s.Lookup(snapshot.ReleaseKind, "shop", name)
	if o == nil {
		t.Fatalf("there is no release %s", name)
	}
	r, ok := o.Typed.(*snapshot.Release)
	if !ok {
		t.Fatalf("%T", o.Typed)
	}
	return r
}

// Of a release its chart, its state, and what it made are read, and nothing of what it was configured with stays
// anywhere: not in the snapshot, not in a report of it, not in a folder.
func TestReleases(t *testing.T) {
	for _, protobuf := range []bool{true, false} {
		server := &helmServer{protobuf: protobuf, secrets: []corev1.Secret{
			releaseSecret("web", 1, "superseded", packed(t, "superseded", "")),
			releaseSecret("web", 10, "deployed", packed(t, "deployed", manifestOfShop)),
			releaseSecret("web", 2, "superseded", packed(t, "superseded", "")),
			releaseSecret("web.v1", 9, "failed", packed(t, "failed", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")),
			{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "sh.helm.release.v1.odd"}, Type: "helm.sh/release.v1"},
			{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "sh.helm.release.v1.odd.v-1"}, Type: "helm.sh/release.v1"},
		}}
		s, out := readReleases(t, server)
		if out.State != snapshot.Present {
			t.Fatalf("%+v", out)
		}
		web := releaseOf(t, s, "web")
		if got, want := fmt.Sprintf("%d %d %s %q %d %s", web.Revision, web.Revisions, web.Status, web.Unread, web.Unparsed, web.Updated.UTC()), `10 3 deployed "" 1 2026-01-03 09:00:00 +0000 UTC`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := web.Chart, (snapshot.ReleaseChart{Name: "shop", Version: "1.4.0", AppVersion: "2.0 [31m", KubeVersion: ">=1.25.0-0", Deprecated: true}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got, want := fmt.Sprint(web.Manifest), "[{policy/v1beta1 PodDisruptionBudget  web} {v1 Secret vault web} {v1 ConfigMap  a} {apps/v1 Deployment  web}]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if r := releaseOf(t, s, "web.v1"); r.Revision != 9 || r.Revisions != 1 || r.Status != "failed" || len(r.Manifest) != 1 {
			t.Errorf("%+v", r)
		}
		if n := len(s.All()); n != 2 {
			t.Errorf("%d objects, want the two releases and no Secret: %v", n, s.All())
		}
		if server.handed != 4 {
			t.Errorf("the content of %d Secrets was asked for: what was replaced is not read", server.handed)
		}
		for _, asked := range server.asked {
			if !strings.HasPrefix(asked, "type=helm.sh/release.v1 ") {
				t.Errorf("asked for Secrets of others: %s", asked)
			}
		}
		dir := filepath.Join(t.TempDir(), "saved")
		if err := Save(s, dir); err != nil {
			t.Fatal(err)
		}
		for place, text := range places(t, s, dir) {
			for _, secret := range []string{"hunter2", "aHVudGVyMg", base64.StdEncoding.EncodeToString([]byte("hunter2"))} {
				if strings.Contains(text, secret) {
					t.Errorf("%s holds %s: %s", place, secret, text)
				}
			}
			if !strings.Contains(text, "PodDisruptionBudget") && place != "snapshot.yaml" {
				t.Errorf("%s does not hold what was read: %s", place, text)
			}
		}
		back, _, problems, err := Archive(os.DirFS(dir))
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		got, err := json.Marshal(releaseOf(t, back, "web"))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := json.Marshal(web); err != nil || string(got) != string(want) {
			t.Errorf("read back: %s, want %s, %v", got, want, err)
		}
		if !back.ListRead(snapshot.ReleaseKind, "shop") || back.ListRead(snapshot.ReleaseKind, "other") {
			t.Error("which releases were read is not known of the folder")
		}
	}
}

// places are all texts in which something of a snapshot may stand.
func places(t *testing.T, s *snapshot.Snapshot, dir string) map[string]string {
	t.Helper()
	all := map[string]string{"the snapshot": "", "JSON": ""}
	for _, o := range s.All() {
		all["the snapshot"] += fmt.Sprintf("%+v %#v", o.Typed, o.Meta)
		text, err := json.Marshal(o.Raw())
		if err != nil {
			t.Fatal(err)
		}
		all["JSON"] += string(text)
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		all[name] = string(text)
		return err
	})
	if err != nil || len(all) < 4 {
		t.Fatal(err, len(all))
	}
	return all
}

// A release that cannot be unpacked is named, with what the labels of its Secret say, and keeps no other from being read.
func TestBrokenReleases(t *testing.T) {
	good := packed(t, "deployed", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(rand.IntN(256)) //nolint:gosec // any bytes do
	}
	cut, err := base64.StdEncoding.DecodeString(string(packed(t, "deployed", base64.StdEncoding.EncodeToString(noise))))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"twenty megabytes": {zipped(t, bytes.Repeat([]byte(" "), maxRelease+1)), "its Secret sh.helm.release.v1.bad.v2 unpacks to more than 20 MB"},
		"cut off":          {[]byte(base64.StdEncoding.EncodeToString(cut[:len(cut)-100])), "its Secret sh.helm.release.v1.bad.v2 cannot be unpacked"},
		"no base64":        {[]byte("{hunter2}"), "its Secret sh.helm.release.v1.bad.v2 is not base64"},
		"no JSON":          {zipped(t, []byte("hunter2")), "its Secret sh.helm.release.v1.bad.v2 holds no release of Helm"},
		"other JSON":       {zipped(t, []byte(`{"chart":{"metadata":{"name":7}},"info":{}}`)), "its Secret sh.helm.release.v1.bad.v2 holds no release of Helm"},
		"nothing":          {nil, "its Secret sh.helm.release.v1.bad.v2 holds no release of Helm"},
		"not compressed":   {[]byte(base64.StdEncoding.EncodeToString([]byte(`{"info":{"status":"failed"},"chart":{"metadata":{"name":"old"}}}`))), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, out := readReleases(t, &helmServer{protobuf: true, secrets: []corev1.Secret{
				releaseSecret("bad", 1, "superseded", good), releaseSecret("bad", 2, "failed", tt.data), releaseSecret("good", 1, "deployed", good),
			}})
			if out.State != snapshot.Present {
				t.Fatalf("%+v", out)
			}
			bad := releaseOf(t, s, "bad")
			if bad.Unread != tt.want || bad.Status != "failed" || bad.Revision != 2 || bad.Revisions != 2 || bad.Updated.Unix() != 1767200000 || len(bad.Manifest) > 0 {
				t.Errorf("%+v", bad)
			}
			if r := releaseOf(t, s, "good"); r.Unread != "" || len(r.Manifest) != 1 || r.Chart.Name != "shop" {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A newest revision that is said to be replaced is read all the same: the one that replaced it is gone.
func TestReleaseReplacedByNothing(t *testing.T) {
	server := &helmServer{protobuf: true, secrets: []corev1.Secret{
		releaseSecret("web", 4, "superseded", packed(t, "superseded", "")), releaseSecret("web", 5, "superseded", packed(t, "superseded", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")),
	}}
	s, _ := readReleases(t, server)
	if r := releaseOf(t, s, "web"); r.Revision != 5 || r.Unread != "" || len(r.Manifest) != 1 {
		t.Errorf("%+v", r)
	}
	if server.handed != 1 {
		t.Errorf("the content of %d Secrets was asked for, want one", server.handed)
	}
}

// Who may not list Secrets is told so, and nothing is concluded.
func TestReleasesForbidden(t *testing.T) {
	s, out := readReleases(t, &helmServer{refused: true})
	if out.State != snapshot.Blind || out.Reason != snapshot.ReasonForbidden || !strings.Contains(out.Message, "forbidden") {
		t.Errorf("%+v", out)
	}
	if len(s.All()) > 0 || s.ListRead(snapshot.ReleaseKind, "shop") {
		t.Errorf("%v", s.All())
	}
}

// Without being asked for, nobody's Secrets are read; that is "not read", and never "none".
func TestReleasesUnasked(t *testing.T) {
	server := &helmServer{secrets: []corev1.Secret{releaseSecret("web", 1, "deployed", packed(t, "deployed", ""))}}
	c := fakeCluster(t, map[string]http.HandlerFunc{
		"/api/v1/secrets": server.ServeHTTP, "/api/v1/namespaces/shop/secrets": server.ServeHTTP,
		"/api/v1/namespaces/shop": body(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`),
	})
	for _, namespace := range []string{"shop", ""} {
		s := snapshot.New(time.Now())
		server.refused = namespace == "" // and all others fail
		if err := c.Brief(context.Background(), s, namespace, []schema.GroupKind{snapshot.ReleaseKind}); (err != nil) != server.refused {
			t.Errorf("%q: %v", namespace, err)
		}
		out, ok := s.Outcome(snapshot.WantList(snapshot.ReleaseKind, namespace, ""))
		if !ok || out.State != snapshot.Blind || out.Reason != snapshot.ReasonUnread {
			t.Errorf("%v %+v", ok, out)
		}
		if len(s.List(snapshot.ReleaseKind, "")) > 0 {
			t.Error("releases were read")
		}
	}
	for _, asked := range server.asked {
		if strings.Contains(asked, "helm") {
			t.Errorf("asked for %s", asked)
		}
	}
	if server.handed > 0 {
		t.Errorf("the content of %d Secrets was asked for", server.handed)
	}
}

// That releases were not asked for is no sign of life of a server, and not why nothing could be read.
func TestReleasesUnaskedOfNobody(t *testing.T) {
	c := fakeCluster(t, nil)
	c.trouble.waited = 1
	s := snapshot.New(time.Now())
	pods, kept := snapshot.WantList(snapshot.PodKind, "", ""), snapshot.WantList(snapshot.ReleaseKind, "", "")
	if err := c.Fetch(context.Background(), s, []snapshot.Want{kept}); err != nil || c.trouble.waited != 1 {
		t.Errorf("%v, %d reads without an answer", err, c.trouble.waited)
	}
	c.take(s, answer{want: pods, err: io.EOF})
	if err := c.orFailed(s, []snapshot.Want{pods, kept}); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// What cannot be read of a manifest is counted, and the rest is used.
func TestManifestObjects(t *testing.T) {
	const pdb = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n"
	for manifest, want := range map[string]string{
		"":                                "[] 0",
		"# nothing\n---\n\n---\n":         "[] 0",
		"null":                            "[] 0",
		"[]":                              "[] 1",
		"text":                            "[] 1",
		"kind: Pod\n":                     "[] 1",
		"apiVersion: v1\nkind: [Pod]\n":   "[] 1",
		"apiVersion: v1\nkind: Pod\n":     "[{v1 Pod  }] 0",
		"\x00":                            "[] 1",
		"a: [\n---\n" + pdb:               "[{policy/v1 PodDisruptionBudget  web}] 1",
		pdb + "metadata: {name: other}\n": "[{policy/v1 PodDisruptionBudget  web}] 0", // which Helm takes
		"apiVersion: v1\nkind: Pod\nmetadata: odd\n":                                                         "[{v1 Pod  }] 0",
		"apiVersion: v1\nkind: List\nitems: [{kind: Pod}, {apiVersion: v1, kind: Pod, metadata: {name: a}}]": "[{v1 Pod  a}] 1",
		"apiVersion: v1\nkind: List\nitems: &all [{apiVersion: v1, kind: List, items: *all}]":                "[] 1",
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a\u001b[2J","namespace":null}}`:                 "[{v1 Pod  a [2J}] 0",
	} {
		objects, unparsed := manifestObjects(manifest)
		if got := fmt.Sprint(objects, unparsed); got != want {
			t.Errorf("%q: got %s, want %s", manifest, got, want)
		}
	}
}
