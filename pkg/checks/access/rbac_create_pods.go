package access

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RBACCreatePods finds rights to start pods in every namespace.
var RBACCreatePods = rule.Check{
	ID: "rbac-create-pods", Title: "may start pods", Doc: rule.ReadDoc(docs, "rbac_create_pods.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rolesAndBindings, Applies: isHeld,
	Run: judgeRights(right{
		of: []resource{
			{name: "pods", verbs: []string{"create"}}, {name: "replicationcontrollers", verbs: []string{"create"}},
			{group: "apps", name: "deployments", verbs: []string{"create"}}, {group: "apps", name: "statefulsets", verbs: []string{"create"}},
			{group: "apps", name: "daemonsets", verbs: []string{"create"}}, {group: "apps", name: "replicasets", verbs: []string{"create"}},
			{group: "batch", name: "jobs", verbs: []string{"create"}}, {group: "batch", name: "cronjobs", verbs: []string{"create"}},
		},
		exact: true,
		says:  func(names []string, place string) string { return "create " + list(names) + " " + within(place) },
		cost:  cost{rule.Low, rule.Low, rule.Info, ""},
		fix:   "give the right in the namespaces where it starts something, with a Role for each",
	}),
	Peers: map[string][]string{"kube-linter": {"access-to-create-pods"}, "kubescape": {"rule-can-create-pod"}},
}
