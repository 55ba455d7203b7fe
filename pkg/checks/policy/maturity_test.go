package policy_test

import (
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/policy"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func foreign(gk schema.GroupKind, namespace, name string, content map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(gk.WithVersion("v1"))
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}

func quota(hard string) *corev1.ResourceQuota {
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "all"}}
	q.Spec.Hard = corev1.ResourceList{corev1.ResourceRequestsCPU: resource.MustParse(hard)}
	return q
}

func webhook(name string, resources ...string) *admissionv1.ValidatingWebhookConfiguration {
	return &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name}, Webhooks: []admissionv1.ValidatingWebhook{{
		Name: "a", Rules: []admissionv1.RuleWithOperations{{
			Operations: []admissionv1.OperationType{admissionv1.OperationAll},
			Rule:       admissionv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: resources},
		}},
	}}}
}

// TestMaturityLive holds what a cluster shows where its lists are refused, are those of one namespace, or leave open what
// they mean.
func TestMaturityLive(t *testing.T) {
	read := []schema.GroupKind{
		snapshot.ClusterKind, snapshot.NamespaceKind, snapshot.NodeKind, snapshot.ResourceQuotaKind, snapshot.LimitRangeKind,
		snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind,
	}
	cluster := snapshot.NewCluster()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi")}
	template := foreign(snapshot.ConstraintTemplateKind, "", "labels", map[string]any{
		"spec":   map[string]any{"crd": map[string]any{"spec": map[string]any{"names": map[string]any{"kind": "Labels"}}}},
		"status": map[string]any{"created": true},
	})
	broken := foreign(snapshot.ConstraintTemplateKind, "", "labels", map[string]any{
		"status": map[string]any{"created": true, "byPod": []any{map[string]any{"errors": []any{map[string]any{"code": "rego"}}}}},
	})
	library := foreign(snapshot.ConstraintTemplateKind, "", "k8srequiredlabels", map[string]any{
		"spec":   map[string]any{"crd": map[string]any{"spec": map[string]any{"names": map[string]any{"kind": "K8sRequiredLabels"}}}},
		"status": map[string]any{"created": true},
	})
	denies := foreign(schema.GroupKind{Group: snapshot.ConstraintGroup, Kind: "K8sRequiredLabels"}, "", "team", map[string]any{})
	labels := schema.GroupKind{Group: snapshot.ConstraintGroup, Kind: "Labels"}
	constraint := func(action string) runtime.Object {
		return foreign(labels, "", "team", map[string]any{"spec": map[string]any{"enforcementAction": action}})
	}
	odd := func(gk schema.GroupKind) runtime.Object {
		return foreign(gk, "", "odd", map[string]any{"spec": "none", "status": []any{int64(7)}, "summary": "none", "results": map[string]any{}})
	}
	exception := foreign(snapshot.KyvernoExceptionKind, "a", "web", map[string]any{"spec": map[string]any{"exceptions": "none"}})
	system := space(nil)
	system.Name = "kube-system"
	for _, tt := range []struct {
		name, check string
		blind       schema.GroupKind
		objects     []runtime.Object
		want        string
	}{
		{"level", "psa-below-baseline", snapshot.PodKind, []runtime.Object{space(nil)}, "fail"},
		{"level of the system", "psa-below-baseline", schema.GroupKind{}, []runtime.Object{system}, ruletest.Nothing},
		{"restricted", "psa-not-restricted", schema.GroupKind{}, []runtime.Object{workload("kube-system")}, "fail"},
		{"none", "policy-engine-missing", schema.GroupKind{}, []runtime.Object{cluster}, "fail"},
		{"refused", "policy-engine-missing", snapshot.KyvernoClusterKind, []runtime.Object{cluster}, "unknown ClusterPolicy: forbidden"},
		{"own refused", "policy-not-enforced", snapshot.AdmissionPolicyKind, []runtime.Object{cluster}, "unknown ValidatingAdmissionPolicy: forbidden"},
		{"guarded", "policy-engine-missing", schema.GroupKind{}, []runtime.Object{cluster, webhook("stackrox", "pods")}, "unknown validatingwebhookconfiguration/stackrox is asked about new pods, and its rules do not show"},
		{"guarded by an engine without rules", "policy-engine-missing", schema.GroupKind{}, []runtime.Object{cluster, webhook("gatekeeper-validating-webhook-configuration", "*")}, "fail"},
		{"asked about others", "policy-not-enforced", schema.GroupKind{}, []runtime.Object{cluster, webhook("cert-manager-webhook", "certificates")}, "fail"},
		{"template", "policy-engine-missing", schema.GroupKind{}, []runtime.Object{cluster, template}, "pass"},
		{"template that enforces", "policy-not-enforced", schema.GroupKind{}, []runtime.Object{cluster, template}, "unknown constrainttemplate.templates.gatekeeper.sh/labels: its constraints, of the kind Labels, are not read"},
		{"template with an error", "policy-engine-missing", schema.GroupKind{}, []runtime.Object{cluster, broken}, "fail"},
		{"library", "policy-not-enforced", schema.GroupKind{}, []runtime.Object{cluster, library, denies}, "pass"},
		{"library, unused", "policy-not-enforced", schema.GroupKind{}, []runtime.Object{cluster, library}, "fail"},
		{"library, refused", "policy-not-enforced", schema.GroupKind{Group: snapshot.ConstraintGroup, Kind: "K8sRequiredLabels"}, []runtime.Object{cluster, library}, "unknown K8sRequiredLabels: forbidden"},
		{"constraint", "policy-not-enforced", schema.GroupKind{}, []runtime.Object{cluster, template, constraint("deny")}, "pass"},
		{"constraint that warns", "policy-not-enforced", schema.GroupKind{}, []runtime.Object{cluster, template, constraint("warn")}, "fail"},
		{"odd", "policy-not-enforced", schema.GroupKind{}, []runtime.Object{
			cluster, odd(snapshot.KyvernoClusterKind), odd(snapshot.KyvernoValidatingKind), odd(snapshot.ConstraintTemplateKind), odd(snapshot.KubewardenClusterKind),
		}, "fail"},
		{"odd defaults", "policy-defaults-missing", schema.GroupKind{}, []runtime.Object{cluster, odd(snapshot.MutatingPolicyKind), odd(snapshot.GatekeeperAssignKind)}, "fail"},
		{"defaults refused", "policy-defaults-missing", snapshot.GatekeeperAssignKind, []runtime.Object{cluster}, "unknown Assign: forbidden"},
		{"odd report", "policy-violations", schema.GroupKind{}, []runtime.Object{odd(snapshot.PolicyReportKind)}, "pass"},
		{"too large", "quota-over-capacity", schema.GroupKind{}, []runtime.Object{quota("5"), node}, "fail"},
		{"fits", "quota-over-capacity", schema.GroupKind{}, []runtime.Object{quota("4"), node}, "pass"},
		{"nodes refused", "quota-over-capacity", snapshot.NodeKind, []runtime.Object{quota("5")}, "unknown Node: forbidden"},
		{"no nodes", "quota-over-capacity", schema.GroupKind{}, []runtime.Object{quota("5")}, ruletest.Nothing},
		{"unbounded", "namespace-unbounded", schema.GroupKind{}, []runtime.Object{space(nil), workload("a")}, "fail"},
		{"bounded in vain", "namespace-unbounded", schema.GroupKind{}, []runtime.Object{space(nil), workload("a"), quota("5"), node}, "fail"},
		{"bounded", "namespace-unbounded", schema.GroupKind{}, []runtime.Object{space(nil), workload("a"), quota("3"), node}, "pass"},
		{"bounded, nodes refused", "namespace-unbounded", snapshot.NodeKind, []runtime.Object{space(nil), workload("a"), quota("3")}, "unknown Node: forbidden"},
		{"unbounded, nodes refused", "namespace-unbounded", snapshot.NodeKind, []runtime.Object{space(nil), workload("a")}, "fail"},
		{"quotas refused", "namespace-unbounded", snapshot.ResourceQuotaKind, []runtime.Object{space(nil), workload("a")}, "unknown ResourceQuota: forbidden"},
		{"nothing in it", "namespace-unbounded", schema.GroupKind{}, []runtime.Object{space(nil)}, ruletest.Nothing},
		{"exception", "policy-exception-forever", schema.GroupKind{}, []runtime.Object{exception}, "fail"},
		{"exception, cleaning refused", "policy-exception-forever", snapshot.KyvernoCleanupKind, []runtime.Object{exception}, "unknown CleanupPolicy: forbidden"},
		{"exceptions of odd cleaning", "policy-exception-forever", schema.GroupKind{}, []runtime.Object{exception, odd(snapshot.KyvernoClusterCleaning), odd(snapshot.KyvernoDeletingKind)}, "fail"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := ruletest.Live{Read: read, Refused: tt.blind, Objects: tt.objects}
			if got := live.Verdict(t, policy.Checks, tt.check); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.check, got, tt.want)
			}
		})
	}
}
