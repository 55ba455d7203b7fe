package policy_test

import (
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/policy"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func workload(namespace string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:1"}}
	return d
}

func space(labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: labels}}
}

// TestLive holds that on a cluster what may not be read is never taken for what is not there, and that the command
// to set a level names the one that the workloads keep to.
func TestLive(t *testing.T) {
	read := []schema.GroupKind{
		snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind,
		snapshot.NamespaceKind, snapshot.ResourceQuotaKind, snapshot.LimitRangeKind, snapshot.AdmissionBindingKind, snapshot.AdmissionPolicyKind,
	}
	unbound := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "replicas"}}
	orphan := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: "b"}}
	privileged := map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}
	for _, tt := range []struct {
		name, check string
		blind       schema.GroupKind
		objects     []runtime.Object
		want        string // pass, unknown, nothing, or what the fix's command holds
	}{
		{"level", "psa-namespace", schema.GroupKind{}, []runtime.Object{space(nil), workload("a")}, "label --overwrite namespace a pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/warn=restricted"},
		{"level unread", "psa-namespace", snapshot.DaemonSetKind, []runtime.Object{space(nil), workload("a")}, "unknown DaemonSet: forbidden"},
		{"level of nothing unread", "psa-namespace", snapshot.DaemonSetKind, []runtime.Object{space(nil)}, "unknown DaemonSet: forbidden"},
		{"level of nothing", "psa-namespace", schema.GroupKind{}, []runtime.Object{space(nil)}, "nothing"},
		{"set", "psa-namespace", snapshot.DaemonSetKind, []runtime.Object{space(privileged), workload("a")}, "pass"},
		{"weak", "psa-privileged", schema.GroupKind{}, []runtime.Object{space(privileged), workload("a")}, "enforce=baseline"},
		{"weak unread", "psa-privileged", snapshot.JobKind, []runtime.Object{space(privileged), workload("a")}, "unknown Job: forbidden"},
		{"quota unread", "quota-missing", snapshot.ResourceQuotaKind, []runtime.Object{space(nil), workload("a")}, "unknown ResourceQuota: forbidden"},
		{"limits unread", "limitrange-missing", snapshot.LimitRangeKind, []runtime.Object{space(nil), workload("a")}, "unknown LimitRange: forbidden"},
		{"unbound", "policy-unbound", schema.GroupKind{}, []runtime.Object{unbound}, "found"},
		{"unbound unread", "policy-unbound", snapshot.AdmissionBindingKind, []runtime.Object{unbound}, "unknown ValidatingAdmissionPolicyBinding: forbidden"},
		{"orphan", "policy-binding-orphan", schema.GroupKind{}, []runtime.Object{orphan}, "found"},
		{"orphan unread", "policy-binding-orphan", snapshot.AdmissionPolicyKind, []runtime.Object{orphan}, "unknown validatingadmissionpolicy/b: forbidden"},
		{"in default", "default-namespace", schema.GroupKind{}, []runtime.Object{workload("default")}, "found"},
		{"label of a cluster", "label-invalid", schema.GroupKind{}, []runtime.Object{space(map[string]string{"a": "b/c"})}, "nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := ruletest.Live{Read: read, Refused: tt.blind, Objects: tt.objects}
			if got := verdict(t, live, tt.check); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// verdict is what one check says of the cluster, and where it finds something the command that mends it.
func verdict(t *testing.T, live ruletest.Live, id string) string {
	t.Helper()
	check := ruletest.Named(t, policy.Checks, id)
	if found := ruletest.Judge(t, live.Snapshot(t, check), check).Findings; len(found) > 0 {
		return "found " + strings.Join(found[0].Fix.Command, " ")
	}
	return live.Verdict(t, policy.Checks, id)
}
