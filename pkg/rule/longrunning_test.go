package rule_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func TestLongRunning(t *testing.T) {
	none, two := int32(0), int32(2)
	meta := metav1.ObjectMeta{Namespace: "shop", Name: "web"}
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "web:1"}}}}
	custom := func(kind string, replicas any, restart string) runtime.Object {
		pod := map[string]any{"containers": []any{map[string]any{"name": "app", "image": "web:1"}}}
		if restart != "" {
			pod["restartPolicy"] = restart
		}
		spec := map[string]any{"template": map[string]any{"spec": pod}}
		if replicas != nil {
			spec["replicas"] = replicas
		}
		return &unstructured.Unstructured{Object: map[string]any{"kind": kind, "metadata": map[string]any{"namespace": "shop", "name": "web"}, "spec": spec}}
	}
	own := func(kind string) schema.GroupVersionKind {
		return schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: kind}
	}
	apps := func(kind string) schema.GroupVersionKind { return appsv1.SchemeGroupVersion.WithKind(kind) }
	for name, tt := range map[string]struct {
		gvk  schema.GroupVersionKind
		obj  runtime.Object
		want bool
	}{
		"deployment":           {apps("Deployment"), &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Template: template}}, true},
		"deployment at zero":   {apps("Deployment"), &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &none, Template: template}}, false},
		"statefulset":          {apps("StatefulSet"), &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &two, Template: template}}, true},
		"daemonset":            {apps("DaemonSet"), &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Template: template}}, true},
		"daemonset on nothing": {apps("DaemonSet"), &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Template: template}, Status: appsv1.DaemonSetStatus{ObservedGeneration: 1}}, false},
		"job":                  {batchv1.SchemeGroupVersion.WithKind("Job"), &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: template}}, false},
		"pod":                  {corev1.SchemeGroupVersion.WithKind("Pod"), &corev1.Pod{ObjectMeta: meta, Spec: template.Spec}, false},
		"template":             {corev1.SchemeGroupVersion.WithKind("PodTemplate"), &corev1.PodTemplate{ObjectMeta: meta, Template: template}, false},
		"service":              {corev1.SchemeGroupVersion.WithKind("Service"), &corev1.Service{ObjectMeta: meta}, false},
		"custom":               {own("Web"), custom("Web", nil, ""), true},
		"custom at two":        {own("Web"), custom("Web", int64(2), "Always"), true},
		"custom at zero":       {own("Web"), custom("Web", float64(0), ""), false},
		"custom that ends":     {own("Training"), custom("Training", nil, "OnFailure"), false},
		"custom template":      {snapshot.SandboxTemplateKind.WithVersion("v1"), custom("SandboxTemplate", nil, ""), false},
	} {
		s := snapshot.New(time.Unix(0, 0))
		o, err := s.Add(tt.gvk, tt.obj, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := rule.LongRunning(o); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
