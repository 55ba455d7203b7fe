package access

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

var deletes = []string{"delete", "deletecollection"}

// RBACDelete finds rights to delete what much else goes with, and what tells what happened.
var RBACDelete = rule.Check{
	ID: "rbac-delete", Title: "may delete namespaces, types or traces", Doc: rule.ReadDoc(docs, "rbac_delete.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rolesAndBindings, Applies: isHeld,
	Run: judgeRights(
		right{
			of: []resource{{name: "namespaces", verbs: deletes}}, cluster: true,
			says: func([]string, string) string { return "delete any namespace, with all that is in it" },
			cost: cost{rule.Low, rule.Low, "", ""}, fix: "leave out delete, or name the namespaces with resourceNames",
		},
		right{
			of: []resource{{"apiextensions.k8s.io", "customresourcedefinitions", deletes, nil}}, cluster: true,
			says: func([]string, string) string {
				return "delete any CustomResourceDefinition, with all objects of its kind"
			},
			cost: cost{rule.Low, rule.Low, "", ""}, fix: "leave out delete, or name the definitions with resourceNames",
		},
		right{
			of:   []resource{{name: "events", verbs: deletes}, {"events.k8s.io", "events", deletes, nil}},
			says: to("delete the events, which tell what happened,"), cost: cost{rule.Info, rule.Info, rule.Info, ""},
			fix: "leave out delete and deletecollection: events go away by themselves",
		},
	),
	Peers: map[string][]string{"kubescape": {"rule-excessive-delete-rights-v1", "rule-can-delete-k8s-events-v1"}},
}
