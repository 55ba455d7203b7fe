package rule_test

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const memory = corev1.ResourceMemory

func list(q string) corev1.ResourceList { return corev1.ResourceList{memory: resource.MustParse(q)} }

// A limit may grow as far as the lowest of what bounds it.
func TestCeiling(t *testing.T) {
	quota := func(name corev1.ResourceName, hard, used string, scopes ...corev1.ResourceQuotaScope) *corev1.ResourceQuota {
		return &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{name: resource.MustParse(hard)}, Scopes: scopes},
			Status: corev1.ResourceQuotaStatus{Hard: corev1.ResourceList{name: resource.MustParse(hard)}, Used: corev1.ResourceList{name: resource.MustParse(used)}}}
	}
	caps := func(kind corev1.LimitType, most string) *corev1.LimitRange {
		return &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "caps"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{Type: kind, Max: list(most)}}}}
	}
	node := func(name, has string) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Allocatable: list(has)}}
	}
	recreate := appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
	down := intstr.FromInt32(1)
	oldFirst := appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &down}}
	for name, c := range map[string]struct {
		objects     []runtime.Object
		pod         string // limit of the pod as a whole
		strategy    appsv1.DeploymentStrategy
		replicas    int32
		whole       bool
		init        bool
		noRequest   bool
		most, says  string // "" for no ceiling
		nodesUnread bool
	}{
		"nothing":                           {},
		"a container":                       {objects: []runtime.Object{caps(corev1.LimitTypeContainer, "150Mi")}, most: "150Mi", says: "limitrange/caps allows a container no more than 150Mi"},
		"a container, enough":               {objects: []runtime.Object{caps(corev1.LimitTypeContainer, "200Mi")}},
		"a container, below what it has":    {objects: []runtime.Object{caps(corev1.LimitTypeContainer, "50Mi")}, most: "100Mi"},
		"a pod":                             {objects: []runtime.Object{caps(corev1.LimitTypePod, "180Mi")}, most: "130Mi", says: "of which its other containers have 50Mi"},
		"a pod, of an init container":       {objects: []runtime.Object{caps(corev1.LimitTypePod, "180Mi")}, init: true, most: "180Mi"},
		"a claim":                           {objects: []runtime.Object{caps(corev1.LimitTypePersistentVolumeClaim, "1Mi")}},
		"the pod's own":                     {pod: "160Mi", most: "160Mi", says: "the pod as a whole may have 160Mi"},
		"a pod as a whole":                  {pod: "100Mi", whole: true, objects: []runtime.Object{caps(corev1.LimitTypeContainer, "10Mi"), caps(corev1.LimitTypePod, "150Mi")}, most: "150Mi"},
		"a quota":                           {objects: []runtime.Object{quota("limits.memory", "400Mi", "330Mi")}, strategy: recreate, most: "170Mi", says: "70Mi of limits.memory left"},
		"a quota of two pods":               {objects: []runtime.Object{quota("limits.memory", "400Mi", "330Mi")}, replicas: 2, strategy: oldFirst, most: "135Mi", says: "left for 2 pods"},
		"a quota with room":                 {objects: []runtime.Object{quota("limits.memory", "900Mi", "330Mi")}, replicas: 2},
		"a quota without room for one more": {objects: []runtime.Object{quota("limits.memory", "500Mi", "330Mi")}, most: "120Mi", says: "starts a new pod before it stops an old one"},
		"a quota of requests":               {objects: []runtime.Object{quota("requests.memory", "100Mi", "90Mi")}, strategy: recreate},
		"requests that follow the limit":    {objects: []runtime.Object{quota("memory", "150Mi", "110Mi")}, noRequest: true, strategy: recreate, most: "140Mi"},
		"a quota of a scope":                {objects: []runtime.Object{quota("limits.memory", "1Mi", "1Mi", corev1.ResourceQuotaScopeBestEffort)}},
		"two":                               {objects: []runtime.Object{caps(corev1.LimitTypeContainer, "150Mi"), quota("limits.memory", "400Mi", "380Mi")}, strategy: recreate, most: "120Mi"},
		"nodes":                             {objects: []runtime.Object{node("n1", "120Mi"), node("n2", "190Mi")}, most: "100Mi", says: "node/n2, the largest, offers 190Mi"},
		"nodes that were not all read":      {objects: []runtime.Object{node("n1", "120Mi")}, nodesUnread: true},
		"nodes, one large enough":           {objects: []runtime.Object{node("n1", "120Mi"), node("n2", "8Gi")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshot.New(time.Now())
			app := corev1.Container{Name: "app", Resources: corev1.ResourceRequirements{Limits: list("100Mi"), Requests: list("20Mi")}}
			side := corev1.Container{Name: "side", Resources: corev1.ResourceRequirements{Limits: list("50Mi"), Requests: list("20Mi")}}
			template := corev1.PodSpec{NodeName: "", Containers: []corev1.Container{app, side}}
			if c.init {
				template = corev1.PodSpec{InitContainers: []corev1.Container{app}, Containers: []corev1.Container{side}}
			}
			if c.pod != "" {
				template.Resources = &corev1.ResourceRequirements{Limits: list(c.pod)}
			}
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "shop"}, Spec: *template.DeepCopy()}
			pod.Spec.NodeName = "n1"
			if c.noRequest {
				template.Containers[0].Resources.Requests = nil
				pod.Spec.Containers[0].Resources.Requests = list("100Mi")
			}
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "1"}, Spec: appsv1.DeploymentSpec{Replicas: &c.replicas, Strategy: c.strategy, Template: corev1.PodTemplateSpec{Spec: template}}}
			yes := true
			pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "1", Controller: &yes}}
			o, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Add(appsv1.SchemeGroupVersion.WithKind("Deployment"), d, nil); err != nil {
				t.Fatal(err)
			}
			for _, obj := range c.objects {
				kind := "Node"
				switch x := obj.(type) {
				case *corev1.LimitRange:
					kind, x.Namespace = "LimitRange", "shop"
				case *corev1.ResourceQuota:
					kind, x.Namespace = "ResourceQuota", "shop"
				}
				if _, err := s.Add(corev1.SchemeGroupVersion.WithKind(kind), obj, nil); err != nil {
					t.Fatal(err)
				}
			}
			if !c.nodesUnread {
				s.SetOutcome(snapshot.WantList(snapshot.NodeKind, "", ""), snapshot.Outcome{State: snapshot.Present})
			}
			p := rule.NewPass(s, o, nil, nil, rule.Sink{})
			g := rule.Growth{Resource: memory, From: resource.MustParse("100Mi"), To: resource.MustParse("200Mi")}
			if !c.whole {
				g.Container = o.PodContainers()[0]
			}
			got := p.Ceiling(g)
			switch {
			case got == nil && c.most != "":
				t.Errorf("no ceiling, want %s", c.most)
			case got != nil && c.most == "":
				t.Errorf("ceiling %s, %s, want none", got.Most.String(), got.Words)
			case got != nil && (got.Most.String() != c.most || !strings.Contains(got.Words, c.says)):
				t.Errorf("ceiling %s, %q; want %s, %q", got.Most.String(), got.Words, c.most, c.says)
			}
		})
	}
}
