package access

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// right is one thing that rules of a role may allow.
type right struct {
	of      []resource
	cluster bool                                      // counts only where it is given for the whole cluster: what it is about has no namespace
	named   func(given) bool                          // tells whether a rule that is for some names only counts; nil: it does not
	exact   bool                                      // resources: ["*"] does not count: rbac-wildcard says as much of it
	when    func(hold) bool                           // nil: always
	says    func(names []string, place string) string // after "may"
	cost    cost
	fix     string // what to do instead
}

// resource is what a rule must name, and with which verbs.
type resource struct {
	group, name string
	verbs       []string
	unless      []string // with these verbs it is another right
}

// cost is what a right can cost: given to programs or only to people, for all namespaces or for one. Where it
// is "" nothing is said.
type cost struct{ programs, people, programsInside, peopleInside rule.Severity }

// hold is a role as somebody has it.
type hold struct {
	role       *role
	binding    *binding // nil: nobody that the snapshot has
	subjects   []rbacv1.Subject
	everywhere bool
	namespace  string
	others     int // further bindings that give the role
}

// holds is what the object of a Pass gives to somebody: of a binding its role, of a role that nothing binds
// itself, where the binding may be in the cluster. What is said of the bindings is not said of the role once
// more, and of a role that allows everything no single right.
func holds(p *rule.Pass) (hold, bool) {
	h, ok := holdsAny(p)
	return h, ok && !h.role.full()
}

// holdsAny is holds for roles that allow everything too.
func holdsAny(p *rule.Pass) (hold, bool) {
	w := rbac(p.Snapshot)
	if b := w.bindings[p.Object]; b != nil {
		h := hold{role: b.role, binding: b, subjects: slices.DeleteFunc(b.plain(), kubelets), everywhere: b.everywhere(), namespace: b.Namespace}
		switch {
		case ours(b.Object) || b.role == nil || ours(b.role.Object) || b.builtIn() != "" || len(h.subjects) == 0:
			return hold{}, false
		case !p.Files && (knowledge.SystemNamespace(b.Namespace) || inSystem(h.subjects)):
			return hold{}, false
		}
		h.others = len(w.byRole[b.role.Key()]) - 1
		return h, true
	}
	r := w.roles[p.Object.Key()]
	if !p.Files || p.Closed || r == nil || r.Object != p.Object || ours(r.Object) || r.parts ||
		r.Namespace == "" && slices.Contains(userFacing, r.Name) || w.bound(r) {
		return hold{}, false
	}
	return hold{role: r, everywhere: r.Namespace == "", namespace: r.Namespace}, true
}

// bound tells whether a binding gives the role, or one that it is a part of, to anybody.
func (w *world) bound(r *role) bool {
	return len(w.byRole[r.Key()]) > 0 || slices.ContainsFunc(r.of, func(whole *role) bool { return len(w.byRole[whole.Key()]) > 0 })
}

func isHeld(p *rule.Pass) bool {
	_, ok := holds(p)
	return ok || unread(p) != ""
}

// unread is what keeps a Pass from a verdict on a cluster: the role that the binding gives was not read.
func unread(p *rule.Pass) string {
	b := rbac(p.Snapshot).bindings[p.Object]
	if p.Files || b == nil || b.role != nil || b.builtIn() != "" || ours(p.Object) {
		return ""
	}
	gk := b.to().GroupKind()
	if p.ListRead(gk, b.Namespace) {
		return ""
	}
	return gk.Kind + ": " + p.ListOutcome(gk, b.Namespace).Reason
}

// saidUnread says what keeps the Pass from a verdict, where something does.
func saidUnread(p *rule.Pass) bool {
	why := unread(p)
	if why != "" {
		p.Unknown("%s", why)
	}
	return why != ""
}

// place words where a right counts.
func (h hold) place() string {
	switch {
	case h.binding == nil && h.everywhere:
		return "wherever it is bound"
	case h.everywhere:
		return "of all namespaces"
	}
	return "of namespace " + h.namespace
}

// severity is what a right costs here. The secrets and the pods of kube-system are the cluster's.
func (h hold) severity(c cost) rule.Severity {
	switch {
	case h.binding == nil:
		s := c.programs
		if !h.everywhere {
			s = c.programsInside
		}
		if s.Rank() < rule.Low.Rank() {
			s = rule.Low
		}
		return s
	case h.everywhere || knowledge.SystemNamespace(h.namespace):
		if programs(h.subjects) {
			return c.programs
		}
		return c.people
	case programs(h.subjects):
		return c.programsInside
	}
	return c.peopleInside
}

// says words who has the right, and through what.
func (h hold) says(what string) string {
	if h.binding == nil {
		return "who is bound to it may " + what
	}
	text := fmt.Sprintf("%s may %s, through %s", who(h.subjects, h.namespace), what, h.binding.Ref)
	if h.role.parts {
		text += fmt.Sprintf(" and %s", h.role.Ref)
	}
	if h.others > 0 {
		text += fmt.Sprintf(" (one of %s of the role)", rule.Count(h.others+1, "binding"))
	}
	return text
}

// judgeRights reports each of the rights that the role has, once, where its rules stand.
func judgeRights(rights ...right) func(*rule.Pass) {
	return func(p *rule.Pass) {
		h, ok := holds(p)
		if saidUnread(p) || !ok {
			return
		}
		for i := range rights {
			rights[i].judge(p, h)
		}
	}
}

// hit is a place in a rule that gives a right.
type hit struct {
	given
	entry int
	name  string
}

// find looks for the right in a role.
func (r *right) find(in *role) (hits []hit, names []string) {
	for _, g := range in.rules {
		if g.broad() || len(g.ResourceNames) > 0 && (r.named == nil || !r.named(g)) {
			continue
		}
		for _, of := range r.of {
			entry := g.resource(of.group, of.name)
			if entry < 0 || r.exact && g.Resources[entry] == rbacv1.ResourceAll || !g.may(of.verbs...) || len(of.unless) > 0 && g.may(of.unless...) {
				continue
			}
			if !slices.ContainsFunc(hits, func(have hit) bool { return have.PolicyRule == g.PolicyRule && have.entry == entry }) {
				hits = append(hits, hit{g, entry, of.name})
			}
			if !slices.Contains(names, of.name) {
				names = append(names, of.name)
			}
		}
	}
	return hits, names
}

// everywhereToo tells whether all who have the right in a namespace are serviceaccounts that have it in all of
// them besides: that is said where they get it. Of a cluster only one namespace may be asked for, so it is said
// of both.
func (r *right) everywhereToo(w *world, h hold) bool {
	return !slices.ContainsFunc(h.subjects, func(s rbacv1.Subject) bool {
		a := account{s.Namespace, s.Name}
		if a.namespace == "" {
			a.namespace = h.namespace
		}
		given := w.accounts[a]
		if s.Namespace == "" && nowhere(h.binding.Object) {
			given = w.anywhere(s.Name)
		}
		return s.Kind != rbacv1.ServiceAccountKind || !slices.ContainsFunc(given, func(b *binding) bool {
			if !b.everywhere() || b.role == nil {
				return false
			}
			hits, _ := r.find(b.role)
			return len(hits) > 0 || b.role.full()
		})
	})
}

func (r *right) judge(p *rule.Pass, h hold) {
	severity := h.severity(r.cost)
	if severity == "" || r.cluster && !h.everywhere || r.when != nil && !r.when(h) {
		return
	}
	hits, names := r.find(h.role)
	if len(hits) == 0 || p.Files && !h.everywhere && h.binding != nil && r.everywhereToo(rbac(p.Snapshot), h) {
		return
	}
	first := hits[0]
	f := rule.Finding{
		Object: first.in.Ref, Seen: p.Object.Ref, Field: first.at.Child("resources").Index(first.entry), Value: first.Resources[first.entry],
		Message: h.says(r.says(names, h.place())), Severity: severity, Label: "with " + strings.Join(first.Verbs, ", "),
	}
	for _, other := range hits[1:] {
		if other.in == first.in {
			f.Marks = append(f.Marks, rule.Mark{Field: other.at.Child("resources").Index(other.entry), Label: "and this"})
		}
	}
	fix := rule.Fix{Title: r.fix, Applicability: rule.NeedsThought, Caution: "who uses the right is refused from then on: the audit log of the cluster tells who does"}
	if len(hits) == 1 && first.Resources[first.entry] == first.name && !slices.Contains(first.APIGroups, rbacv1.APIGroupAll) {
		fix.Patch = first.drop(p)
		if !p.Files {
			fix.Command = p.PatchCommand(first.in.Ref, fix.Patch)
		}
	}
	p.Report(f).WithFix(fix)
}

// drop takes the resource out of the rule, and the rule away where it was for nothing else.
func (h hit) drop(p *rule.Pass) *rule.Patch {
	in := rule.NewPass(p.Snapshot, h.in, nil, nil, rule.Sink{})
	if len(h.Resources) == 1 {
		return in.Drop(h.at)
	}
	return in.Drop(h.at.Child("resources").Index(h.entry))
}

// list words a few names: "pods", "pods and jobs", "pods, jobs and cronjobs".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// within is place for what is made there: "in all namespaces".
func within(place string) string {
	if rest, ok := strings.CutPrefix(place, "of "); ok {
		return "in " + rest
	}
	return place
}

// to is the right to something of all pods, or of whatever the words say, in a place.
func to(what string) func([]string, string) string {
	return func(_ []string, place string) string { return what + " " + place }
}
