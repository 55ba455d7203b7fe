package report

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Reader is the role of whoever may read what all rules ask for, and nothing else.
type Reader struct {
	Rules   []ReaderRule // Kubernetes' own kinds one by one, then those of others by group
	Secrets ReaderRule   // which no role can grant without their values
	View    []string     // resources of it that the built-in role view has, and
	NotView []string     // those of Kubernetes' own that it lacks
}

// ReaderRule is one rule of the role, and what is lost without it.
type ReaderRule struct {
	Group     string
	Resources []string
	Own       bool     // Kubernetes' own
	Checks    []string // that look at such objects, or need them for a verdict
	Causes    []string // that look at such objects
	Gates     []string // of the model, which count those checks
}

// ReaderInput is what a Reader is made of.
type ReaderInput struct {
	Checks   []*rule.Check
	Causes   []*rule.Cause
	Model    *model.Model
	Kinds    []schema.GroupKind // that are read besides those that rules name
	Own      func(schema.GroupKind) bool
	Resource func(schema.GroupKind) schema.GroupResource
}

// workloadKinds are Kubernetes' own kinds with a pod template.
var workloadKinds = []schema.GroupKind{
	snapshot.PodKind, snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind,
	snapshot.JobKind, snapshot.CronJobKind, snapshot.RCKind,
}

// NewReader is the role for some rules.
func NewReader(in ReaderInput) *Reader {
	kinds := slices.Clone(in.Kinds)
	for _, c := range in.Checks {
		kinds = append(append(kinds, c.On.Named()...), c.Needs...)
	}
	for _, c := range in.Causes {
		kinds = append(kinds, c.On.Named()...)
	}
	r := &Reader{}
	byGroup := map[string]int{} // of others, the place of the rule
	seen := map[schema.GroupResource]bool{}
	for _, gk := range kinds {
		res := in.Resource(gk)
		if gk == snapshot.ClusterKind || gk == snapshot.APIGroupKind || seen[res] && res.Resource != "*" {
			continue // the first two are none
		}
		one := ReaderRule{Group: res.Group, Resources: []string{res.Resource}, Own: in.Own(gk)}
		if gk == snapshot.ReleaseKind { // which Helm keeps in Secrets
			one = ReaderRule{Own: true}
		}
		one.lost(in, gk)
		i, grouped := byGroup[res.Group]
		switch {
		case gk == snapshot.SecretKind, gk == snapshot.ReleaseKind:
			r.Secrets.Group, r.Secrets.Own = one.Group, one.Own
			r.Secrets.add(one)
		case !one.Own && grouped:
			r.Rules[i].add(one)
		default:
			if !one.Own {
				byGroup[res.Group] = len(r.Rules)
			}
			r.Rules = append(r.Rules, one)
		}
		seen[res] = true
	}
	slices.SortStableFunc(r.Rules, func(a, b ReaderRule) int {
		return cmp.Or(-cmp.Compare(order(a.Own), order(b.Own)), strings.Compare(a.Group, b.Group), strings.Compare(a.Resources[0], b.Resources[0]))
	})
	for i := range r.Rules {
		one := &r.Rules[i]
		slices.Sort(one.Resources)
		one.Resources = slices.Compact(one.Resources)
		switch {
		case knowledge.InView(one.Group, one.Resources[0]):
			r.View = append(r.View, one.Resources[0])
		case one.Own:
			r.NotView = append(r.NotView, one.Resources[0])
		}
	}
	return r
}

func order(own bool) int {
	if own {
		return 1
	}
	return 0
}

// lost finds what there is no verdict of without objects of a kind. What looks at everything loses nothing else.
func (r *ReaderRule) lost(in ReaderInput, gk schema.GroupKind) {
	looks := func(on rule.On) bool {
		everything := on.LooksAt(schema.GroupKind{}, false)
		return !everything && on.LooksAt(gk, slices.Contains(workloadKinds, gk))
	}
	for _, c := range in.Checks {
		if looks(c.On) || slices.Contains(c.Needs, gk) {
			r.Checks = append(r.Checks, c.ID)
		}
	}
	for _, c := range in.Causes {
		if looks(c.On) {
			r.Causes = append(r.Causes, c.ID)
		}
	}
	for _, g := range in.Model.Gates {
		if slices.ContainsFunc(g.Checks, func(id string) bool { return slices.Contains(r.Checks, id) }) {
			r.Gates = append(r.Gates, g.ID)
		}
	}
	slices.Sort(r.Checks)
	slices.Sort(r.Causes)
}

// add takes in a rule of the same group.
func (r *ReaderRule) add(other ReaderRule) {
	join := func(list *[]string, more []string) {
		for _, word := range more {
			if !slices.Contains(*list, word) {
				*list = append(*list, word)
			}
		}
		slices.Sort(*list)
	}
	join(&r.Resources, other.Resources)
	join(&r.Checks, other.Checks)
	join(&r.Causes, other.Causes)
	join(&r.Gates, other.Gates)
}
