package efficiency_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/efficiency"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// odd is an object of a kind that is not Kubernetes' own, whose fields are not what one would expect.
func odd(gk schema.GroupKind) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": gk.Group + "/v1", "kind": gk.Kind, "metadata": map[string]any{"namespace": "shop", "name": "odd"}, "spec": []any{"odd"}, "status": "odd",
	}}
}

// TestLive holds what only a cluster shows: that what was refused is never taken for what is not there, and that an
// autoscaler without a status is not taken for one that scales.
func TestLive(t *testing.T) {
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	controlled := func(kind, name string) []metav1.OwnerReference {
		yes := true
		return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: "uid-" + "owner", Controller: &yes}}
	}
	web := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "uid-owner"}}
	web.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:1"}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-0", OwnerReferences: controlled("StatefulSet", "web")}}
	pod.Spec.Containers = web.Spec.Template.Spec.Containers
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web"}}
	killed := pod.DeepCopy()
	killed.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{Reason: "OOMKilled", FinishedAt: metav1.NewTime(now.Add(-time.Hour))}
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 3}}
	cluster := snapshot.NewCluster()
	for _, tt := range []struct {
		name, check string
		refused     schema.GroupKind
		objects     []runtime.Object
		want        string
	}{
		{"no status yet", "hpa-inactive", schema.GroupKind{}, []runtime.Object{hpa}, "unknown its status says nothing yet"},
		{"killed", "oom-killed", schema.GroupKind{}, []runtime.Object{web, killed}, "fail"},
		{"well", "oom-killed", schema.GroupKind{}, []runtime.Object{web, pod}, "pass"},
		{"no pod", "oom-killed", schema.GroupKind{}, []runtime.Object{web}, ruletest.Nothing},
		{"pods refused", "oom-killed", snapshot.PodKind, []runtime.Object{web}, "unknown Pod: forbidden"},
		{"no history", "usage-history-missing", schema.GroupKind{}, []runtime.Object{cluster, odd(snapshot.VPACheckpointKind), odd(snapshot.PrometheusKind), odd(snapshot.VMAgentKind)}, "fail"},
		{"history refused", "usage-history-missing", snapshot.StatefulSetKind, []runtime.Object{cluster}, "unknown StatefulSet: forbidden"},
		{"no autoscaler of nodes", "node-autoscaler-missing", schema.GroupKind{}, []runtime.Object{cluster, odd(snapshot.NodePoolKind)}, "fail"},
		{"autoscaler of nodes refused", "node-autoscaler-missing", snapshot.ConfigMapKind, []runtime.Object{cluster}, "unknown ConfigMap: forbidden"},
		{"nothing scales", "scaling-by-cpu-only", schema.GroupKind{}, []runtime.Object{cluster}, ruletest.Nothing},
		{"odd scaling", "scaling-by-cpu-only", schema.GroupKind{}, []runtime.Object{cluster, odd(snapshot.ScaledObjectKind)}, "fail"},
		{"scaling refused", "scaling-by-cpu-only", snapshot.HPAKind, []runtime.Object{cluster}, "unknown HorizontalPodAutoscaler: forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := ruletest.Live{Now: now, Refused: tt.refused, Objects: tt.objects}
			if got := live.Verdict(t, efficiency.Checks, tt.check); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.check, got, tt.want)
			}
		})
	}
}
