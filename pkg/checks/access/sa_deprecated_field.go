package access

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// SADeprecatedField finds the old name of serviceAccountName.
var SADeprecatedField = rule.Check{
	ID: "sa-deprecated-field", Title: "the old field serviceAccount", Doc: rule.ReadDoc(docs, "sa_deprecated_field.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			old, name := t.Spec.DeprecatedServiceAccount, t.Spec.ServiceAccountName
			if old == "" || old == name { // the API server fills in the one from the other
				continue
			}
			at := t.SpecPath().Child("serviceAccount")
			f := rule.Finding{Field: at, Value: old, Label: "now serviceAccountName", Message: fmt.Sprintf("serviceAccount %q stands in a field that is only there for old manifests", old)}
			fix := rule.Fix{Title: "write serviceAccountName instead", Applicability: rule.Safe, Patch: p.Drop(at)}
			if name == "" {
				fix.Patch = fix.Patch.And(p.Put(t.SpecPath().Child("serviceAccountName"), old))
			} else {
				f.Severity, f.Label = rule.Low, "nobody reads it"
				f.Message = fmt.Sprintf("serviceAccount %q is not used: serviceAccountName %q counts", old, name)
				f.Marks = []rule.Mark{{Field: t.SpecPath().Child("serviceAccountName"), Label: "counts"}}
				fix.Title, fix.Applicability, fix.Caution = "leave serviceAccount out", rule.NeedsThought, "one of the two names is a mistake: which, only you know"
			}
			p.Report(f).WithFix(fix)
		}
	},
	Peers: map[string][]string{"kube-linter": {"deprecated-service-account-field"}, "kubescape": {"deprecated-service-account-field"}},
}
