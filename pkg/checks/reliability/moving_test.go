package reliability_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/reliability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ready is a node of a zone that takes pods.
func ready(name, zone string, labels ...string) *corev1.Node {
	n := node(name)
	n.Labels[corev1.LabelTopologyZone] = zone
	for i := 0; i+1 < len(labels); i += 2 {
		n.Labels[labels[i]] = labels[i+1]
	}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	n.Status.Allocatable = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")}
	return n
}

// member is a pod of StatefulSet web that is ready.
func member(number int, node, memory string) *corev1.Pod {
	meta := ownedBy(metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint("web-", number), Labels: map[string]string{"app": "web"}}, "StatefulSet", "web")
	pod := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "web"}}}}
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	return pod
}

func set() *appsv1.StatefulSet { return &appsv1.StatefulSet{ObjectMeta: shop} }

// restarted is the pod with a container that was restarted so many times, the last time an hour before the clock of the test.
func restarted(pod *corev1.Pod, times int32) *corev1.Pod {
	end := &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(time.Unix(0, 0).Add(-time.Hour))}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, RestartCount: times, LastTerminationState: corev1.ContainerState{Terminated: end}}}
	return pod
}

// experiment is one of Litmus with a status that nobody expects.
func experiment() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "litmuschaos.io/v1alpha1", "kind": "ChaosEngine", "metadata": map[string]any{"namespace": "shop", "name": "odd"}, "status": []any{"odd"},
	}}
}

// TestCluster holds what checks say of a cluster as a whole, and of its nodes.
func TestCluster(t *testing.T) {
	itself := snapshot.NewCluster()
	for _, tt := range []struct {
		check     string
		blind     schema.GroupKind
		namespace string
		objects   []runtime.Object
		want      string
	}{
		{"drain-blocked", schema.GroupKind{}, "", []runtime.Object{ready("a", "a"), ready("b", "b"), naked("a")}, "fail, pass"},
		{"drain-blocked", schema.GroupKind{}, "", []runtime.Object{ready("a", "a"), ready("b", "b"), set(), member(0, "a", "3Gi"), member(1, "b", "3Gi")}, "fail, fail"},
		{"drain-blocked", schema.GroupKind{}, "", []runtime.Object{ready("a", "a", "karpenter.sh/nodepool", "general"), ready("b", "b"), set(), member(0, "a", "3Gi"), member(1, "b", "3Gi")}, "pass, pass"},
		{"drain-blocked", schema.GroupKind{}, "", []runtime.Object{ready("a", "a"), naked("a")}, "fail"},
		{"drain-blocked", schema.GroupKind{}, "", []runtime.Object{ready("a", "a", "type", "virtual-kubelet"), ready("b", "b"), naked("a")}, "pass"},
		{"drain-blocked", schema.GroupKind{}, "shop", []runtime.Object{ready("a", "a"), ready("b", "b"), naked("a")}, "nothing"},
		{"drain-blocked", snapshot.PVKind, "", []runtime.Object{ready("a", "a"), ready("b", "b")}, "unknown PersistentVolume: forbidden, unknown PersistentVolume: forbidden"},
		{"drain-blocked", snapshot.PodKind, "", []runtime.Object{ready("a", "a"), ready("b", "b")}, "unknown Pod: forbidden, unknown Pod: forbidden"},
		{"zone-loss", schema.GroupKind{}, "", []runtime.Object{itself, ready("a", "a"), ready("b", "b"), set(), member(0, "a", "3Gi"), member(1, "b", "3Gi")}, "fail"},
		{"zone-loss", schema.GroupKind{}, "", []runtime.Object{itself, ready("a", "a"), ready("b", "b"), set(), member(0, "a", "1Gi"), member(1, "b", "1Gi")}, "pass"},
		{"zone-loss", schema.GroupKind{}, "", []runtime.Object{itself, ready("a", "a"), ready("b", "a")}, "fail"},
		{"zone-loss", schema.GroupKind{}, "", []runtime.Object{itself, node("a"), node("b")}, "nothing"},
		{"zone-loss", snapshot.NodeKind, "", []runtime.Object{itself}, "unknown Node: forbidden"},
		{"zone-loss", snapshot.PodKind, "", []runtime.Object{itself, ready("a", "a"), ready("b", "b")}, "unknown Pod: forbidden"},
		{"chaos-missing", schema.GroupKind{}, "", []runtime.Object{itself, experiment()}, "fail"},
		{"chaos-missing", snapshot.LitmusEngineKind, "", []runtime.Object{itself}, "unknown ChaosEngine: forbidden"},
		{"remediation-missing", schema.GroupKind{}, "", []runtime.Object{itself, ready("a", "a")}, "fail"},
		{"remediation-missing", schema.GroupKind{}, "", []runtime.Object{itself, ready("a", "a", "eks.amazonaws.com/compute-type", "auto")}, "pass"},
		{"remediation-missing", schema.GroupKind{}, "", []runtime.Object{itself, ready("a", "a", "cloud.google.com/gke-nodepool", "one")}, "unknown whether GKE repairs the nodes of its pools stands outside of the cluster"},
		{"remediation-missing", snapshot.DaemonSetKind, "", []runtime.Object{itself, ready("a", "a")}, "unknown DaemonSet: forbidden"},
		{"restarts-often", schema.GroupKind{}, "", []runtime.Object{restarted(naked("a"), 5)}, "nothing"}, // it has no phase: a manifest
		{"restarts-often", schema.GroupKind{}, "", []runtime.Object{restarted(member(0, "a", "1Gi"), 5)}, "fail"},
		{"restarts-often", schema.GroupKind{}, "", []runtime.Object{restarted(member(0, "a", "1Gi"), 4)}, "pass"},
		{"restarts-often", snapshot.PodKind, "", []runtime.Object{web(1)}, "unknown Pod: forbidden"},
		{"restarts-often", schema.GroupKind{}, "", []runtime.Object{web(1)}, "nothing"},
	} {
		t.Run(fmt.Sprint(tt.check, " ", tt.blind.Kind, " ", tt.want), func(t *testing.T) {
			live := ruletest.Live{Refused: tt.blind, Namespace: tt.namespace, Whole: []schema.GroupKind{snapshot.NodeKind}, Objects: tt.objects}
			if got := live.Verdict(t, reliability.Checks, tt.check); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
