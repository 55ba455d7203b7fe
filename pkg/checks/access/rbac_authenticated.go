package access

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RBACAuthenticated finds rights for groups that everybody is in.
var RBACAuthenticated = rule.Check{
	ID: "rbac-authenticated", Title: "gives rights to everybody", Doc: rule.ReadDoc(docs, "rbac_authenticated.md"),
	Dimension: rule.Security, Severity: rule.High, On: bindings,
	Applies: madeByUser,
	Run: func(p *rule.Pass) {
		b := rbac(p.Snapshot).bindings[p.Object]
		for i, s := range b.subjects {
			if !everybody(s) {
				continue
			}
			most, known, gives := powerOf(p, b)
			if !known {
				if gives && p.Files {
					p.Unresolved(field.NewPath("roleRef", "name"), b.to())
				}
				return
			}
			wide := b.everywhere() || knowledge.SystemNamespace(b.Namespace)
			severity := most.severity(rule.Medium, rule.Low, "", "")
			switch {
			case wide:
				severity = most.severity(rule.Critical, rule.High, rule.Low, "")
			case s.Name != "system:serviceaccounts:"+b.Namespace:
				severity = most.severity(rule.High, rule.Medium, "", "")
			}
			if severity == "" {
				return
			}
			whom := "everybody who can log in, every pod too,"
			if s.Name == "system:serviceaccounts" {
				whom = "every pod of the cluster"
			} else if ns, ok := strings.CutPrefix(s.Name, "system:serviceaccounts:"); ok {
				whom = "every pod of namespace " + ns
			}
			at := field.NewPath("subjects").Index(i)
			f := rule.Finding{Field: at.Child("name"), Value: s.Name, Severity: severity, Label: whom, Message: fmt.Sprintf("%s gets %s", whom, b.gives(most, known))}
			f.Label = strings.TrimSuffix(f.Label, ",")
			p.Report(f).WithFix(withoutSubject(p, at, "who needs the right has to be named first, by a group or serviceaccount of its own"))
			return
		}
	},
	Peers: map[string][]string{"kubescape": {"system-authenticated-allowed-to-take-over-cluster"}},
}
