package observability_test

import (
	"fmt"
	"strings"
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

// pod is one that is ready on node a, of a controller of that kind.
func pod(kind, name, image string) *corev1.Pod {
	yes := true
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: "1", Controller: &yes}}},
		Spec:       corev1.PodSpec{NodeName: "a", Containers: []corev1.Container{{Name: "main", Image: image}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
}

// namespaced is a Prometheus that takes what is in namespaces with a label, monitored a monitor that leads to web, and alerts
// are rules that make one.
func namespaced() *unstructured.Unstructured {
	return odd(snapshot.PrometheusKind, map[string]any{"podMonitorSelector": map[string]any{}, "podMonitorNamespaceSelector": map[string]any{"matchLabels": map[string]any{"team": "shop"}}})
}

func alerts() *unstructured.Unstructured {
	return odd(snapshot.PrometheusRuleKind, map[string]any{"groups": []any{map[string]any{"rules": []any{map[string]any{"alert": "Down"}}}}})
}

func monitored() *unstructured.Unstructured {
	m := odd(snapshot.PodMonitorKind, map[string]any{"selector": map[string]any{}, "podMetricsEndpoints": []any{map[string]any{"port": "metrics"}}})
	m.SetName("web")
	return m
}

// served is a workload with a Service in front of it.
func served(annotations map[string]string, from string) []runtime.Object {
	d := web("")
	d.Spec.Template.Labels, d.Spec.Template.Annotations = map[string]string{"app": "web"}, annotations
	if from != "" {
		d.Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: from}}}}
	}
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	svc.Spec.Selector, svc.Spec.Ports = map[string]string{"app": "web"}, []corev1.ServicePort{{Name: "http", Port: 80}}
	return []runtime.Object{d, svc}
}

// TestLive holds what checks say of a cluster: what may not be read is never taken for what is not there, and what nobody
// asked for is not spoken of.
func TestLive(t *testing.T) {
	system := snapshot.NewCluster()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
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
		{"alert-no-runbook", schema.GroupKind{}, "", []runtime.Object{odd(snapshot.PrometheusRuleKind, map[string]any{"groups": []any{"odd", map[string]any{"rules": "odd"}}})}, "nothing"},
		{"metrics-unscraped", schema.GroupKind{}, "", served(nil, ""), "fail"},
		{"metrics-unscraped", snapshot.VMPodScrapeKind, "", served(nil, ""), "unknown VMPodScrape: forbidden"},
		{"metrics-unscraped", schema.GroupKind{}, "shop", served(nil, ""), "unknown ServiceMonitor of other namespaces: not read"},
		{"metrics-unscraped", schema.GroupKind{}, "shop", served(map[string]string{"prometheus.io/scrape": "true"}, ""), "pass"},
		{"metrics-unscraped", schema.GroupKind{}, "", served(nil, "hidden"), "unknown secret/hidden may hold variables that have it send its metrics: its keys are not known"},
		{"metrics-unscraped", schema.GroupKind{}, "", append(served(nil, ""), monitored()), "unknown podmonitor.monitoring.coreos.com/web leads to it, and what would read that monitor is not seen"},
		{"metrics-unscraped", schema.GroupKind{}, "", append(served(nil, ""), monitored(), pod("ReplicaSet", "alloy", "grafana/alloy:1")), "pass"},
		{"metrics-unscraped", schema.GroupKind{}, "", append(served(nil, ""), pod("DaemonSet", "beyla", "grafana/beyla:2")), "pass"},
		{"metrics-unscraped", schema.GroupKind{}, "", append(served(nil, ""), namespaced(), monitored()), "unknown whether a Prometheus takes podmonitor.monitoring.coreos.com/web: the labels of namespaces were not read"},
		{"metrics-unscraped", schema.GroupKind{}, "", append(served(map[string]string{"prometheus.io/scrape": "true"}, ""), namespaced()), "unknown annotations ask for its metrics, and what runs here by Prometheus objects does not read them: whether something else does is not seen"},
		{"metrics-unscraped", schema.GroupKind{}, "", append(served(map[string]string{"prometheus.io/scrape": "true"}, ""), namespaced(), pod("ReplicaSet", "own", "prom/prometheus:3")), "pass"},
		{"log-agent-missing", schema.GroupKind{}, "", []runtime.Object{node}, "fail"},
		{"log-agent-missing", snapshot.PodKind, "", []runtime.Object{node}, "unknown Pod: forbidden"},
		{"log-agent-missing", schema.GroupKind{}, "shop", []runtime.Object{node}, "unknown Pod: not read"},
		{"log-agent-missing", schema.GroupKind{}, "", []runtime.Object{node, pod("DaemonSet", "alloy", "grafana/alloy:1")}, "unknown main of pod/alloy may collect logs: its configuration is not read"},
		{"log-agent-missing", schema.GroupKind{}, "", []runtime.Object{node, pod("DaemonSet", "logs", "fluent/fluent-bit:4")}, "pass"},
		{"exporters-missing", schema.GroupKind{}, "", []runtime.Object{system}, "fail"},
		{"exporters-missing", schema.GroupKind{}, "shop", []runtime.Object{system}, "unknown Pod: not read"},
		{"exporters-missing", schema.GroupKind{}, "", []runtime.Object{system, pod("DaemonSet", "alloy", "grafana/alloy:1")}, "unknown main of pod/alloy may do what node-exporter does: its configuration is not read"},
		{"events-not-kept", schema.GroupKind{}, "", []runtime.Object{system}, "fail"},
		{"events-not-kept", snapshot.PodKind, "", []runtime.Object{system}, "unknown Pod: forbidden"},
		{"events-not-kept", schema.GroupKind{}, "", []runtime.Object{system, pod("ReplicaSet", "otel", "otel/opentelemetry-collector-contrib:1")}, "unknown main of pod/otel may keep events: its configuration is not read"},
		{"events-not-kept", schema.GroupKind{}, "", []runtime.Object{system, pod("DaemonSet", "otel", "otel/opentelemetry-collector-contrib:1")}, "fail"},
		{"alerts-missing", schema.GroupKind{}, "", []runtime.Object{system, odd(snapshot.PrometheusRuleKind, "odd"), odd(snapshot.AlertmanagerKind, "odd")}, "fail"},
		{"alerts-missing", schema.GroupKind{}, "", []runtime.Object{system, alerts()}, "unknown prometheusrule.monitoring.coreos.com/odd is there, and what would evaluate it is not seen"},
		{"alerts-missing", schema.GroupKind{}, "", []runtime.Object{system, alerts(), pod("ReplicaSet", "mimir", "grafana/mimir:3")}, "pass"},
		{"alerts-missing", snapshot.PrometheusRuleKind, "", []runtime.Object{system}, "unknown PrometheusRule: forbidden"},
		{"alerts-missing", schema.GroupKind{}, "", []runtime.Object{system, pod("ReplicaSet", "grafana", "grafana/grafana:12")}, "unknown alerts may be kept where main of pod/grafana has its data: the API does not say"},
		{"slo-missing", schema.GroupKind{}, "", []runtime.Object{system, odd(snapshot.SlothLevelKind, "odd"), odd(snapshot.PyrraLevelKind, []any{"odd"})}, "fail"},
		{"slo-missing", snapshot.SlothLevelKind, "", []runtime.Object{system}, "unknown PrometheusServiceLevel: forbidden"},
		{"tracing-missing", schema.GroupKind{}, "", served(nil, ""), "fail"},
		{"tracing-missing", snapshot.ServiceKind, "", []runtime.Object{web("")}, "unknown Service: forbidden"},
		{"tracing-missing", schema.GroupKind{}, "", []runtime.Object{web("")}, "nothing"},
		{"tracing-missing", schema.GroupKind{}, "shop", served(nil, ""), "unknown Pod of other namespaces: not read"},
		{"tracing-missing", schema.GroupKind{}, "", served(nil, "hidden"), "unknown secret/hidden may hold variables that have it make traces: its keys are not known"},
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

// TestOdd holds that no field of a kind of others has to be what one would expect: a check that panics fails the test.
func TestOdd(t *testing.T) {
	list := []any{"odd", nil, int64(1), map[string]any{"odd": "odd"}}
	for _, spec := range []any{"odd", nil, list, map[string]any{
		"selector": list, "namespaceSelector": list, "endpoints": list, "podMetricsEndpoints": list, "groups": list, "rules": "odd", "slos": "odd", "route": list, "receivers": list, "alerting": list,
		"ruleSelector": "odd", "ruleNamespaceSelector": list, "podMonitorSelector": list, "env": "odd", "config": list, "targetAllocator": "odd", "alertmanagerConfiguration": "odd", "replicas": "odd",
	}, map[string]any{
		"selector": map[string]any{"matchLabels": map[string]any{"odd": int64(1)}, "matchExpressions": list}, "namespaceSelector": map[string]any{"matchNames": list},
		"groups": []any{map[string]any{"rules": list}}, "route": map[string]any{"routes": list}, "receivers": []any{map[string]any{"name": int64(1), "slackConfigs": "odd"}},
		"endpoints": []any{map[string]any{"port": int64(1), "relabelings": list}}, "podMetricsEndpoints": []any{map[string]any{"port": list, "relabelings": []any{map[string]any{"action": "keep", "sourceLabels": list, "regex": "("}}}},
		"ruleSelector": map[string]any{}, "podMonitorSelector": map[string]any{}, "config": "{", "alerting": map[string]any{"alertmanagers": "odd"},
	}} {
		for _, check := range observability.Checks {
			objects := append(served(map[string]string{"instrumentation.opentelemetry.io/inject-java": "a/b/c"}, ""), snapshot.NewCluster(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, pod("DaemonSet", "otel", "otelcol:1"))
			for _, gk := range check.Needs {
				if strings.Contains(gk.Group, ".") && !strings.HasSuffix(gk.Group, "k8s.io") {
					objects = append(objects, odd(gk, spec))
				}
			}
			ruletest.Judge(t, ruletest.Live{Objects: objects}.Snapshot(t, check), ruletest.Named(t, observability.Checks, check.ID))
		}
	}
}
