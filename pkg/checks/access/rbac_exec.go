package access

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RBACExec finds rights to run commands in pods.
var RBACExec = rule.Check{
	ID: "rbac-exec", Title: "may run commands in pods", Doc: rule.ReadDoc(docs, "rbac_exec.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rolesAndBindings, Applies: isHeld,
	Run: judgeRights(
		right{
			of: []resource{
				{name: "pods/exec", verbs: []string{"create"}}, {name: "pods/attach", verbs: []string{"create"}},
				{name: "pods/ephemeralcontainers", verbs: []string{"update", "patch"}},
			},
			says: to("run commands in the pods"), cost: cost{rule.Medium, rule.Low, rule.Low, rule.Info}, fix: withoutExec,
		},
		right{ // Source: ensureAuthorizedForVerb in k8s.io/kubernetes, pkg/registry/core/pod/rest/subresources.go
			of: []resource{
				{name: "pods/exec", verbs: []string{"get"}, unless: []string{"create"}}, {name: "pods/attach", verbs: []string{"get"}, unless: []string{"create"}},
			},
			says: func(_ []string, place string) string {
				return "run commands in the pods " + place + ", up to Kubernetes 1.34"
			},
			cost: cost{rule.Low, rule.Low, rule.Info, ""}, fix: withoutExec,
		},
	),
	Peers: map[string][]string{
		"polaris":   {"clusterrolePodExecAttach", "rolePodExecAttach", "clusterrolebindingPodExecAttach", "rolebindingClusterRolePodExecAttach", "rolebindingRolePodExecAttach"},
		"kubescape": {"exec-into-container-v1"},
	},
}

const withoutExec = "leave it out, and give people the right for as long as they need it, in the namespace where they do"
