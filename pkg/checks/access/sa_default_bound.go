package access

import (
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// SADefaultBound finds rights for the ServiceAccount that every pod without one of its own has.
var SADefaultBound = rule.Check{
	ID: "sa-default-bound", Title: "gives rights to a default service account", Doc: rule.ReadDoc(docs, "sa_default_bound.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: bindings,
	Applies: func(p *rule.Pass) bool { return givenByUser(p) != nil },
	Run: func(p *rule.Pass) {
		b := givenByUser(p)
		if everything, _ := b.everything(); everything {
			if slices.ContainsFunc(b.subjects, func(s rbacv1.Subject) bool { return s.Kind == rbacv1.ServiceAccountKind && s.Name == "default" }) {
				p.SaidBy("rbac-cluster-admin")
			}
			return
		}
		for i, s := range b.subjects {
			if s.Kind != rbacv1.ServiceAccountKind || s.Name != "default" {
				continue
			}
			most, known, gives := powerOf(p, b)
			if !gives {
				return
			}
			severity := most.severity(rule.Medium, rule.Low, rule.Low, rule.Info)
			switch {
			case !known:
				severity = rule.Low
			case b.everywhere() || knowledge.SystemNamespace(b.Namespace):
				severity = most.severity(rule.High, rule.Medium, rule.Low, rule.Info)
			}
			namespace := s.Namespace
			if namespace == "" {
				namespace = b.Namespace
			}
			at := field.NewPath("subjects").Index(i)
			p.Report(rule.Finding{
				Field: at.Child("name"), Value: s.Name, Severity: severity, Label: "every pod that names no other",
				Message: fmt.Sprintf("every pod of namespace %s without a serviceaccount of its own gets %s", namespace, b.gives(most, known)),
			}).WithFix(rule.Fix{
				Title: "make a serviceaccount for the workload that needs the right, and bind that", Applicability: rule.NeedsThought,
				Caution: "pods that use the right as default are refused until their workload names the new one",
				YAML:    "subjects:\n- kind: ServiceAccount\n  name: <NAME>\n  namespace: " + namespace + "\n",
			})
		}
	},
	Peers: map[string][]string{"popeye": {"POP-308"}, "kubescape": {"ensure-default-service-accounts-has-only-default-roles"}},
}
