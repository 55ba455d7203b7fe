package access

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RBACUnused finds roles that nothing binds.
var RBACUnused = rule.Check{
	ID: "rbac-unused", Title: "role that no binding gives to anybody", Doc: rule.ReadDoc(docs, "rbac_unused.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, On: roles,
	Needs: []schema.GroupKind{snapshot.RoleBindingKind, snapshot.ClusterRoleBindingKind, snapshot.ClusterRoleKind},
	Applies: func(p *rule.Pass) bool {
		r := rbac(p.Snapshot).roles[p.Object.Key()]
		return (!p.Files || p.Closed) && r != nil && !ours(p.Object) && !knowledge.SystemNamespace(p.Object.Namespace) && !(p.Object.Namespace == "" && slices.Contains(userFacing, p.Object.Name))
	},
	Run: func(p *rule.Pass) {
		w := rbac(p.Snapshot)
		r := w.roles[p.Object.Key()]
		if len(w.byRole[r.Key()]) > 0 || len(r.of) > 0 || kept(p.Object) || young(p) {
			return
		}
		for key := range p.Object.Meta.GetLabels() {
			if strings.HasPrefix(key, "rbac.authorization.k8s.io/aggregate-to-") {
				return
			}
		}
		p.Report(rule.Finding{
			Field: field.NewPath("metadata", "name"), Value: p.Object.Name, Certainty: rule.Likely, Label: "no binding names it",
			Message: "no binding gives it to anybody",
		}).WithFix(rule.Fix{
			Title: "delete it, or bind it", Applicability: rule.NeedsThought,
			Caution: "some programs install roles for people, for an administrator to bind when one is needed",
		})
	},
	Peers: map[string][]string{"popeye": {"POP-400"}},
}
