package access

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RBACPortForward finds rights to open connections into pods, past every NetworkPolicy.
var RBACPortForward = rule.Check{
	ID: "rbac-portforward", Title: "may open connections into pods", Doc: rule.ReadDoc(docs, "rbac_portforward.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rolesAndBindings, Applies: isHeld,
	Run: judgeRights(right{
		of:   []resource{{name: "pods/portforward", verbs: []string{"create"}}},
		says: to("open connections to any port of the pods"), cost: cost{rule.Low, rule.Low, rule.Info, ""},
		fix: "leave it out; a program reaches others by their Service, which NetworkPolicies see",
	}),
	Peers: map[string][]string{"kubescape": {"rule-can-portforward-v1"}},
}
