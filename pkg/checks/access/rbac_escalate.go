package access

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

const rbacGroup = "rbac.authorization.k8s.io"

// RBACEscalate finds rights by which whoever has them can get all others.
var RBACEscalate = rule.Check{
	ID: "rbac-escalate", Title: "may give itself any right", Doc: rule.ReadDoc(docs, "rbac_escalate.md"),
	Dimension: rule.Security, Severity: rule.High, On: rolesAndBindings, Applies: isHeld,
	Run: judgeRights(
		right{
			of: []resource{
				{rbacGroup, "clusterroles", []string{"escalate", "bind"}, nil}, {rbacGroup, "roles", []string{"escalate", "bind"}, nil},
			},
			says: func(names []string, place string) string {
				return "escalate or bind " + list(names) + " " + place + ", and so have any right there"
			},
			cost: cost{rule.High, rule.High, rule.Medium, rule.Low},
			fix:  "leave out escalate, bind and *, or name the roles that may be bound with resourceNames",
		},
		right{
			of: []resource{
				{name: "users", verbs: []string{"impersonate"}}, {name: "groups", verbs: []string{"impersonate"}},
			},
			cluster: true,
			says: func(names []string, _ string) string {
				return "act as any of the " + list(names) + ", administrators among them"
			},
			cost: cost{rule.High, rule.High, "", ""},
			fix:  "leave out impersonate and *, or name who may be impersonated with resourceNames",
		},
		right{
			of:   []resource{{name: "serviceaccounts", verbs: []string{"impersonate"}}},
			says: to("act as any serviceaccount"), cost: cost{rule.High, rule.Medium, rule.Low, rule.Info},
			fix: "leave out impersonate and *, or name who may be impersonated with resourceNames",
		},
	),
	Peers: map[string][]string{"kubescape": {"rule-can-bind-escalate", "rule-can-impersonate-users-groups-v1"}},
}
