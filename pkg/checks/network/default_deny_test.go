package network_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/network"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// TestDefaultDenyLive holds that on a cluster a policy that was not read is never missing, and that what other policies
// do is concluded only where it is plain.
func TestDefaultDenyLive(t *testing.T) {
	cilium := func(kind schema.GroupKind, name string, spec map[string]any) runtime.Object {
		namespace := "shop"
		if kind == snapshot.CiliumClusterPolicyKind {
			namespace = ""
		}
		return foreign(kind, namespace, name, spec)
	}
	everyone := map[string]any{}
	deny := cilium(snapshot.CiliumPolicyKind, "deny", map[string]any{"endpointSelector": everyone, "ingress": []any{map[string]any{}}})
	taken := cilium(snapshot.CiliumPolicyKind, "taken", map[string]any{
		"endpointSelector": everyone, "ingress": []any{map[string]any{}}, "enableDefaultDeny": map[string]any{"ingress": false},
	})
	open := func(rule map[string]any) runtime.Object {
		return cilium(snapshot.CiliumClusterPolicyKind, "open", map[string]any{"endpointSelector": everyone, "ingress": []any{rule}})
	}
	calico := foreign(snapshot.CalicoGlobalPolicyKind, "", "deny", map[string]any{"selector": "all()", "types": []any{"Ingress"}})
	odd := cilium(snapshot.CiliumPolicyKind, "odd", map[string]any{"endpointSelector": "all", "ingress": []any{int64(1)}})
	peer := networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{}}
	unclear := func(of string) string {
		return "unknown " + of + " decides as well who may connect, by rules that are not judged here"
	}
	for _, tt := range []struct {
		name    string
		blind   schema.GroupKind
		objects []runtime.Object
		want    string
	}{
		{"none", schema.GroupKind{}, []runtime.Object{web("shop", "web")}, "fail 1 low"},
		{"nothing runs", schema.GroupKind{}, nil, "nothing"},
		{"denied", schema.GroupKind{}, []runtime.Object{web("shop", "web"), policy("all", nil)}, "pass"},
		{"denied and opened", schema.GroupKind{}, []runtime.Object{web("shop", "web"), policy("all", nil, peer)}, "fail 1 low"},
		{"policies unread", snapshot.NetworkPolicyKind, []runtime.Object{web("shop", "web")}, "unknown NetworkPolicy: forbidden"},
		{"others unread", snapshot.AdminPolicyKind, []runtime.Object{web("shop", "web"), policy("all", nil)}, "unknown AdminNetworkPolicy: forbidden"},
		{"workloads unread", snapshot.StatefulSetKind, nil, "unknown StatefulSet: forbidden"},
		{"cilium", schema.GroupKind{}, []runtime.Object{web("shop", "web"), deny}, "pass"},
		{"cilium takes it back", schema.GroupKind{}, []runtime.Object{web("shop", "web"), taken}, unclear("ciliumnetworkpolicy.cilium.io/taken")},
		{"cilium and a policy that opens", schema.GroupKind{}, []runtime.Object{web("shop", "web"), deny, policy("all", nil, peer)}, "fail 1 low"},
		{"cilium opens", schema.GroupKind{}, []runtime.Object{web("shop", "web"), deny, open(map[string]any{"fromEntities": []any{"cluster"}})}, unclear("ciliumnetworkpolicy.cilium.io/deny")},
		{"cilium opens to every pod", schema.GroupKind{}, []runtime.Object{web("shop", "web"), deny, open(map[string]any{"fromEndpoints": []any{everyone}})}, unclear("ciliumnetworkpolicy.cilium.io/deny")},
		{"cilium opens one port", schema.GroupKind{}, []runtime.Object{web("shop", "web"), deny, open(map[string]any{"fromEntities": []any{"world"}, "toPorts": []any{map[string]any{}}})}, "pass"},
		{"cilium beside a default deny", schema.GroupKind{}, []runtime.Object{web("shop", "web"), policy("all", nil), open(map[string]any{})}, "pass"},
		{"odd", schema.GroupKind{}, []runtime.Object{web("shop", "web"), odd}, unclear("ciliumnetworkpolicy.cilium.io/odd")},
		{"calico", schema.GroupKind{}, []runtime.Object{web("shop", "web"), calico}, unclear("globalnetworkpolicy.projectcalico.org/deny")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := verdict(t, "netpol-default-deny-missing", tt.blind, tt.objects); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestDefaultDenyOfOne holds that whoever may list only one namespace gets a verdict on that one.
func TestDefaultDenyOfOne(t *testing.T) {
	live := ruletest.Live{
		Namespace: "shop", Whole: []schema.GroupKind{snapshot.NamespaceKind},
		Read:    []schema.GroupKind{snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind},
		Objects: []runtime.Object{web("shop", "web"), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "bank"}}},
	}
	if got, want := live.Verdict(t, network.Checks, "netpol-default-deny-missing"), "fail, unknown NetworkPolicy: not read"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
