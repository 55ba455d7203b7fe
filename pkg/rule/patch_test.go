package rule

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

const podText = `apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app.kubernetes.io/name: web}
spec:
  securityContext:
  containers:
  - name: app
    image: web:1
    ports:
    - name: http
      containerPort: 80
`

func TestPut(t *testing.T) {
	docs, _ := source.Parse("web.yaml", []byte(podText))
	content, err := docs[0].Decode()
	if err != nil {
		t.Fatal(err)
	}
	pod := func() *corev1.Pod {
		pod := &corev1.Pod{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content.(map[string]any), pod); err != nil {
			t.Fatal(err)
		}
		return pod
	}
	s := snapshot.New(time.Time{})
	gvk := corev1.SchemeGroupVersion.WithKind("Pod")
	file, err := s.Add(gvk, pod(), &snapshot.Origin{Document: docs[0]})
	if err != nil {
		t.Fatal(err)
	}
	live, err := snapshot.New(time.Time{}).Add(gvk, pod(), nil)
	if err != nil {
		t.Fatal(err)
	}
	name := `{"op":"test","path":"/spec/containers/0/name","value":"app"},`
	for _, tt := range []struct{ path, want, wantLive string }{
		{path: "spec.containers[0].image", want: name + `{"op":"test","path":"/spec/containers/0/image","value":"web:1"},{"op":"replace","path":"/spec/containers/0/image","value":7}`},
		{path: "spec.containers[0].livenessProbe", want: name + `{"op":"add","path":"/spec/containers/0/livenessProbe","value":7}`},
		{path: "spec.containers[0].resources.limits.cpu", want: name + `{"op":"add","path":"/spec/containers/0/resources","value":{"limits":{"cpu":7}}}`,
			wantLive: name + `{"op":"add","path":"/spec/containers/0/resources/limits","value":{"cpu":7}}`},
		{path: "spec.securityContext.runAsNonRoot", want: `{"op":"add","path":"/spec/securityContext","value":{"runAsNonRoot":7}}`},
		{path: "spec.tolerations[0].key", want: `{"op":"add","path":"/spec/tolerations","value":[{"key":7}]}`},
		{path: "metadata.labels[app.kubernetes.io/part-of]", want: `{"op":"add","path":"/metadata/labels/app.kubernetes.io~1part-of","value":7}`},
		{path: "spec.containers[0].ports[0].containerPort", want: name + `{"op":"test","path":"/spec/containers/0/ports/0/name","value":"http"},` +
			`{"op":"test","path":"/spec/containers/0/ports/0/containerPort","value":80},{"op":"replace","path":"/spec/containers/0/ports/0/containerPort","value":7}`},
	} {
		if tt.wantLive == "" {
			tt.wantLive = tt.want
		}
		for _, c := range []struct {
			where string
			o     *snapshot.Object
			want  string
		}{{"file", file, tt.want}, {"live", live, tt.wantLive}} {
			got, err := json.Marshal(PutIn(c.o, FieldPath(tt.path), 7).Content())
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != "["+c.want+"]" {
				t.Errorf("%s, %s:\ngot  %s\nwant [%s]", tt.path, c.where, got, c.want)
			}
		}
	}
	drop := (&Pass{Object: file}).Drop(FieldPath("spec.containers[0].image"))
	got, err := json.Marshal(drop.And(PutIn(file, FieldPath("spec.hostname"), "a")).Content())
	if want := name + `{"op":"test","path":"/spec/containers/0/image","value":"web:1"},{"op":"remove","path":"/spec/containers/0/image"},{"op":"add","path":"/spec/hostname","value":"a"}`; err != nil || strings.Trim(string(got), "[]") != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

func TestFieldPath(t *testing.T) {
	for _, path := range []string{"spec.containers[0].image", "metadata.annotations[a.b/c]", "spec"} {
		if got := FieldPath(path).String(); got != path {
			t.Errorf("got %s, want %s", got, path)
		}
	}
}
