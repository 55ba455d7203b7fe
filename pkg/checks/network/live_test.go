package network_test

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/network"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func web(namespace, name string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}}}
	d.Spec.Template.Labels = map[string]string{"app": name}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: name, Image: "web:1", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}}
	return d
}

func policy(name string, selects map[string]string, from ...networkingv1.NetworkPolicyPeer) *networkingv1.NetworkPolicy {
	p := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Spec: networkingv1.NetworkPolicySpec{
		PodSelector: metav1.LabelSelector{MatchLabels: selects}, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
	}}
	if len(from) > 0 {
		p.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: from}}
	}
	return p
}

func service(kind corev1.ServiceType, change func(*corev1.ServiceSpec)) *corev1.Service {
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Labels: map[string]string{"app": "web"}}, Spec: corev1.ServiceSpec{
		Type: kind, Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Name: "http", Port: 80}},
	}}
	if change != nil {
		change(&svc.Spec)
	}
	return svc
}

func foreign(gk schema.GroupKind, namespace, name string, spec map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(gk.WithVersion("v1"))
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}

// TestLive holds what differs on a cluster: what may not be read is never taken for what is not there, and what
// causes tell of is not told twice.
func TestLive(t *testing.T) {
	app := func(v string) map[string]string { return map[string]string{"app": v} }
	pods := func(v string) networkingv1.NetworkPolicyPeer {
		return networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{MatchLabels: app(v)}}
	}
	spaces := func(key, v string) networkingv1.NetworkPolicyPeer {
		return networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{key: v}}}
	}
	cilium := foreign(snapshot.CiliumPolicyKind, "shop", "all", map[string]any{"endpointSelector": map[string]any{}})
	out := policy("out", app("web"))
	out.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}
	out.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{To: []networkingv1.NetworkPolicyPeer{pods("db")}}}
	monitor := func(kind schema.GroupKind, list string, port string) *unstructured.Unstructured {
		return foreign(kind, "shop", "web", map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}, list: []any{map[string]any{"port": port}}})
	}
	local := func(s *corev1.ServiceSpec) {
		l := corev1.ServiceInternalTrafficPolicyLocal
		s.InternalTrafficPolicy = &l
	}
	class := foreign(snapshot.GatewayClassKind, "", "public", map[string]any{"controllerName": "example.com/controller"})
	route := foreign(snapshot.HTTPRouteKind, "shop", "web", map[string]any{"parentRefs": []any{map[string]any{"name": "gone"}}})
	odd := foreign(snapshot.HTTPRouteKind, "shop", "odd", map[string]any{"parentRefs": "none", "rules": []any{"none", map[string]any{"backendRefs": int64(7)}}})
	for _, tt := range []struct {
		check   string
		blind   schema.GroupKind
		objects []runtime.Object
		want    string // fail, pass, unknown, nothing
	}{
		{"netpol-missing", schema.GroupKind{}, []runtime.Object{web("shop", "web"), web("shop", "api")}, "fail 1 low"},
		{"netpol-missing", schema.GroupKind{}, []runtime.Object{web("shop", "web"), policy("api", app("api")), web("shop", "api")}, "fail 1 low"},
		{"netpol-missing", schema.GroupKind{}, []runtime.Object{web("shop", "web"), policy("all", nil)}, "pass"},
		{"netpol-missing", schema.GroupKind{}, []runtime.Object{web("shop", "web"), cilium}, "pass"},
		{"netpol-missing", snapshot.NetworkPolicyKind, []runtime.Object{web("shop", "web")}, "unknown NetworkPolicy: forbidden"},
		{"netpol-missing", snapshot.CalicoGlobalPolicyKind, []runtime.Object{web("shop", "web")}, "unknown GlobalNetworkPolicy: forbidden"},
		{"netpol-missing", schema.GroupKind{}, []runtime.Object{web("kube-system", "dns")}, "nothing"},
		{"netpol-no-dns", schema.GroupKind{}, []runtime.Object{web("shop", "web"), out}, "fail 1 medium"},
		{"netpol-no-dns", schema.GroupKind{}, []runtime.Object{web("shop", "web"), out, cilium}, "pass"},
		{"netpol-no-dns", snapshot.AdminPolicyKind, []runtime.Object{web("shop", "web"), out}, "unknown AdminNetworkPolicy: forbidden"},
		{"netpol-orphan", schema.GroupKind{}, []runtime.Object{policy("old", app("gone"))}, "fail 1 low"},
		{"netpol-orphan", schema.GroupKind{}, []runtime.Object{policy("old", app("wbe")), web("shop", "web")}, "pass"},
		{"netpol-orphan", snapshot.DaemonSetKind, []runtime.Object{policy("old", app("gone"))}, "unknown DaemonSet: forbidden"},
		{"netpol-peer", schema.GroupKind{}, []runtime.Object{policy("web", nil, pods("gone"))}, "fail 1 low"},
		{"netpol-peer", snapshot.StatefulSetKind, []runtime.Object{policy("web", nil, pods("gone"))}, "unknown StatefulSet: forbidden"},
		{"netpol-peer", schema.GroupKind{}, []runtime.Object{policy("web", nil, spaces(corev1.LabelMetadataName, "gone"))}, "fail 1 low"},
		{"netpol-peer", snapshot.NamespaceKind, []runtime.Object{policy("web", nil, spaces(corev1.LabelMetadataName, "gone"))}, "unknown Namespace: forbidden"},
		{"netpol-peer", schema.GroupKind{}, []runtime.Object{policy("web", nil, spaces("name", "shop"))}, "fail 1 medium"},
		{"netpol-peer", schema.GroupKind{}, []runtime.Object{policy("web", nil, spaces(corev1.LabelMetadataName, "shop"))}, "pass"},
		{"svc-traffic-policy", schema.GroupKind{}, []runtime.Object{service(corev1.ServiceTypeClusterIP, local), web("shop", "web")}, "pass"},
		{"svc-traffic-policy", schema.GroupKind{}, []runtime.Object{service(corev1.ServiceTypeLoadBalancer, nil)}, "fail 1 info"},
		{"servicemonitor-dangling", schema.GroupKind{}, []runtime.Object{monitor(snapshot.ServiceMonitorKind, "endpoints", "http")}, "fail 1 medium"},
		{"servicemonitor-dangling", schema.GroupKind{}, []runtime.Object{monitor(snapshot.ServiceMonitorKind, "endpoints", "metrics"), service("", nil)}, "fail 1 medium"},
		{"servicemonitor-dangling", schema.GroupKind{}, []runtime.Object{monitor(snapshot.ServiceMonitorKind, "endpoints", "http"), service("", nil)}, "pass"},
		{"servicemonitor-dangling", snapshot.ServiceKind, []runtime.Object{monitor(snapshot.ServiceMonitorKind, "endpoints", "http")}, "unknown Service: forbidden"},
		{"servicemonitor-dangling", snapshot.PodKind, []runtime.Object{monitor(snapshot.PodMonitorKind, "podMetricsEndpoints", "http")}, "unknown Pod: forbidden"},
		{"gatewayclass-unused", schema.GroupKind{}, []runtime.Object{class}, "fail 1 info"},
		{"gatewayclass-unused", snapshot.GatewayKind, []runtime.Object{class}, "unknown Gateway: forbidden"},
		{"gateway-ref", schema.GroupKind{}, []runtime.Object{route, odd}, "nothing"},
		{"ingress-class-missing", schema.GroupKind{}, []runtime.Object{&networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}}, "nothing"},
	} {
		t.Run(fmt.Sprint(tt.check, " ", tt.blind.Kind, " ", tt.want), func(t *testing.T) {
			if got := verdict(t, tt.check, tt.blind, tt.objects); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// verdict is what a check makes of objects in the namespace shop of a cluster, all of whose lists but one could be
// read: where it finds something, how often and how bad it is.
func verdict(t *testing.T, id string, blind schema.GroupKind, objects []runtime.Object) string {
	t.Helper()
	live := ruletest.Live{Refused: blind, Objects: objects, Read: []schema.GroupKind{
		snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind,
		snapshot.ServiceKind, snapshot.NamespaceKind, snapshot.NetworkPolicyKind, snapshot.IngressKind,
	}}
	if blind != snapshot.NamespaceKind {
		live.Objects = append(slices.Clone(objects), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	}
	check := ruletest.Named(t, network.Checks, id)
	if found := ruletest.Judge(t, live.Snapshot(t, check), check).Findings; len(found) > 0 {
		return fmt.Sprintf("fail %d %s", len(found), found[0].Severity)
	}
	return live.Verdict(t, network.Checks, id)
}
