package access

import (
	"slices"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// change is to write what is there already.
var change = []string{"update", "patch"}

// RBACSensitive finds rights over what the cluster's own safety rests on.
var RBACSensitive = rule.Check{
	ID: "rbac-sensitive", Title: "may change what the cluster's safety rests on", Doc: rule.ReadDoc(docs, "rbac_sensitive.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rolesAndBindings, Applies: isHeld,
	Run: judgeRights(
		right{
			of: []resource{{name: "nodes/proxy", verbs: []string{"get", "create"}}}, cluster: true,
			says: func([]string, string) string {
				return "call the kubelets' own API, which runs commands in every pod past the audit log"
			},
			cost: cost{rule.Medium, rule.Medium, "", ""}, fix: "use nodes/metrics, nodes/stats, nodes/log, nodes/healthz or nodes/pods instead, whichever it reads",
		},
		right{
			of: []resource{{"certificates.k8s.io", "signers", []string{"approve"}, nil}}, cluster: true,
			named: func(g given) bool {
				return slices.Contains(g.ResourceNames, "kubernetes.io/kube-apiserver-client") || slices.Contains(g.ResourceNames, "kubernetes.io/*")
			},
			says: func([]string, string) string {
				return "approve certificates by which anybody logs in under any name"
			},
			cost: cost{rule.High, rule.Medium, "", ""}, fix: "name its own signer with resourceNames",
		},
		right{
			of:   []resource{{name: "serviceaccounts/token", verbs: []string{"create"}}},
			says: func(_ []string, place string) string { return "make tokens of any serviceaccount " + within(place) },
			cost: cost{rule.Medium, rule.Medium, rule.Low, rule.Info},
			fix:  "name the serviceaccounts with resourceNames",
		},
		right{
			of: []resource{{name: "persistentvolumes", verbs: []string{"create"}}}, cluster: true,
			when: func(h hold) bool { return !provisions(h) },
			says: func([]string, string) string { return "create PersistentVolumes, of a node's folders too" },
			cost: cost{rule.Low, rule.Low, "", ""}, fix: "leave it to a StorageClass and its provisioner",
		},
		right{
			of: []resource{
				{"admissionregistration.k8s.io", "mutatingwebhookconfigurations", []string{"create", "update", "patch"}, nil},
				{"admissionregistration.k8s.io", "validatingwebhookconfigurations", []string{"create", "update", "patch"}, nil},
			},
			cluster: true,
			says: func(names []string, _ string) string {
				return "change " + list(names) + ", which see everything that is sent to the API"
			},
			cost: cost{rule.Low, rule.Low, "", ""}, fix: "name its own webhook configurations with resourceNames",
		},
		right{
			of:    []resource{{name: "configmaps", verbs: change}},
			named: func(g given) bool { return slices.Contains(g.ResourceNames, "coredns") },
			when:  func(h hold) bool { return h.namespace == "kube-system" && h.binding != nil },
			says: func([]string, string) string {
				return "change the settings of CoreDNS, and so where names of the cluster lead"
			},
			cost: cost{rule.Low, rule.Low, rule.Low, rule.Low}, fix: "name its own ConfigMaps with resourceNames, or keep them in its own namespace",
		},
	),
	Peers: map[string][]string{"kubescape": {
		"rule-can-access-proxy-subresource", "rule-can-approve-cert-signing-request", "rule-can-create-service-account-token", "rule-can-modify-admission-webhooks",
		"rule-can-create-pv", "rule-can-update-configmap-v1",
	}},
}

// provisions tells the provisioner of a StorageClass, whose work it is to make volumes: a program that waits for claims
// and asks their classes. Source: the RBAC of external-provisioner.
func provisions(h hold) bool {
	waits := func(group, name string) bool {
		return slices.ContainsFunc(h.role.rules, func(g given) bool { return g.resource(group, name) >= 0 && g.may("watch") })
	}
	return programs(h.subjects) && waits("", "persistentvolumeclaims") && waits("storage.k8s.io", "storageclasses")
}
