package delivery_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/delivery"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// writtenBy is a Deployment that field managers have written, each a day after the one before.
func writtenBy(annotations map[string]string, managers ...string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Annotations: annotations}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:1"}}
	for i, m := range managers {
		at := metav1.NewTime(now.AddDate(0, 0, i-len(managers)))
		d.ManagedFields = append(d.ManagedFields, metav1.ManagedFieldsEntry{Manager: m, Operation: metav1.ManagedFieldsOperationUpdate, Time: &at, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:paused":{}}}`)})
	}
	return d
}

// of is an object of a kind that is not Kubernetes' own; its fields are as given.
func of(gk schema.GroupKind, namespace, name string, fields map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": gk.Group + "/v1", "kind": gk.Kind, "metadata": map[string]any{"namespace": namespace, "name": name}}}
	for k, v := range fields {
		u.Object[k] = v
	}
	return u
}

// calling is a Deployment with an environment variable of that value.
func calling(url string) *appsv1.Deployment {
	d := writtenBy(nil)
	d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "BACKEND", Value: url}}
	return d
}

// TestLive holds what only a cluster shows: that what was refused, or not recorded, is never taken for what is not there,
// and that objects whose fields are not what one would expect break nothing.
func TestLive(t *testing.T) {
	helm := map[string]string{"meta.helm.sh/release-name": "shop"}
	synced := of(snapshot.ApplicationKind, "argocd", "shop", map[string]any{"status": map[string]any{"sync": map[string]any{"status": "Synced"}, "health": map[string]any{"status": "Healthy"}}})
	odd := func(gk schema.GroupKind) *unstructured.Unstructured {
		return of(gk, "shop", "odd", map[string]any{"spec": []any{"odd"}, "status": "odd"})
	}
	for _, tt := range []struct {
		name, check string
		refused     schema.GroupKind
		objects     []runtime.Object
		want        string
	}{
		{"nobody is recorded", "unmanaged", schema.GroupKind{}, []runtime.Object{writtenBy(nil)}, "unknown no label names a tool, and who wrote it was not read"},
		{"a label is enough", "unmanaged", schema.GroupKind{}, []runtime.Object{writtenBy(helm)}, "pass"},
		{"typed", "unmanaged", schema.GroupKind{}, []runtime.Object{writtenBy(nil, "kubectl-create")}, "fail"},
		{"by a program of one's own", "unmanaged", schema.GroupKind{}, []runtime.Object{writtenBy(nil, "deployer", "kubectl-edit")}, `unknown "deployer" wrote it, which may be a tool that keeps it`},
		{"kept, and edited", "hand-edited", schema.GroupKind{}, []runtime.Object{writtenBy(helm, "helm", "kubectl-edit")}, "fail"},
		{"edited, and kept again", "hand-edited", schema.GroupKind{}, []runtime.Object{writtenBy(helm, "kubectl-edit", "helm")}, "pass"},
		{"edited, who knows when kept", "hand-edited", schema.GroupKind{}, []runtime.Object{writtenBy(helm, "kubectl-edit")}, "unknown helm keeps it, and when that wrote it last is not recorded"},
		{"kept by nobody", "hand-edited", schema.GroupKind{}, []runtime.Object{writtenBy(nil, "kubectl-edit")}, ruletest.Nothing},
		{"kept, nobody recorded", "hand-edited", schema.GroupKind{}, []runtime.Object{writtenBy(helm)}, ruletest.Nothing},
		{"written by hand", "human-writes", schema.GroupKind{}, []runtime.Object{writtenBy(helm, "kubectl-edit", "helm")}, "fail"},
		{"written by tools", "human-writes", schema.GroupKind{}, []runtime.Object{writtenBy(helm, "helm")}, "pass"},
		{"nobody recorded", "human-writes", schema.GroupKind{}, []runtime.Object{writtenBy(helm)}, ruletest.Nothing},

		{"no Git", "gitops-missing", schema.GroupKind{}, []runtime.Object{snapshot.NewCluster()}, "fail"},
		{"Git", "gitops-missing", schema.GroupKind{}, []runtime.Object{snapshot.NewCluster(), synced}, "pass"},
		{"Git, who may know", "gitops-missing", snapshot.ApplicationKind, []runtime.Object{snapshot.NewCluster()}, "unknown Application: forbidden"},
		{"Git elsewhere", "gitops-missing", schema.GroupKind{}, []runtime.Object{snapshot.NewCluster(), writtenBy(nil, "argocd-controller")},
			"unknown Argo CD keeps deployment/web in shop, and what tells how that goes is not in this cluster"},
		{"odd Git", "gitops-missing", schema.GroupKind{}, []runtime.Object{snapshot.NewCluster(), odd(snapshot.ApplicationKind), odd(snapshot.KustomizationKind), odd(snapshot.RootSyncKind)}, "fail"},
		{"all at once", "progressive-delivery-missing", schema.GroupKind{}, []runtime.Object{snapshot.NewCluster()}, "fail"},
		{"all at once, who may know", "progressive-delivery-missing", snapshot.FlaggerCanaryKind, []runtime.Object{snapshot.NewCluster()}, "unknown Canary: forbidden"},
		{"odd rollouts", "progressive-delivery-missing", schema.GroupKind{}, []runtime.Object{snapshot.NewCluster(), odd(snapshot.RolloutKind), odd(snapshot.FlaggerCanaryKind)}, "fail"},
		{"no new images", "image-automation-missing", schema.GroupKind{}, []runtime.Object{snapshot.NewCluster()}, "fail"},
		{"new images, who may know", "image-automation-missing", snapshot.ImageUpdateAutomationKind, []runtime.Object{snapshot.NewCluster()}, "unknown ImageUpdateAutomation: forbidden"},
		{"odd images", "image-automation-missing", schema.GroupKind{}, []runtime.Object{snapshot.NewCluster(), odd(snapshot.ImageUpdaterKind), odd(snapshot.ImageUpdateAutomationKind)}, "fail"},
		{"a host outside", "lives-outside", schema.GroupKind{}, []runtime.Object{calling("postgres://db.example.com/shop")}, "fail"},
		{"a private name", "lives-outside", schema.GroupKind{}, []runtime.Object{calling("tcp://db.data.site-a.acme:1433")}, "fail"},
		{"perhaps a Service", "lives-outside", schema.GroupKind{}, []runtime.Object{calling("http://api.data:80")}, "pass"},
		{"an address", "lives-outside", schema.GroupKind{}, []runtime.Object{calling("http://10.1.2.3:80")}, "unknown whether 10.1.2.3:80 is a name or address of the cluster was not read everywhere"},
		{"an address, nodes read", "lives-outside", schema.GroupKind{Kind: "read nodes"}, []runtime.Object{calling("http://10.1.2.3:80")}, "fail"},
		{"Ingresses refused", "lives-outside", snapshot.IngressKind, []runtime.Object{calling("postgres://db.example.com/shop")}, "unknown Ingress: forbidden"},
		{"slices refused", "lives-outside", snapshot.EndpointSliceKind, []runtime.Object{&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}}}, "unknown EndpointSlice: forbidden"},
		{"odd routes", "lives-outside", schema.GroupKind{}, []runtime.Object{
			calling("postgres://db.example.com/shop"), odd(snapshot.HTTPRouteKind), odd(snapshot.GatewayKind), odd(snapshot.TraefikRouteKind), odd(snapshot.IstioVirtualServiceKind), odd(snapshot.OpenShiftRouteKind),
		}, "fail"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := ruletest.Live{Now: now, Refused: tt.refused, Objects: tt.objects}
			if tt.refused.Kind == "read nodes" {
				live.Read = []schema.GroupKind{snapshot.NodeKind}
			}
			if got := live.Verdict(t, delivery.Checks, tt.check); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.check, got, tt.want)
			}
		})
	}
}
