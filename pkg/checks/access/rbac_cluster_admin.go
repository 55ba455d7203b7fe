package access

import (
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RBACClusterAdmin finds bindings that give everything.
var RBACClusterAdmin = rule.Check{
	ID: "rbac-cluster-admin", Title: "binding that gives every right", Doc: rule.ReadDoc(docs, "rbac_cluster_admin.md"),
	Dimension: rule.Security, Severity: rule.High, On: bindings,
	Applies: func(p *rule.Pass) bool { return givenByUser(p) != nil },
	Run: func(p *rule.Pass) {
		b := givenByUser(p)
		if saidUnread(p) {
			return
		}
		everything, whole := b.everything()
		if !everything {
			return
		}
		subjects := slices.Clone(b.plain())
		slices.SortStableFunc(subjects, func(x, y rbacv1.Subject) int { // what costs most comes first
			return rank(programs([]rbacv1.Subject{x})) - rank(programs([]rbacv1.Subject{y}))
		})
		f := rule.Finding{Field: field.NewPath("roleRef", "name"), Value: b.ref.Name, Severity: b.costOfAll(whole, subjects)}
		switch {
		case !whole:
			f.Label = "its pods may take the account of any controller in kube-system"
			where := "every namespace, kube-system too"
			if !b.everywhere() {
				where = "namespace " + b.Namespace
			}
			f.Message = fmt.Sprintf("%s has %q in %s, and so can take over the cluster", who(subjects, b.Namespace), b.ref.Name, where)
		case b.everywhere():
			f.Label = "everything, everywhere"
			f.Message = fmt.Sprintf("%s may do everything in the cluster", who(subjects, b.Namespace))
		default:
			f.Label = "everything in the namespace"
			f.Message = fmt.Sprintf("%s may do everything in namespace %s", who(subjects, b.Namespace), b.Namespace)
		}
		for i, s := range b.subjects {
			if !crowd(s) && !own(s) && len(f.Marks) < marked {
				f.Marks = append(f.Marks, rule.Mark{Field: field.NewPath("subjects").Index(i).Child("name"), Label: "has it"})
			}
		}
		if b.builtIn() == "" {
			f.Message += fmt.Sprintf(": %s allows * on * of *", b.to())
		}
		if slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Kind == rbacv1.ServiceAccountKind && s.Name == "default" }) {
			f.Message += "; every pod that names no serviceaccount runs as default"
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "bind a role that has what it asks the API for, and no more", Applicability: rule.NeedsThought,
			Caution: "the role of a binding cannot be changed: a new binding comes first, then this one goes; the audit log of the cluster tells what is asked for",
			YAML:    "rules:\n- apiGroups: [<GROUP>]\n  resources: [<RESOURCE>]\n  verbs: [get, list, watch]\n",
		})
	},
	Peers: map[string][]string{
		"polaris":     {"clusterrolebindingClusterAdmin", "rolebindingClusterAdminClusterRole", "rolebindingClusterAdminRole"},
		"kube-linter": {"cluster-admin-role-binding"},
		"kubescape":   {"cluster-admin-role", "rule-list-all-cluster-admins-v1"},
	},
}

// marked is how many of the subjects are drawn.
const marked = 3

func rank(program bool) int {
	if program {
		return 0
	}
	return 1
}

// givenByUser is the binding of a Pass where somebody made it who can change it, and where it is for somebody in
// particular; nil otherwise.
func givenByUser(p *rule.Pass) *binding {
	b := rbac(p.Snapshot).bindings[p.Object]
	if b == nil || ours(b.Object) {
		return nil
	}
	if subjects := b.plain(); len(subjects) == 0 || !p.Files && (knowledge.SystemNamespace(b.Namespace) || inSystem(subjects)) {
		return nil
	}
	return b
}

// everything tells whether a binding gives everything where it reaches; whole is false for the rights over all
// namespaces from which the rest can be taken.
func (b *binding) everything() (yes, whole bool) {
	if b.builtIn() == "cluster-admin" || b.role != nil && b.builtIn() == "" && b.role.full() {
		return true, true
	}
	return (b.everywhere() || b.Namespace == "kube-system") && (b.builtIn() == "admin" || b.builtIn() == "edit"), false
}

// costOfAll is what it costs that somebody has everything. People who keep a cluster have to.
func (b *binding) costOfAll(whole bool, subjects []rbacv1.Subject) rule.Severity {
	program := programs(subjects)
	switch {
	case (b.everywhere() || knowledge.SystemNamespace(b.Namespace)) && whole && program:
		return rule.High
	case program:
		return rule.Medium
	case b.everywhere() || knowledge.SystemNamespace(b.Namespace):
		return rule.Low
	}
	return rule.Info
}
