package maintenance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/maintenance"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func guard(selector *metav1.LabelSelector) *admissionv1.ValidatingWebhookConfiguration {
	return &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "guard"},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: "pods.guard.example.com", NamespaceSelector: selector,
			ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: "guard", Name: "guard"}},
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.Create},
				Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
		}},
	}
}

func service() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "guard", Name: "guard"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "guard"}, Ports: []corev1.ServicePort{{Port: 443}}}}
}

func slice(ready bool) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "guard", Name: "guard-1", Labels: map[string]string{"kubernetes.io/service-name": "guard"}},
		Endpoints:  []discoveryv1.Endpoint{{Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
	}
}

func namespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, CreationTimestamp: metav1.NewTime(now.AddDate(-1, 0, 0))}}
}

func tainted() *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "gpu"}, Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "example.com/gpu", Effect: corev1.TaintEffectNoSchedule}}}}
}

func cordoned(since *metav1.Time) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.NodeSpec{Unschedulable: true, Taints: []corev1.Taint{{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule, TimeAdded: since}}}}
}

// TestLive holds that on a cluster what may not be read is never taken for what is not there, and that what was
// read is judged.
func TestLive(t *testing.T) {
	read := []schema.GroupKind{
		snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind, snapshot.ServiceKind,
		snapshot.EndpointSliceKind, snapshot.IngressKind, snapshot.PVCKind, snapshot.ConfigMapKind, snapshot.SecretKind, snapshot.NamespaceKind, snapshot.NodeKind,
	}
	wanted := &metav1.LabelSelector{MatchLabels: map[string]string{"guarded": "yes"}}
	lately := metav1.NewTime(now.Add(-time.Hour))
	rootCA := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "trial", Name: "kube-root-ca.crt"}}
	for _, tt := range []struct {
		check   string
		blind   schema.GroupKind
		objects []runtime.Object
		want    string // fail, pass, unknown, nothing
	}{
		{"webhook-broken", schema.GroupKind{}, []runtime.Object{guard(nil)}, "fail"},
		{"webhook-broken", snapshot.ServiceKind, []runtime.Object{guard(nil)}, "unknown service/guard: forbidden"},
		{"webhook-broken", schema.GroupKind{}, []runtime.Object{guard(nil), service()}, "fail"},
		{"webhook-broken", schema.GroupKind{}, []runtime.Object{guard(nil), service(), slice(false)}, "fail"},
		{"webhook-broken", schema.GroupKind{}, []runtime.Object{guard(nil), service(), slice(true)}, "pass"},
		{"webhook-broken", snapshot.EndpointSliceKind, []runtime.Object{guard(nil), service()}, "pass"},
		{"webhook-blocks", schema.GroupKind{}, []runtime.Object{guard(nil)}, "fail"},
		{"webhook-blocks", snapshot.NamespaceKind, []runtime.Object{guard(wanted)}, "unknown the selector of webhook pods.guard.example.com asks for labels of namespace/guard, which was not read"},
		{"webhook-blocks", schema.GroupKind{}, []runtime.Object{guard(wanted), namespace("guard", nil), namespace("kube-system", nil)}, "pass"},
		{"webhook-blocks", schema.GroupKind{}, []runtime.Object{guard(wanted), namespace("guard", map[string]string{"guarded": "yes"}), namespace("kube-system", nil)}, "fail"},
		{"ns-unused", schema.GroupKind{}, []runtime.Object{namespace("trial", nil), rootCA}, "fail"},
		{"ns-unused", snapshot.SecretKind, []runtime.Object{namespace("trial", nil), rootCA}, "unknown Secret: forbidden"},
		{"ns-unused", schema.GroupKind{}, []runtime.Object{namespace("default", nil)}, "nothing"},
		{"node-taint-unused", schema.GroupKind{}, []runtime.Object{tainted()}, "fail"},
		{"node-taint-unused", snapshot.JobKind, []runtime.Object{tainted()}, "unknown Job: forbidden"},
		{"node-cordoned", schema.GroupKind{}, []runtime.Object{cordoned(nil)}, "unknown since when node/a is cordoned is not recorded"},
		{"node-cordoned", schema.GroupKind{}, []runtime.Object{cordoned(&lately)}, "pass"},
		{"api-deprecated", schema.GroupKind{}, []runtime.Object{&corev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "a"}}}, "nothing"}, //nolint:staticcheck // it is about what is deprecated
		{"api-deprecated", schema.GroupKind{}, []runtime.Object{&autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "a"},
			Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "extensions/v1beta1", Kind: "Deployment", Name: "a"}},
		}}, "fail"},
	} {
		t.Run(fmt.Sprint(tt.check, " ", tt.blind.Kind, " ", tt.want), func(t *testing.T) {
			live := ruletest.Live{Now: now, Read: read, Refused: tt.blind, Objects: tt.objects}
			if got := live.Verdict(t, maintenance.Checks, tt.check); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestGoneKinds holds that a kind of which nothing is left here is judged all the same.
func TestGoneKinds(t *testing.T) {
	for _, text := range []string{
		"apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: open}\nspec: {privileged: true}\n",
		"apiVersion: batch/v2alpha1\nkind: CronJob\nmetadata: {name: a}\nspec: {}\n",
		"apiVersion: autoscaling/v2beta1\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 80}}]}\n",
	} {
		s, _, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text), Now: now})
		if err != nil {
			t.Fatal(err)
		}
		check := ruletest.Named(t, maintenance.Checks, "api-deprecated")
		if found := ruletest.Judge(t, s, check).Findings; len(found) != 1 {
			t.Errorf("%s: %d findings", text, len(found))
		}
	}
}
