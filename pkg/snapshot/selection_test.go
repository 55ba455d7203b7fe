package snapshot

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

func add(t testing.TB, s *Snapshot, obj runtime.Object) *Object {
	t.Helper()
	var o *Object
	var err error
	switch obj := obj.(type) {
	case *appsv1.Deployment:
		o, err = s.Add(appsv1.SchemeGroupVersion.WithKind("Deployment"), obj, nil)
	case *appsv1.StatefulSet:
		o, err = s.Add(appsv1.SchemeGroupVersion.WithKind("StatefulSet"), obj, nil)
	case *corev1.Service:
		o, err = s.Add(corev1.SchemeGroupVersion.WithKind("Service"), obj, nil)
	case *policyv1.PodDisruptionBudget:
		o, err = s.Add(policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), obj, nil)
	case *autoscalingv2.HorizontalPodAutoscaler:
		o, err = s.Add(autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"), obj, nil)
	case *unstructured.Unstructured:
		o, err = s.Add(obj.GroupVersionKind(), obj, nil)
	default:
		t.Fatalf("%T", obj)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func meta1(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "shop", Name: name} }

func deployment(name string, set map[string]string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: meta1(name), Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: set}}}}
}

func service(name string, set map[string]string) *corev1.Service {
	return &corev1.Service{ObjectMeta: meta1(name), Spec: corev1.ServiceSpec{Selector: set}}
}

func names(list []*Object) string {
	text := ""
	for _, o := range list {
		text += o.Name + " "
	}
	return text
}

func TestSelection(t *testing.T) {
	s := New(time.Time{})
	web := add(t, s, deployment("web", map[string]string{"app": "web", "part": "shop"}))
	sts := &appsv1.StatefulSet{ObjectMeta: meta1("db")}
	sts.Spec.Template.Labels = map[string]string{"app": "db", "part": "shop"}
	db := add(t, s, sts)
	add(t, s, service("web", map[string]string{"app": "web"}))
	add(t, s, service("all", map[string]string{"part": "shop"}))
	add(t, s, service("both", map[string]string{"app": "web", "part": "other"}))
	add(t, s, service("by-hand", nil))
	add(t, s, service("db-1", map[string]string{"statefulset.kubernetes.io/pod-name": "db-1"}))
	add(t, s, service("db-1-strict", map[string]string{"statefulset.kubernetes.io/pod-name": "db-1", "app": "web"}))
	add(t, s, &policyv1.PodDisruptionBudget{ObjectMeta: meta1("everything"), Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{}}})
	add(t, s, &policyv1.PodDisruptionBudget{ObjectMeta: meta1("nothing")})
	far := service("far", map[string]string{"app": "web"})
	far.Namespace = "other"
	add(t, s, far)

	strict, err := labels.Parse("statefulset.kubernetes.io/pod-name in (db-1),app notin (db)")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ what, got, want string }{
		{"a pod of db that is not db's", fmt.Sprint(len(s.SelectedTemplates("shop", strict))), "0"},
		{"services of web", names(s.ServicesOf(web, web.Templates[0])), "all web "},
		{"services of db", names(s.ServicesOf(db, db.Templates[0])), "all db-1 "},
		{"budgets of db", names(s.BudgetsOf(db, db.Templates[0])), "everything "},
		{"workloads", names(s.Workloads("shop")), "web db "},
		{"part=shop", fmt.Sprint(len(s.SelectedTemplates("shop", labels.SelectorFromSet(map[string]string{"part": "shop"})))), "2"},
		{"nowhere", fmt.Sprint(len(s.SelectedTemplates("nowhere", labels.Everything()))), "0"},
		{"nothing", fmt.Sprint(len(s.SelectedTemplates("shop", labels.Nothing()))), "0"},
		{"everything", fmt.Sprint(len(s.SelectedTemplates("shop", labels.Everything()))), "2"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, tt.got, tt.want)
		}
	}

	// What is added, or read again, after somebody asked is found too.
	add(t, s, service("later", map[string]string{"app": "web"}))
	if got := names(s.ServicesOf(web, web.Templates[0])); got != "all later web " {
		t.Errorf("after an addition: %q", got)
	}
	add(t, s, service("later", map[string]string{"app": "db"}))
	if got := names(s.ServicesOf(web, web.Templates[0])); got != "all web " {
		t.Errorf("after a replacement: %q", got)
	}
}

func TestAutoscalerOf(t *testing.T) {
	s := New(time.Time{})
	web, api, cart, free := add(t, s, deployment("web", nil)), add(t, s, deployment("api", nil)), add(t, s, deployment("cart", nil)), add(t, s, deployment("free", nil))
	three := int32(3)
	target := func(name string) autoscalingv2.CrossVersionObjectReference {
		return autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name}
	}
	add(t, s, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta1("a"), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: &three, ScaleTargetRef: target("web")}})
	add(t, s, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta1("b"), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{ScaleTargetRef: target("api")}})
	add(t, s, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": map[string]any{"name": "c", "namespace": "shop"},
		"spec": map[string]any{"minReplicaCount": int64(2), "scaleTargetRef": map[string]any{"name": "cart"}},
	}})
	for _, tt := range []struct {
		o     *Object
		by    string
		least int
	}{{web, "a", 3}, {api, "b", 1}, {cart, "c", 2}, {free, "", 0}} {
		by, least := s.AutoscalerOf(tt.o)
		if got := names([]*Object{or(by)}); got != tt.by+" " || least != tt.least {
			t.Errorf("%s: by %q, at least %d", tt.o, got, least)
		}
	}
}

func or(o *Object) *Object {
	if o == nil {
		return &Object{}
	}
	return o
}

func BenchmarkServicesOf(b *testing.B) {
	s := New(time.Time{})
	for i := range 2000 {
		set := map[string]string{"app": fmt.Sprint("web-", i), "part": "shop"}
		add(b, s, deployment(set["app"], set))
		add(b, s, service(set["app"], set))
	}
	all := s.Workloads("shop")
	b.ResetTimer()
	for b.Loop() {
		for _, o := range all {
			if n := len(s.ServicesOf(o, o.Templates[0])); n != 1 {
				b.Fatal(n)
			}
		}
	}
}
