package snapshot_test

import (
	"reflect"
	"strconv"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app.kubernetes.io/name: web}
spec:
  replicas: 3
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}
  template:
    metadata: {}
    spec:
      hostNetwork: false
      securityContext: {}
      containers:
      - name: app
        image: web:1
        ports:
        - containerPort: 80
        resources:
          limits: {memory: 1Gi}
        securityContext:
          privileged: false
          runAsUser: 0
`

// TestAt holds every path of a typed object, as Raw has it, against At.
func TestAt(t *testing.T) {
	d := &appsv1.Deployment{}
	if err := yaml.Unmarshal([]byte(deployment), d); err != nil {
		t.Fatal(err)
	}
	s := snapshot.New(time.Time{})
	typed, err := s.Add(appsv1.SchemeGroupVersion.WithKind("Deployment"), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw := typed.Raw()
	other, err := snapshot.New(time.Time{}).Add(appsv1.SchemeGroupVersion.WithKind("Other"), &unstructured.Unstructured{Object: raw}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var walk func(v any, path []string)
	walk = func(v any, path []string) {
		n++
		for _, o := range []*snapshot.Object{typed, other} {
			if got, ok := o.At(path...); !ok || !reflect.DeepEqual(got, v) {
				t.Errorf("%v is %#v, %v, want %#v", path, got, ok, v)
			}
			if !o.Has(path...) {
				t.Errorf("%v is not there, want %#v", path, v)
			}
		}
		switch v := v.(type) {
		case map[string]any:
			for k, item := range v {
				if item != nil {
					walk(item, append(append([]string{}, path...), k))
				}
			}
		case []any:
			for i, item := range v {
				walk(item, append(append([]string{}, path...), strconv.Itoa(i)))
			}
		}
	}
	walk(raw["spec"], []string{"spec"})
	if n < 15 {
		t.Errorf("only %d paths", n)
	}
	for _, absent := range [][]string{
		{"spec", "template", "spec", "hostNetwork"}, {"spec", "template", "spec", "containers", "1"}, {"spec", "template", "spec", "containers", "x"},
		{"spec", "template", "spec", "containers", "0", "livenessProbe"}, {"spec", "template", "spec", "containers", "0", "resources", "limits", "cpu"},
		{"spec", "nothing"}, {"spec", "replicas", "deeper"},
	} {
		for _, o := range []*snapshot.Object{typed, other} {
			if got, ok := o.At(absent...); ok || o.Has(absent...) {
				t.Errorf("%v is %#v, want nothing", absent, got)
			}
		}
	}
	pod := &corev1.Pod{}
	pod.Name = "web"
	o, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.Has("metadata", "creationTimestamp") || o.Has("spec", "containers") || !o.Has("metadata", "name") {
		t.Error("what is null counts as there, or what is there as null")
	}
	if got, ok := o.At("metadata", "name"); !ok || got != "web" {
		t.Errorf("name: %v, %v", got, ok)
	}
}
