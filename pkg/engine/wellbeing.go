package engine

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What Wellbeing counts, as if checks of these names had.
const (
	RuleUnhealthy   = "unhealthy"   // is not as it should be now
	RuleUnexplained = "unexplained" // is not, and no cause says why
)

// Wellbeing counts how the objects do that people look at: workloads, Services, claims. broken are the findings of
// causes on them.
func (e *Engine) Wellbeing(s *snapshot.Snapshot, broken []*rule.Finding, keep func(*snapshot.Object) bool) []*Tally {
	explained := map[snapshot.Ref]bool{}
	for _, f := range broken {
		if f.Certainty == rule.Possible {
			continue
		}
		for _, ref := range append([]snapshot.Ref{f.Object, f.Seen}, f.Pods...) {
			explained[ref.Key()] = true
			if o, _ := s.Lookup(ref.GroupKind(), ref.Namespace, ref.Name); o != nil {
				explained[s.TopOwner(o).Key()] = true
			}
		}
	}
	counts := tallies{}
	for _, o := range s.All() {
		if o.Meta.GetDeletionTimestamp() != nil || keep != nil && !keep(o) {
			continue
		}
		workload := rule.Workloads.Matches(s, o)
		if !workload && !isServing(o) && o.GroupKind() != snapshot.PVCKind {
			continue
		}
		h := HealthOf(s, o)
		counts.of(&rule.Check{ID: RuleUnhealthy}, o.Namespace).count(o, h, h.State == Unhealthy)
		if workload { // a Service or claim waits for them, and is explained by what explains them
			counts.of(&rule.Check{ID: RuleUnexplained}, o.Namespace).count(o, h, h.State == Unhealthy && !explained[o.Key()])
		}
	}
	return counts.sorted()
}

// isServing tells a Service that leads to pods by their labels. Where others lead, somebody keeps by hand.
func isServing(o *snapshot.Object) bool {
	svc, ok := o.Typed.(*corev1.Service)
	return ok && len(svc.Spec.Selector) > 0
}

func (t *Tally) count(o *snapshot.Object, h Health, fails bool) {
	switch {
	case h.State == Unknown:
		t.Unknown = append(t.Unknown, Unjudged{o.Ref, h.Text})
	case fails:
		t.Fail = append(t.Fail, o)
	default:
		t.Pass++
		t.Passed = append(t.Passed, o)
	}
}

// Served tells whether a Service leads to a workload.
func (e *Engine) Served(s *snapshot.Snapshot, ref snapshot.Ref) bool {
	o, _ := s.Lookup(ref.GroupKind(), ref.Namespace, ref.Name)
	return o != nil && slices.ContainsFunc(o.Templates, func(t snapshot.Template) bool { return len(s.ServicesOf(o, t)) > 0 })
}

// workloadKinds are those of Kubernetes that have a pod template, or are one.
var workloadKinds = []schema.GroupKind{
	snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.CronJobKind, snapshot.JobKind, snapshot.PodKind,
}

// Unread tells why not all objects are known that a check looks at, or of them those of some kinds: the verdicts on
// those that are known are not the whole. It is "" where they are.
func (e *Engine) Unread(s *snapshot.Snapshot, check, namespace string, only []string) string {
	kinds := workloadKinds
	switch check {
	case RuleUnexplained:
	case RuleUnhealthy:
		kinds = append(slices.Clone(kinds), snapshot.ServiceKind, snapshot.PVCKind)
	default:
		i := slices.IndexFunc(e.Checks, func(c *rule.Check) bool { return c.ID == check })
		if i < 0 {
			return "there is no such check"
		}
		if named := e.Checks[i].On.Named(); len(named) > 0 {
			kinds = named
		}
	}
	for _, gk := range kinds {
		if len(only) > 0 && !slices.Contains(only, gk.Kind) {
			continue
		}
		if out := s.ListOutcome(gk, namespace); out.State == snapshot.Blind {
			return gk.Kind + ": " + out.Reason
		}
	}
	return ""
}
