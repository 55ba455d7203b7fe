package access

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RBACMissingRef finds bindings that give what does not exist, or to a ServiceAccount that does not.
var RBACMissingRef = rule.Check{
	ID: "rbac-missing-ref", Title: "binding of something that is not there", Doc: rule.ReadDoc(docs, "rbac_missing_ref.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: bindings,
	Applies: madeByUser,
	Run: func(p *rule.Pass) {
		b := rbac(p.Snapshot).bindings[p.Object]
		if b.role == nil && b.builtIn() == "" && slices.Contains([]string{"Role", "ClusterRole"}, b.ref.Kind) && !bootstrapped(b.to()) {
			if a := p.Absent(field.NewPath("roleRef", "name"), b.to()); a != nil {
				f := a.Finding("%s %s: the binding gives %s nothing", a.Ref, a.Where, who(b.subjects, b.Namespace))
				fix := a.Fix(p, "name", "name a role that exists, or create it")
				fix.Command = nil // a server lets nobody change the role of a binding
				if !p.Files {
					fix.Patch, fix.Caution = nil, "the role of a binding cannot be changed: it is deleted and made anew"
				}
				p.Report(f).WithFix(fix)
			}
		}
		for i, s := range b.subjects {
			ref := snapshot.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: s.Namespace, Name: s.Name}
			if ref.Namespace == "" {
				ref.Namespace = b.Namespace
			}
			if s.Kind == rbacv1.ServiceAccountKind && ref.Namespace == "" && p.Files {
				reportNowhere(p, i, s.Name)
			}
			if s.Kind != rbacv1.ServiceAccountKind || s.Name == "default" || ref.Namespace == "" {
				continue
			}
			at := field.NewPath("subjects").Index(i).Child("name")
			if a := p.Absent(at, ref); a != nil {
				f := a.Finding("%s in namespace %s %s: the rights wait for whoever creates it", a.Ref, ref.Namespace, a.Where)
				f.Severity = rule.Low
				p.Report(f).WithFix(a.Fix(p, "name", "name the serviceaccount that is meant, or take the subject out"))
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1300"}},
}

// bootstrapped tells a role that every API server makes for itself.
// Source: k8s.io/kubernetes, plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
func bootstrapped(role snapshot.Ref) bool {
	return strings.HasPrefix(role.Name, "system:") || role.Namespace == "kube-system" && role.Name == "extension-apiserver-authentication-reader"
}

// reportNowhere is for a subject of a ClusterRoleBinding that could be in any namespace. It is likely only: kustomize
// fills in the namespace of ServiceAccounts that it puts into one.
// Source: k8s.io/kubernetes, pkg/apis/rbac/validation, ValidateRoleBindingSubject.
func reportNowhere(p *rule.Pass, i int, name string) {
	at := field.NewPath("subjects").Index(i).Child("namespace")
	p.Report(rule.Finding{
		Field: at, Certainty: rule.Likely, Label: "no namespace",
		Message: fmt.Sprintf("serviceaccount/%s is named without a namespace: the API refuses such a binding, unless something fills it in on the way", name),
	}).WithFix(rule.Fix{
		Title: "name the namespace of the serviceaccount", Applicability: rule.Placeholders,
		Caution: "who may create a serviceaccount of that name there gets the rights",
		Patch:   p.Put(at, "<NAMESPACE>"), YAML: "subjects:\n- kind: ServiceAccount\n  name: " + name + "\n  namespace: <NAMESPACE>\n",
	})
}
