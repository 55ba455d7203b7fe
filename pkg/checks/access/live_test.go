package access_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/access"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func subject(namespace, name string) []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: name}}
}

func crb(name, role string, subjects []rbacv1.Subject) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{ObjectMeta: meta("", name), RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role}, Subjects: subjects}
}

func exec() *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{ObjectMeta: meta("", "ci"), Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods/exec"}, Verbs: []string{"create"}}}}
}

func runs() *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: meta("shop", "web")}
	d.Spec.Template.Spec.ServiceAccountName = "web"
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "registry.example/web:1"}}
	return d
}

// pulls is a pod with a pull secret, whose container is in a state.
func pulls(waiting string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: meta("shop", "web")}
	pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "registry"}}
	pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "registry.example/web:1"}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	if waiting != "" {
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: waiting}}
	}
	return pod
}

// TestLive holds that on a cluster what may not be read is never taken for what is not there, that what was
// read is judged, and that what Kubernetes itself makes is left alone.
func TestLive(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	none := schema.GroupKind{}
	read := []schema.GroupKind{
		snapshot.PodKind, snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind,
		snapshot.ServiceAcctKind, snapshot.IngressKind, snapshot.ConfigMapKind, snapshot.SecretKind,
		snapshot.RoleKind, snapshot.RoleBindingKind, snapshot.ClusterRoleKind, snapshot.ClusterRoleBindingKind,
	}
	settings := &corev1.ConfigMap{ObjectMeta: meta("shop", "settings")}
	fresh := &corev1.ConfigMap{ObjectMeta: meta("shop", "settings")}
	fresh.CreationTimestamp = metav1.NewTime(now.Add(-time.Minute))
	for _, tt := range []struct {
		check   string
		blind   schema.GroupKind
		objects []runtime.Object
		want    string
	}{
		{"rbac-exec", none, []runtime.Object{exec(), crb("ci", "ci", subject("ci", "runner"))}, "fail"},
		{"rbac-exec", none, []runtime.Object{exec(), crb("ci", "ci", subject("kube-system", "runner"))}, "nothing"},
		{"rbac-exec", none, []runtime.Object{exec(), crb("eks:ci", "ci", subject("ci", "runner"))}, "nothing"},
		{"rbac-exec", none, []runtime.Object{exec()}, "nothing"},
		{"rbac-exec", snapshot.ClusterRoleKind, []runtime.Object{crb("ci", "ci", subject("ci", "runner"))}, "unknown ClusterRole: forbidden"},
		{"rbac-exec", none, []runtime.Object{crb("ci", "ci", subject("ci", "runner"))}, "nothing"},
		{"rbac-wildcard", snapshot.ClusterRoleKind, []runtime.Object{crb("ci", "ci", subject("ci", "runner"))}, "unknown ClusterRole: forbidden"},
		{"rbac-cluster-admin", snapshot.ClusterRoleKind, []runtime.Object{crb("ci", "ci", subject("ci", "runner"))}, "unknown ClusterRole: forbidden"},
		{"rbac-cluster-admin", snapshot.ClusterRoleKind, []runtime.Object{crb("ci", "cluster-admin", subject("ci", "runner"))}, "fail"},
		{"rbac-anonymous", snapshot.ClusterRoleKind, []runtime.Object{crb("ci", "ci", []rbacv1.Subject{{Kind: "Group", Name: "system:unauthenticated"}})}, "unknown ClusterRole: forbidden"},
		{"rbac-anonymous", none, []runtime.Object{crb("ci", "ci", []rbacv1.Subject{{Kind: "Group", Name: "system:unauthenticated"}})}, "pass"},
		{"rbac-missing-ref", none, []runtime.Object{crb("ci", "ci", []rbacv1.Subject{{Kind: "User", Name: "jane"}})}, "fail"},
		{"rbac-missing-ref", snapshot.ClusterRoleKind, []runtime.Object{crb("ci", "ci", []rbacv1.Subject{{Kind: "User", Name: "jane"}})}, "unknown clusterrole/ci: forbidden"},
		{"rbac-missing-ref", snapshot.ServiceAcctKind, []runtime.Object{crb("ci", "view", subject("ci", "runner"))}, "unknown serviceaccount/runner: forbidden"},
		{"rbac-unused", none, []runtime.Object{exec()}, "fail"},
		{"rbac-unused", snapshot.RoleBindingKind, []runtime.Object{exec()}, "unknown RoleBinding: forbidden"},
		{"rbac-workload-admin", none, []runtime.Object{runs(), crb("web", "cluster-admin", subject("shop", "web"))}, "fail"},
		{"rbac-workload-admin", snapshot.ClusterRoleBindingKind, []runtime.Object{runs()}, "unknown ClusterRoleBinding: forbidden"},
		{"sa-token-automount", none, []runtime.Object{runs(), &corev1.ServiceAccount{ObjectMeta: meta("shop", "web")}}, "fail"},
		{"sa-token-automount", none, []runtime.Object{runs(), &corev1.ServiceAccount{ObjectMeta: meta("shop", "web")}, crb("web", "view", subject("shop", "web"))}, "pass"},
		{"sa-token-automount", snapshot.RoleBindingKind, []runtime.Object{runs(), &corev1.ServiceAccount{ObjectMeta: meta("shop", "web")}}, "unknown RoleBinding: forbidden"},
		{"sa-token-automount", snapshot.ServiceAcctKind, []runtime.Object{runs()}, "unknown serviceaccount/web: forbidden"},
		{"pull-secret-missing", none, []runtime.Object{pulls("")}, "fail"},
		{"pull-secret-missing", none, []runtime.Object{pulls("ImagePullBackOff")}, "pass"}, // a cause says it
		{"sa-unused", none, []runtime.Object{&corev1.ServiceAccount{ObjectMeta: meta("shop", "old")}}, "fail"},
		{"sa-unused", snapshot.CronJobKind, []runtime.Object{&corev1.ServiceAccount{ObjectMeta: meta("shop", "old")}}, "unknown CronJob: forbidden"},
		{"configmap-unused", none, []runtime.Object{settings}, "fail"},
		{"configmap-unused", none, []runtime.Object{fresh}, "pass"},
		{"configmap-unused", snapshot.RoleKind, []runtime.Object{settings}, "unknown Role: forbidden"},
		{"configmap-unused", none, []runtime.Object{settings, crb("all", "cluster-admin", subject("shop", "reader"))}, "pass"},
		{"secret-unused", none, []runtime.Object{&corev1.Secret{ObjectMeta: meta("shop", "old")}}, "fail"},
		{"secret-unused", snapshot.IngressKind, []runtime.Object{&corev1.Secret{ObjectMeta: meta("shop", "old")}}, "unknown Ingress: forbidden"},
		{"secret-in-configmap", none, []runtime.Object{settings}, "nothing"},
	} {
		t.Run(fmt.Sprint(tt.check, " ", tt.blind.Kind, " ", tt.want), func(t *testing.T) {
			live := ruletest.Live{Now: now, Read: read, Refused: tt.blind, Objects: tt.objects}
			if got := live.Verdict(t, access.Checks, tt.check); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
