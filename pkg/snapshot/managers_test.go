package snapshot

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestManagerOf(t *testing.T) {
	at := func(minutes int) *metav1.Time {
		return &metav1.Time{Time: time.Unix(int64(minutes)*60, 0)}
	}
	d := &appsv1.Deployment{}
	d.Name = "web"
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "proxy"}, {Name: "app", Image: "app:2", Args: []string{"a"}, LivenessProbe: &corev1.Probe{PeriodSeconds: 3}}}
	d.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: "helm", Time: at(1), FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:name":{},"f:args":{},"f:image":{}}}}}}}`)},
		{Manager: "kubectl-edit", Time: at(2), FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:image":{},"f:livenessProbe":{"f:periodSeconds":{}}}}}}}}`)},
		{Manager: "kube-controller-manager", Subresource: "status", Time: at(9), FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)},
	}
	o, err := newObject(appsv1.SchemeGroupVersion.WithKind("Deployment"), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"spec.replicas":                                                "helm",
		"spec.template.spec.containers[1].image":                       "kubectl-edit",
		"spec.template.spec.containers[1].args[0]":                     "helm",
		"spec.template.spec.containers[1].livenessProbe.periodSeconds": "kubectl-edit",
		"spec.template.spec.containers[1].resources":                   "helm", // who made the container left it out
		"spec.template.spec.containers[0].image":                       "",
		"spec.paused":                                                  "",
		"":                                                             "",
	} {
		got := ""
		if m := o.ManagerOf(field); m != nil {
			got = m.Name
		}
		if got != want {
			t.Errorf("%s: set by %q, want %q", field, got, want)
		}
	}
}
