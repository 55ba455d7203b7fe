package access

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RBACAnonymous finds bindings for whoever has not logged in.
var RBACAnonymous = rule.Check{
	ID: "rbac-anonymous", Title: "gives rights to who has not logged in", Doc: rule.ReadDoc(docs, "rbac_anonymous.md"),
	Dimension: rule.Security, Severity: rule.Critical, On: bindings,
	Applies: madeByUser,
	Run: func(p *rule.Pass) {
		b := rbac(p.Snapshot).bindings[p.Object]
		if !slices.ContainsFunc(b.subjects, nobody) {
			return
		}
		most, known, gives := powerOf(p, b)
		if !gives {
			return
		}
		severity := most.severity(rule.Critical, rule.Critical, rule.High, rule.Low)
		if !known {
			severity = rule.High
		}
		if severity == rule.Critical && !b.everywhere() && !knowledge.SystemNamespace(b.Namespace) {
			severity = rule.High
		}
		for i, s := range b.subjects {
			if !nobody(s) {
				continue
			}
			at := field.NewPath("subjects").Index(i)
			f := rule.Finding{
				Field: at.Child("name"), Value: s.Name, Severity: severity, Label: "whoever reaches the API server",
				Message: fmt.Sprintf("who has not logged in gets %s", b.gives(most, known)),
			}
			p.Report(f).WithFix(withoutSubject(p, at, "who asks without logging in is refused from then on: health checks of load balancers and nodes that join may do so"))
			return
		}
	},
	Peers: map[string][]string{"kubesec": {"BindingsToSystemAnonymous"}, "kubescape": {"anonymous-access-enabled"}},
}

// madeByUser tells whether the binding of a Pass is one that somebody made who can change it.
func madeByUser(p *rule.Pass) bool {
	b := rbac(p.Snapshot).bindings[p.Object]
	return b != nil && !ours(b.Object)
}

// withoutSubject takes somebody out of a binding.
func withoutSubject(p *rule.Pass, at *field.Path, caution string) rule.Fix {
	patch := p.Drop(at)
	return rule.Fix{Title: "take the subject out of the binding", Applicability: rule.NeedsThought, Caution: caution, Patch: patch, Command: p.Live(patch)}
}
