package reliability_test

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/reliability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

var shop = metav1.ObjectMeta{Namespace: "shop", Name: "web"}

func web(replicas int32) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: shop, Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}}
	d.Spec.Template.Labels = map[string]string{"app": "web"}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:1", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		Env: []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "web"}, Key: "a"}}}}}}
	return d
}

func webService(target string) *corev1.Service {
	return &corev1.Service{ObjectMeta: shop, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString(target)}}}}
}

func webBudget(least int) *policyv1.PodDisruptionBudget {
	n := intstr.FromInt(least)
	return &policyv1.PodDisruptionBudget{ObjectMeta: shop, Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &n, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}}
}

func named(o *policyv1.PodDisruptionBudget, name string) *policyv1.PodDisruptionBudget {
	o.Name = name
	return o
}

func recreate(claim string) *appsv1.Deployment {
	d := web(3)
	d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	if claim != "" {
		d.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}
	}
	return d
}

func apart(replicas int32) *appsv1.Deployment {
	d := web(replicas)
	d.Spec.Template.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
		{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
	}}}
	return d
}

func node(name string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
}

func naked(node string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: shop, Spec: corev1.PodSpec{NodeName: node, RestartPolicy: corev1.RestartPolicyAlways, Containers: web(1).Spec.Template.Spec.Containers}}
}

func ownedBy(meta metav1.ObjectMeta, kind, name string) metav1.ObjectMeta {
	yes := true
	meta.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, Controller: &yes}}
	return meta
}

func replicaSet() *appsv1.ReplicaSet {
	d := web(2)
	return &appsv1.ReplicaSet{ObjectMeta: ownedBy(metav1.ObjectMeta{Namespace: "shop", Name: "web-1"}, "Deployment", "web"), Spec: appsv1.ReplicaSetSpec{Selector: d.Spec.Selector, Template: d.Spec.Template}}
}

// injected is a pod of the Deployment to which a webhook has added a container with a port of that name.
func injected(port string) *corev1.Pod {
	meta := ownedBy(metav1.ObjectMeta{Namespace: "shop", Name: "web-1-abcde", Labels: map[string]string{"app": "web"}}, "ReplicaSet", "web-1")
	return &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{Containers: append(web(2).Spec.Template.Spec.Containers, corev1.Container{Name: "proxy", Ports: []corev1.ContainerPort{{Name: port, ContainerPort: 15090}}})}}
}

// TestBlind holds that on a cluster what may not be read is never taken for what is not there, and
// that what was read is judged.
func TestBlind(t *testing.T) {
	read := []schema.GroupKind{snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.ServiceKind, snapshot.HPAKind, snapshot.PDBKind, snapshot.SecretKind, snapshot.NodeKind, snapshot.PVCKind}
	two := int32(2)
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: shop, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: &two, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}}}
	for _, tt := range []struct {
		check   string
		blind   schema.GroupKind
		objects []runtime.Object
		want    string // fail, pass, unknown, nothing
	}{
		{"svc-selects-nothing", schema.GroupKind{}, []runtime.Object{webService("http")}, "fail"},
		{"svc-selects-nothing", schema.GroupKind{}, []runtime.Object{webService("http"), web(2)}, "pass"},
		{"svc-selects-nothing", snapshot.PodKind, []runtime.Object{webService("http")}, "unknown Pod: forbidden"},
		{"svc-selects-nothing", snapshot.DeploymentKind, []runtime.Object{webService("http")}, "unknown Deployment: forbidden"},
		{"svc-selects-nothing", snapshot.PodKind, []runtime.Object{webService("http"), web(2)}, "pass"},
		{"svc-port-mismatch", schema.GroupKind{}, []runtime.Object{webService("htpp"), web(2)}, "fail"},
		{"svc-port-mismatch", schema.GroupKind{}, []runtime.Object{webService("envoy"), web(2), replicaSet(), injected("envoy")}, "pass"},
		{"svc-port-mismatch", schema.GroupKind{}, []runtime.Object{webService("htpp"), web(2), replicaSet(), injected("envoy")}, "fail"},
		{"svc-port-mismatch", schema.GroupKind{}, []runtime.Object{webService("htpp")}, "nothing"},
		{"svc-port-mismatch", snapshot.DeploymentKind, []runtime.Object{webService("htpp")}, "unknown Deployment: forbidden"},
		{"pdb-orphan", schema.GroupKind{}, []runtime.Object{webBudget(1)}, "fail"},
		{"pdb-orphan", snapshot.StatefulSetKind, []runtime.Object{webBudget(1)}, "unknown StatefulSet: forbidden"},
		{"pdb-blocks", schema.GroupKind{}, []runtime.Object{webBudget(2), web(2)}, "fail"},
		{"pdb-blocks", schema.GroupKind{}, []runtime.Object{webBudget(2), web(5)}, "pass"},
		{"pdb-blocks", schema.GroupKind{}, []runtime.Object{webBudget(2), web(5), hpa}, "fail"},
		{"pdb-blocks", snapshot.HPAKind, []runtime.Object{webBudget(2), web(5)}, "unknown HorizontalPodAutoscaler: forbidden"},
		{"pdb-blocks", schema.GroupKind{}, []runtime.Object{webBudget(2)}, "nothing"},
		{"pdb-missing", snapshot.PDBKind, []runtime.Object{web(2)}, "unknown PodDisruptionBudget: forbidden"},
		{"pdb-missing", schema.GroupKind{}, []runtime.Object{web(2), webBudget(1)}, "pass"},
		{"replicas-min", snapshot.ServiceKind, []runtime.Object{web(1)}, "unknown Service: forbidden"},
		{"replicas-min", schema.GroupKind{}, []runtime.Object{web(1)}, "nothing"},
		{"replicas-min", schema.GroupKind{}, []runtime.Object{web(1), webService("http")}, "fail"},
		{"replicas-min", schema.GroupKind{}, []runtime.Object{web(1), webService("http"), hpa}, "pass"},
		{"env-ref-missing", schema.GroupKind{}, []runtime.Object{web(1)}, "fail"},
		{"env-ref-missing", snapshot.SecretKind, []runtime.Object{web(1)}, "unknown secret/web: forbidden"},
		{"env-ref-missing", schema.GroupKind{}, []runtime.Object{web(1), &corev1.Secret{ObjectMeta: shop}}, "unknown the keys of secret/web are not known"},
		{"env-ref-missing", schema.GroupKind{}, []runtime.Object{web(1), &corev1.Secret{ObjectMeta: shop, Data: map[string][]byte{"b": nil}}}, "fail"},
		{"schema-invalid", schema.GroupKind{}, []runtime.Object{web(1)}, "nothing"},
		{"restart-policy-invalid", schema.GroupKind{}, []runtime.Object{web(1)}, "nothing"},
		{"pdb-many", schema.GroupKind{}, []runtime.Object{web(3), webBudget(1), named(webBudget(1), "other")}, "fail, pass"},
		{"pdb-many", schema.GroupKind{}, []runtime.Object{webBudget(1), named(webBudget(1), "other")}, "nothing"},
		{"pdb-many", snapshot.PDBKind, []runtime.Object{web(3), webBudget(1)}, "unknown PodDisruptionBudget: forbidden"},
		{"strategy-recreate", schema.GroupKind{}, []runtime.Object{recreate(""), webService("http")}, "fail"},
		{"strategy-recreate", schema.GroupKind{}, []runtime.Object{recreate("data"), webService("http")}, "pass"},
		{"strategy-recreate", snapshot.PVCKind, []runtime.Object{recreate("data"), webService("http")}, "unknown persistentvolumeclaim/data: forbidden"},
		{"strategy-recreate", snapshot.ServiceKind, []runtime.Object{recreate("")}, "unknown Service: forbidden"},
		{"anti-affinity-too-few-nodes", schema.GroupKind{}, []runtime.Object{apart(3), node("a"), node("b")}, "fail"},
		{"anti-affinity-too-few-nodes", schema.GroupKind{}, []runtime.Object{apart(2), node("a"), node("b"), node("c")}, "pass"},
		{"anti-affinity-too-few-nodes", schema.GroupKind{}, []runtime.Object{web(3), node("a")}, "nothing"},
		{"anti-affinity-too-few-nodes", snapshot.NodeKind, []runtime.Object{apart(3)}, "unknown Node: forbidden"},
		{"naked-pod", schema.GroupKind{}, []runtime.Object{naked("node-1")}, "fail"},
		{"node-pinned", schema.GroupKind{}, []runtime.Object{naked("node-1")}, "pass"}, // where the scheduler put it
	} {
		t.Run(fmt.Sprint(tt.check, " ", tt.blind.Kind, " ", tt.want), func(t *testing.T) {
			live := ruletest.Live{Read: read, Refused: tt.blind, Objects: tt.objects}
			if got := live.Verdict(t, reliability.Checks, tt.check); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSecretValues holds that a mistake in a Secret is reported without what the Secret holds.
func TestSecretValues(t *testing.T) {
	text := "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringdata:\n  password: hunter2\n"
	s, _, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	eng, err := engine.New([]*rule.Check{&reliability.SchemaInvalid}, nil)
	if err != nil {
		t.Fatal(err)
	}
	res := eng.Check(s, nil)
	if len(res.Findings) != 1 || res.Findings[0].Fix == nil || res.Findings[0].Fix.Patch != nil {
		t.Errorf("%+v", res.Findings)
	}
}
