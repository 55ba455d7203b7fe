package observability_test

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/observability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func web(endpoint string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: "web", Image: "web:1", Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 9102}},
		Env: []corev1.EnvVar{{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Value: endpoint}},
	}}
	return d
}

// odd is a kind of others whose fields are not what one would expect.
func odd(gk schema.GroupKind, spec any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": gk.Group + "/v1", "kind": gk.Kind, "metadata": map[string]any{"namespace": "shop", "name": "odd"}, "spec": spec, "status": []any{"odd"},
	}}
}

// TestLive holds what checks say of a cluster: what may not be read is never taken for what is not there, and what nobody
// asked for is not spoken of.
func TestLive(t *testing.T) {
	system := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system"}}
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	for _, tt := range []struct {
		check     string
		blind     schema.GroupKind
		namespace string // in which the lists were read, "" for all
		objects   []runtime.Object
		want      string // fail, pass, unknown, nothing
	}{
		{"metrics-server", schema.GroupKind{}, "", []runtime.Object{system, hpa}, "fail"},
		{"metrics-server", snapshot.APIServiceKind, "", []runtime.Object{system, hpa}, "unknown APIService: forbidden"},
		{"metrics-server", snapshot.HPAKind, "", []runtime.Object{system}, "unknown HorizontalPodAutoscaler: forbidden"},
		{"metrics-server", schema.GroupKind{}, "kube-system", []runtime.Object{system}, "nothing"},
		{"otel-endpoint-missing", schema.GroupKind{}, "", []runtime.Object{web("http://collector:4317")}, "fail"},
		{"otel-endpoint-missing", snapshot.ServiceKind, "", []runtime.Object{web("http://collector:4317")}, "unknown service/collector: forbidden"},
		{"otel-endpoint-missing", schema.GroupKind{}, "shop", []runtime.Object{web("http://collector.tracing.svc:4317")}, "unknown service/collector: not read"},
		{"metrics-not-scraped", schema.GroupKind{}, "", []runtime.Object{web(""), odd(snapshot.ServiceMonitorKind, "odd"), odd(snapshot.PodMonitorKind, map[string]any{"selector": "odd", "namespaceSelector": "odd"})}, "fail"},
		{"metrics-not-scraped", snapshot.PodMonitorKind, "", []runtime.Object{web("")}, "unknown PodMonitor: forbidden"},
		{"metrics-not-scraped", schema.GroupKind{}, "shop", []runtime.Object{web("")}, "nothing"},
		{"alert-no-runbook", schema.GroupKind{}, "", []runtime.Object{odd(snapshot.PrometheusRuleKind, map[string]any{"groups": []any{"odd", map[string]any{"rules": "odd"}}})}, "pass"},
		{"agent-misses-nodes", snapshot.NodeKind, "", []runtime.Object{&appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "logs"},
			Spec:       appsv1.DaemonSetSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: "fluent/fluent-bit:3"}}}}},
		}}, "unknown Node: forbidden"},
	} {
		t.Run(fmt.Sprint(tt.check, " ", tt.blind.Kind, " ", tt.want), func(t *testing.T) {
			live := ruletest.Live{Read: []schema.GroupKind{snapshot.ServiceKind}, Refused: tt.blind, Namespace: tt.namespace, Objects: tt.objects, Whole: []schema.GroupKind{snapshot.APIServiceKind, snapshot.NodeKind}}
			if got := live.Verdict(t, observability.Checks, tt.check); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
