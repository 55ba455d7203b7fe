package access

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RBACWorkloadAdmin finds workloads whose pods can do everything in the cluster.
var RBACWorkloadAdmin = rule.Check{
	ID: "rbac-workload-admin", Title: "its pods can do everything in the cluster", Doc: rule.ReadDoc(docs, "rbac_workload_admin.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads,
	Needs:   []schema.GroupKind{snapshot.ClusterRoleBindingKind, snapshot.ClusterRoleKind},
	Applies: func(p *rule.Pass) bool { return p.Files || !knowledge.SystemNamespace(p.Object.Namespace) },
	Run: func(p *rule.Pass) {
		w := rbac(p.Snapshot)
		for _, t := range p.Object.Templates {
			a := account{p.Object.Namespace, accountOf(t)}
			for _, b := range w.of(a) {
				everything, _ := b.everything()
				if !everything || !b.everywhere() || ours(b.Object) {
					continue
				}
				if yes, _ := automount(p, t); !yes {
					break
				}
				at := t.SpecPath().Child("serviceAccountName")
				f := rule.Finding{
					Field: at, Value: t.Spec.ServiceAccountName, Label: "its token is in every container",
					Message:  fmt.Sprintf("its pods run as serviceaccount %q, to which %s gives %s in all namespaces", a.name, b.Ref, b.ref.Name),
					Evidence: []rule.Evidence{{Source: rule.FromSpec, Object: b.Ref, Field: "roleRef.name", Text: fmt.Sprintf("gives %s to %s", b.to(), who(b.subjects, b.Namespace))}},
				}
				p.Report(f).WithFix(rule.Fix{
					Title: "give it a serviceaccount of its own, with what it asks the API for", Applicability: rule.NeedsThought,
					Caution: "what its role leaves out is refused; a program that asks the API for nothing needs no token: automountServiceAccountToken: false",
				})
				break
			}
		}
	},
	Peers: map[string][]string{"kubescape": {"workload-with-administrative-roles", "workload-with-cluster-takeover-roles"}},
}
