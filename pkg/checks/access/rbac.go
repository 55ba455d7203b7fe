package access

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// bindings and rolesAndBindings are what checks of rights look at.
var (
	bindings         = rule.Kinds(snapshot.RoleBindingKind, snapshot.ClusterRoleBindingKind)
	roles            = rule.Kinds(snapshot.RoleKind, snapshot.ClusterRoleKind)
	rolesAndBindings = rule.Kinds(snapshot.RoleKind, snapshot.ClusterRoleKind, snapshot.RoleBindingKind, snapshot.ClusterRoleBindingKind)
)

// world is who may do what, of the whole snapshot.
type world struct {
	roles    map[snapshot.Ref]*role
	bindings map[*snapshot.Object]*binding
	byRole   map[snapshot.Ref][]*binding
	accounts map[account][]*binding
	groups   map[string][]*binding
}

// account is a ServiceAccount.
type account struct{ namespace, name string }

// role is a Role or ClusterRole of the snapshot.
type role struct {
	*snapshot.Object
	rules []given
	parts bool // a ClusterRole whose rules are those of others
	of    []*role
}

// given is one rule, and where it stands: an aggregated ClusterRole takes those of others.
type given struct {
	*rbacv1.PolicyRule
	in *snapshot.Object
	at *field.Path
}

// binding is a RoleBinding or ClusterRoleBinding.
type binding struct {
	*snapshot.Object
	ref      rbacv1.RoleRef
	subjects []rbacv1.Subject
	role     *role // nil where the snapshot does not have it
}

type worldKey struct{}

// rbac resolves roles and bindings once.
func rbac(s *snapshot.Snapshot) *world {
	return snapshot.Derived(s, worldKey{}, func() *world {
		w := &world{
			roles: map[snapshot.Ref]*role{}, bindings: map[*snapshot.Object]*binding{}, byRole: map[snapshot.Ref][]*binding{},
			accounts: map[account][]*binding{}, groups: map[string][]*binding{},
		}
		w.addRoles(s)
		for _, gk := range []schema.GroupKind{snapshot.ClusterRoleBindingKind, snapshot.RoleBindingKind} {
			for _, o := range s.List(gk, "") {
				w.addBinding(o)
			}
		}
		return w
	})
}

func (w *world) addRoles(s *snapshot.Snapshot) {
	var aggregated []*role
	list := slices.Concat(s.List(snapshot.ClusterRoleKind, ""), s.List(snapshot.RoleKind, ""))
	for _, o := range list {
		r := &role{Object: o}
		switch t := o.Typed.(type) {
		case *rbacv1.Role:
			r.take(o, t.Rules)
		case *rbacv1.ClusterRole:
			r.take(o, t.Rules)
			if t.AggregationRule != nil {
				r.parts = true
				aggregated = append(aggregated, r)
			}
		default:
			continue
		}
		w.roles[o.Key()] = r
	}
	for _, r := range aggregated {
		t, ok := r.Typed.(*rbacv1.ClusterRole)
		if !ok {
			continue
		}
		own := r.rules
		r.rules = nil
		for _, o := range s.List(snapshot.ClusterRoleKind, "") {
			part := w.roles[o.Key()]
			if part == nil || part == r || part.parts || !selectedBy(t.AggregationRule, o) {
				continue
			}
			r.rules = append(r.rules, part.rules...)
			part.of = append(part.of, r)
		}
		if len(r.rules) == 0 { // the controller has filled them in, and the parts were not read
			r.rules = own
		}
	}
}

func (r *role) take(o *snapshot.Object, rules []rbacv1.PolicyRule) {
	path := field.NewPath("rules")
	for i := range rules {
		r.rules = append(r.rules, given{&rules[i], o, path.Index(i)})
	}
}

func selectedBy(a *rbacv1.AggregationRule, o *snapshot.Object) bool {
	for i := range a.ClusterRoleSelectors {
		if sel, err := snapshot.SelectorOf(&a.ClusterRoleSelectors[i]); err == nil && sel.Matches(labels.Set(o.Meta.GetLabels())) {
			return true
		}
	}
	return false
}

func (w *world) addBinding(o *snapshot.Object) {
	b := &binding{Object: o}
	switch t := o.Typed.(type) {
	case *rbacv1.RoleBinding:
		b.ref, b.subjects = t.RoleRef, t.Subjects
	case *rbacv1.ClusterRoleBinding:
		b.ref, b.subjects = t.RoleRef, t.Subjects
	default:
		w.addUnfit(o, b)
		return
	}
	to := b.to()
	b.role = w.roles[to.Key()]
	w.bindings[o] = b
	w.byRole[to.Key()] = append(w.byRole[to.Key()], b)
	for _, s := range b.subjects {
		switch s.Kind {
		case rbacv1.ServiceAccountKind:
			a := account{s.Namespace, s.Name}
			if a.namespace == "" {
				a.namespace = o.Namespace
			}
			w.accounts[a] = append(w.accounts[a], b)
		case rbacv1.GroupKind:
			w.groups[s.Name] = append(w.groups[s.Name], b)
		case rbacv1.UserKind:
			if rest, ok := strings.CutPrefix(s.Name, "system:serviceaccount:"); ok {
				if ns, name, ok := strings.Cut(rest, ":"); ok {
					w.accounts[account{ns, name}] = append(w.accounts[account{ns, name}], b)
				}
			}
		}
	}
}

// addUnfit takes the subjects of a binding in a version that is gone: whoever wrote it means to give them something.
func (w *world) addUnfit(o *snapshot.Object, b *binding) {
	subjects, _ := o.At("subjects")
	for _, subject := range snapshot.MapsIn(subjects) {
		name := snapshot.TextIn(subject, "name")
		if snapshot.TextIn(subject, "kind") != rbacv1.ServiceAccountKind || name == "" {
			continue
		}
		a := account{o.Namespace, name}
		if ns := snapshot.TextIn(subject, "namespace"); ns != "" {
			a.namespace = ns
		}
		w.accounts[a] = append(w.accounts[a], b)
	}
}

// anywhere are the bindings of the ServiceAccounts of a name in any namespace: for what a manifest puts into none, since
// who applies it decides, while a ClusterRoleBinding beside it has to name one.
func (w *world) anywhere(name string) []*binding {
	var list []*binding
	for a, bindings := range w.accounts {
		if a.name == name {
			list = append(list, bindings...)
		}
	}
	return list
}

// to is the role that the binding gives.
func (b *binding) to() snapshot.Ref {
	ref := snapshot.Ref{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: b.ref.Kind, Name: b.ref.Name}
	if b.ref.Kind == "Role" {
		ref.Namespace = b.Namespace
	}
	return ref
}

// everywhere tells whether the binding reaches all namespaces, and what has none.
func (b *binding) everywhere() bool { return b.GroupKind() == snapshot.ClusterRoleBindingKind }

// of are the bindings of a ServiceAccount, by its own name and by the groups of its namespace and of all.
func (w *world) of(a account) []*binding {
	list := slices.Clone(w.accounts[a])
	if a.namespace != "" { // kustomize and the like fill in the namespace that a ClusterRoleBinding's subject needs
		list = append(list, w.accounts[account{name: a.name}]...)
	}
	for _, g := range []string{"system:serviceaccounts:" + a.namespace, "system:serviceaccounts", "system:authenticated"} {
		for _, b := range w.groups[g] {
			if !ours(b.Object) {
				list = append(list, b)
			}
		}
	}
	return slices.DeleteFunc(list, func(b *binding) bool { return !b.everywhere() && b.Namespace == "" })
}

// The names that Kubernetes, kubeadm and the services that run clusters give to what they make for themselves.
var made = []string{"system:", "kubeadm:", "eks:", "gce:", "gke:", "aks-", "openshift-"}

// ours tells whether Kubernetes itself, or who runs its control plane, made a role or binding: nobody else can
// change it, and what starts it anew puts it back.
func ours(o *snapshot.Object) bool {
	if o.Meta.GetLabels()["kubernetes.io/bootstrapping"] == "rbac-defaults" {
		return true
	}
	for i, prefix := range made {
		if i > 0 && o.Origin != nil { // in a file of the user's it is only a name
			break
		}
		if strings.HasPrefix(o.Name, prefix) {
			return true
		}
	}
	return false
}

// userFacing are the ClusterRoles that every cluster has, for people.
// Source: k8s.io/kubernetes, plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
var userFacing = []string{"cluster-admin", "admin", "edit", "view"}

// builtIn is the name of the user-facing ClusterRole that the binding gives, or "".
func (b *binding) builtIn() string {
	if b.ref.Kind == "ClusterRole" && slices.Contains(userFacing, b.ref.Name) {
		return b.ref.Name
	}
	return ""
}

// crowd tells what groups and users a binding gives its role to that are no one in particular.
func crowd(s rbacv1.Subject) bool { return nobody(s) || everybody(s) }

// nobody tells whether a subject is whoever has not said who he is.
func nobody(s rbacv1.Subject) bool {
	return s.Kind == rbacv1.UserKind && s.Name == "system:anonymous" || s.Kind == rbacv1.GroupKind && s.Name == "system:unauthenticated"
}

// everybody tells whether a subject is all who have logged in, or the programs of all pods or of a namespace.
func everybody(s rbacv1.Subject) bool {
	if s.Kind != rbacv1.GroupKind {
		return false
	}
	return s.Name == "system:authenticated" || s.Name == "system:serviceaccounts" || strings.HasPrefix(s.Name, "system:serviceaccounts:")
}

// own tells whether a subject is a part of Kubernetes itself: a component, a node, the group that no rule holds.
func own(s rbacv1.Subject) bool {
	switch s.Kind {
	case rbacv1.UserKind:
		return strings.HasPrefix(s.Name, "system:") && !strings.HasPrefix(s.Name, "system:serviceaccount:")
	case rbacv1.GroupKind:
		return strings.HasPrefix(s.Name, "system:") && !kubelets(s)
	}
	return false
}

// kubelets tells the groups of all nodes, and of machines that are to become nodes: whoever gets onto one of them
// has what they are given.
func kubelets(s rbacv1.Subject) bool {
	return s.Kind == rbacv1.GroupKind && (s.Name == "system:nodes" || s.Name == "system:bootstrappers" || strings.HasPrefix(s.Name, "system:bootstrappers:"))
}

// plain are the subjects that are someone in particular, and no part of Kubernetes.
func (b *binding) plain() []rbacv1.Subject {
	var list []rbacv1.Subject
	for _, s := range b.subjects {
		if !crowd(s) && !own(s) {
			list = append(list, s)
		}
	}
	return list
}

// programs tells whether any of the subjects is a ServiceAccount or a node: what runs in a pod can be taken over
// with it, and so can a machine.
func programs(list []rbacv1.Subject) bool {
	return slices.ContainsFunc(list, func(s rbacv1.Subject) bool {
		return s.Kind == rbacv1.ServiceAccountKind || kubelets(s) || strings.HasPrefix(s.Name, "system:serviceaccount:")
	})
}

// inSystem tells whether all subjects are ServiceAccounts of the namespaces of Kubernetes itself.
func inSystem(list []rbacv1.Subject) bool {
	return !slices.ContainsFunc(list, func(s rbacv1.Subject) bool {
		return s.Kind != rbacv1.ServiceAccountKind || !knowledge.SystemNamespace(s.Namespace)
	})
}

// who words subjects: "serviceaccount ops/runner and 2 more".
func who(list []rbacv1.Subject, namespace string) string {
	if len(list) == 0 {
		return "nobody"
	}
	s := list[0]
	text := ""
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		if s.Namespace != "" {
			namespace = s.Namespace
		}
		text = "serviceaccount " + strings.TrimPrefix(namespace+"/"+s.Name, "/")
	default:
		text = fmt.Sprintf("%s %q", strings.ToLower(s.Kind), s.Name)
		if name, ok := strings.CutPrefix(s.Name, "system:serviceaccount:"); ok && s.Kind == rbacv1.UserKind {
			text = "serviceaccount " + strings.Replace(name, ":", "/", 1)
		}
	}
	if len(list) > 1 {
		text += fmt.Sprintf(" and %d more", len(list)-1)
	}
	return text
}

// verbs that change what is there.
var writes = []string{"create", "update", "patch", "delete", "deletecollection"}

// may tells whether the rule has one of the verbs.
func (g given) may(verbs ...string) bool {
	return slices.Contains(g.Verbs, rbacv1.VerbAll) || slices.ContainsFunc(verbs, func(v string) bool { return slices.Contains(g.Verbs, v) })
}

// group tells whether the rule is for an API group.
func (g given) group(name string) bool {
	return slices.Contains(g.APIGroups, rbacv1.APIGroupAll) || slices.Contains(g.APIGroups, name)
}

// broad tells whether the rule is for every resource of the core group: that is a fact of its own, and holds
// all others in it.
func (g given) broad() bool { return g.group("") && slices.Contains(g.Resources, rbacv1.ResourceAll) }

// full tells whether the rule allows everything.
func (g given) full() bool {
	return slices.Contains(g.APIGroups, rbacv1.APIGroupAll) && slices.Contains(g.Resources, rbacv1.ResourceAll) &&
		slices.Contains(g.Verbs, rbacv1.VerbAll) && len(g.ResourceNames) == 0
}

// resource is where the rule names a resource of a group, as "pods" or "pods/exec"; -1 where it does not.
func (g given) resource(group, name string) int {
	if !g.group(group) {
		return -1
	}
	_, sub, _ := strings.Cut(name, "/")
	return slices.IndexFunc(g.Resources, func(r string) bool {
		return r == name || r == rbacv1.ResourceAll || sub != "" && r == "*/"+sub
	})
}

// full tells whether a role allows everything.
func (r *role) full() bool { return slices.ContainsFunc(r.rules, given.full) }
