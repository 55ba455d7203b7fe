package access

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SAUnused finds ServiceAccounts that no pod runs as.
var SAUnused = rule.Check{
	ID: "sa-unused", Title: "service account that nothing uses", Doc: rule.ReadDoc(docs, "sa_unused.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, On: rule.Kinds(snapshot.ServiceAcctKind), Needs: users,
	Applies: func(p *rule.Pass) bool {
		return (!p.Files || p.Closed) && p.Object.Name != "default" && !knowledge.SystemNamespace(p.Object.Namespace)
	},
	Run: func(p *rule.Pass) {
		a := account{p.Object.Namespace, p.Object.Name}
		u := used(p.Snapshot)
		// That it names a Secret, or a binding it, is no use of it: a pod is, or somebody with its token.
		if u.accounts[a] || u.uses(p.Object) || len(rbac(p.Snapshot).accounts[a]) > 0 || kept(p.Object) || young(p) || hasToken(p) {
			return
		}
		p.Report(rule.Finding{
			Field: field.NewPath("metadata", "name"), Value: p.Object.Name, Label: "no pod runs as it", Certainty: certainly(p),
			Message: "no pod runs as it, and no binding gives it a right",
		}).WithFix(rule.Fix{
			Title: "delete it", Applicability: rule.NeedsThought,
			Caution: "somebody outside of the cluster may ask for its token, and a Job that is made later may name it",
		})
	},
	Peers: map[string][]string{"popeye": {"POP-400"}},
}

// hasToken tells whether a Secret holds a token of the ServiceAccount: somebody outside of the cluster uses it.
func hasToken(p *rule.Pass) bool {
	return slices.ContainsFunc(p.List(snapshot.SecretKind, p.Object.Namespace), func(o *snapshot.Object) bool {
		return o.Meta.GetAnnotations()["kubernetes.io/service-account.name"] == p.Object.Name
	})
}

// certainly is how far it is proven that nothing uses something: custom resources that were not read may name it.
func certainly(p *rule.Pass) rule.Certainty {
	if p.Files {
		return rule.Likely
	}
	return rule.Possible
}
