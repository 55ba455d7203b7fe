package security_test

import (
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/security"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func foreign(gk schema.GroupKind, name string, labels map[string]string, content map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(gk.WithVersion("v1"))
	u.SetNamespace("shop")
	u.SetName(name)
	u.SetLabels(labels)
	return u
}

// TestMaturityLive holds what a cluster shows: whose report it is, where lists are refused, and where it stays open what they mean.
func TestMaturityLive(t *testing.T) {
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	yes := true
	owner := func(kind, name string) []metav1.OwnerReference {
		return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: types.UID(name), Controller: &yes}}
	}
	cluster := snapshot.NewCluster()
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "web"}}
	web.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "registry.example/web:1"}}
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "made-elsewhere", UID: "made-elsewhere", OwnerReferences: owner("Deployment", "web")}}
	set.Spec.Template.Spec.Containers = web.Spec.Template.Spec.Containers
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "debug"}}
	pod.Spec.Containers = web.Spec.Template.Spec.Containers
	trivy := func(set string, at time.Time, report map[string]any) *unstructured.Unstructured {
		report["updateTimestamp"] = at.Format(time.RFC3339)
		u := foreign(snapshot.VulnerabilityReportKind, set+"-app", map[string]string{"trivy-operator.container.name": "app"}, map[string]any{"report": report})
		u.SetOwnerReferences(owner("ReplicaSet", set))
		return u
	}
	summary := func(at time.Time) *unstructured.Unstructured {
		u := foreign(snapshot.KubescapeSummaryKind, "deployment-web-app", map[string]string{
			"kubescape.io/workload-kind": "Deployment", "kubescape.io/workload-name": "web", "kubescape.io/workload-container-name": "app",
		}, map[string]any{})
		u.SetCreationTimestamp(metav1.NewTime(at))
		return u
	}
	hook := func(name string) runtime.Object {
		return &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	odd := func(gk schema.GroupKind) runtime.Object {
		return foreign(gk, "odd", nil, map[string]any{"spec": "none", "status": []any{int64(7)}, "report": "none"})
	}
	for _, tt := range []struct {
		name, check string
		blind       schema.GroupKind
		objects     []runtime.Object
		want        string
	}{
		{"no reports", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, pod}, "fail"},
		{"reports refused", "vulnerability-reports-missing", snapshot.VulnerabilityReportKind, []runtime.Object{cluster, web}, "unknown VulnerabilityReport: forbidden"},
		{"report of its set", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, pod, set, trivy("made-elsewhere", now, map[string]any{})}, "pass"},
		{"report of a set that is not read", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, trivy("web-6d4cf56db6", now, map[string]any{})}, "pass"},
		{"report of another", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, trivy("web-api-6d4cf56db6", now, map[string]any{})}, "fail"},
		{"report without an owner", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, odd(snapshot.VulnerabilityReportKind)}, "fail"},
		{"seven days", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, trivy("web-6d4", now.Add(-7*24*time.Hour), map[string]any{})}, "pass"},
		{"more", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, trivy("web-6d4", now.Add(-7*24*time.Hour-time.Second), map[string]any{})}, "fail"},
		{"kubescape", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, summary(now.Add(-time.Hour))}, "pass"},
		{"kubescape long ago", "vulnerability-reports-missing", schema.GroupKind{}, []runtime.Object{cluster, web, summary(now.Add(-240 * time.Hour))},
			"unknown container app: its report is 10d old, and does not say when it was looked at last"},
		{"no signatures", "image-signature-unchecked", schema.GroupKind{}, []runtime.Object{cluster}, "fail"},
		{"signatures refused", "image-signature-unchecked", snapshot.SigstorePolicyKind, []runtime.Object{cluster}, "unknown ClusterImagePolicy: forbidden"},
		{"connaisseur", "image-signature-unchecked", schema.GroupKind{}, []runtime.Object{cluster, hook("connaisseur-webhook")},
			"unknown mutatingwebhookconfiguration/connaisseur-webhook is asked about images, and whether it refuses or only tells stands in its own configuration"},
		{"ratify", "image-signature-unchecked", schema.GroupKind{}, []runtime.Object{cluster, odd(snapshot.RatifyVerifierKind)},
			"unknown verifier.config.ratify.deislabs.io/odd is there, and which constraint asks it does not show"},
		{"odd signatures", "image-signature-unchecked", schema.GroupKind{}, []runtime.Object{cluster, odd(snapshot.SigstorePolicyKind), odd(snapshot.KyvernoImagesKind)}, "fail"},
		{"no secrets", "secrets-by-hand", schema.GroupKind{}, []runtime.Object{cluster, web}, "fail"},
		{"secrets refused", "secrets-by-hand", snapshot.VaultStaticKind, []runtime.Object{cluster}, "unknown VaultStaticSecret: forbidden"},
		{"odd secrets", "secrets-by-hand", schema.GroupKind{}, []runtime.Object{cluster, odd(snapshot.ExternalSecretKind), odd(snapshot.VaultStaticKind), odd(snapshot.KustomizationKind)}, "fail"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := ruletest.Live{Now: now, Refused: tt.blind, Objects: tt.objects, Read: []schema.GroupKind{snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.PodKind}}
			if got := live.Verdict(t, security.Checks, tt.check); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.check, got, tt.want)
			}
		})
	}
}
