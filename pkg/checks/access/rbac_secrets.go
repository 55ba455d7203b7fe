package access

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RBACSecrets finds rights to read every Secret of a namespace, or of all.
var RBACSecrets = rule.Check{
	ID: "rbac-secrets", Title: "may read Secrets that are not its own", Doc: rule.ReadDoc(docs, "rbac_secrets.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rolesAndBindings, Applies: isHeld,
	Run: judgeRights(right{
		of:   []resource{{name: "secrets", verbs: []string{"get", "list", "watch"}}},
		says: to("read all Secrets"), cost: cost{rule.Medium, rule.Medium, rule.Low, rule.Info},
		fix: "name the Secrets that it needs with resourceNames, or give the right in the namespaces where they are",
	}),
	Peers: map[string][]string{"kube-linter": {"access-to-secrets"}, "kubescape": {"rule-can-list-get-secrets-v1"}},
}
