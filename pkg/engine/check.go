package engine

import (
	"sort"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Tally counts the verdicts of one check in one namespace. Objects that failed or could not be
// judged are named; those that pass are only counted.
type Tally struct {
	Rule          string
	Dimension     rule.Dimension
	Namespace     string
	Pass          int
	Fail          []snapshot.Ref
	Waived        []snapshot.Ref
	Unknown       []Unjudged
	NotApplicable int
}

// Unjudged is an object that a check could not judge, and why.
type Unjudged struct {
	Object snapshot.Ref
	Reason string
}

// Result is what checks found.
type Result struct {
	Findings     []*rule.Finding
	Tallies      []*Tally
	NotEvaluated []NotEvaluated
	Unresolved   []Unresolved
	Objects      int // how many objects were looked at
}

// Unresolved is a name in a field of Object that the input does not contain.
type Unresolved struct {
	Object snapshot.Ref
	Field  *field.Path
	To     snapshot.Ref
}

// Check runs the checks over every object that keep lets through; nil keeps all.
func (e *Engine) Check(s *snapshot.Snapshot, keep func(*snapshot.Object) bool) Result {
	var res Result
	tallies := map[string]*Tally{}
	for _, o := range s.All() {
		if keep != nil && !keep(o) {
			continue
		}
		res.Objects++
		for _, c := range e.Checks {
			if c.On.Matches(s, o) {
				t := tallyOf(tallies, c, o.Namespace)
				e.checkOne(s, o, c, t, &res)
			}
		}
	}
	res.Findings = merge(res.Findings)
	sortFindings(res.Findings)
	for _, t := range tallies {
		res.Tallies = append(res.Tallies, t)
	}
	sort.Slice(res.Tallies, func(i, j int) bool {
		a, b := res.Tallies[i], res.Tallies[j]
		if a.Rule != b.Rule {
			return a.Rule < b.Rule
		}
		return a.Namespace < b.Namespace
	})
	return res
}

func tallyOf(tallies map[string]*Tally, c *rule.Check, namespace string) *Tally {
	key := c.ID + "\x00" + namespace
	t := tallies[key]
	if t == nil {
		t = &Tally{Rule: c.ID, Dimension: c.Dimension, Namespace: namespace}
		tallies[key] = t
	}
	return t
}

func (e *Engine) checkOne(s *snapshot.Snapshot, o *snapshot.Object, c *rule.Check, t *Tally, res *Result) {
	var findings []*rule.Finding
	var unknown []Unjudged
	report := func(f *rule.Finding) { findings = append(findings, f) }
	blind := func(reason string) { unknown = append(unknown, Unjudged{o.Ref, reason}) }
	unresolved := func(path *field.Path, to snapshot.Ref) {
		res.Unresolved = append(res.Unresolved, Unresolved{o.Ref, path, to})
	}
	pass := rule.NewPass(s, o, c, nil, rule.Sink{Report: report, Unknown: blind, Unresolved: unresolved})
	applies, broke := true, false
	guard(c.ID, o, func(n NotEvaluated) {
		broke = true
		res.NotEvaluated = append(res.NotEvaluated, n)
		blind(n.Detail)
	}, func() {
		if c.Applies != nil && !c.Applies(pass) {
			applies = false
			return
		}
		for _, gk := range c.Needs {
			if !s.ListRead(gk, o.Namespace) {
				out := s.ListOutcome(gk, o.Namespace)
				blind(gk.Kind + ": " + out.Reason)
				return
			}
		}
		c.Run(pass)
	})
	switch {
	case !applies && !broke:
		t.NotApplicable++
	case len(findings) > 0:
		t.Fail = append(t.Fail, o.Ref)
		res.Findings = append(res.Findings, findings...)
	case len(unknown) > 0:
		t.Unknown = append(t.Unknown, unknown[0])
		if !broke {
			res.NotEvaluated = append(res.NotEvaluated, NotEvaluated{Rule: c.ID, Object: o.Ref, Reason: snapshot.ReasonUnavailable, Detail: unknown[0].Reason})
		}
	default:
		t.Pass++
	}
}

// Broken judges with the causes what is broken now, on what lists alone tell: no want is granted
// for a single object, so what is not proven by status is at most likely, and marked as deferred.
func (e *Engine) Broken(s *snapshot.Snapshot, keep func(*snapshot.Object) bool) ([]*rule.Finding, []NotEvaluated) {
	var findings []*rule.Finding
	var failed []NotEvaluated
	for _, o := range s.All() {
		if keep != nil && !keep(o) || well(s, o) {
			continue
		}
		for _, cause := range e.Causes {
			if cause.History || !cause.On.Matches(s, o) {
				continue
			}
			fs, fail := runCause(s, o, cause)
			if cause.Wants != nil {
				pass := rule.NewPass(s, o, nil, cause, rule.Sink{})
				deferred := false
				guard(cause.ID, o, func(NotEvaluated) {}, func() {
					for _, w := range cause.Wants(pass) {
						deferred = deferred || !s.Answered(w)
					}
				})
				for _, f := range fs {
					f.Deferred = deferred
				}
			}
			for _, f := range fs {
				// A question about something that seems to work is none of what is broken now: explain asks it.
				if !f.History && (f.Certainty != rule.Possible || HealthOf(s, o).State == Unhealthy) {
					findings = append(findings, f)
				}
			}
			failed = append(failed, fail...)
		}
	}
	return e.rank(merge(findings)), failed
}

// well tells whether nothing is broken about a pod. Most pods of a cluster are, and each of the causes
// would find that out for itself.
func well(s *snapshot.Snapshot, o *snapshot.Object) bool {
	if o.Pod() == nil {
		return false
	}
	h := HealthOf(s, o)
	return h.State == Healthy && podRestarts(o) == 0 || h.State == Finished
}

// sortFindings puts the worst first, then by object, place and rule.
func sortFindings(findings []*rule.Finding) {
	sort.SliceStable(findings, func(i, j int) bool {
		a, b := findings[i], findings[j]
		switch {
		case a.Severity.Rank() != b.Severity.Rank():
			return a.Severity.Rank() < b.Severity.Rank()
		case a.Object.Namespace != b.Object.Namespace:
			return a.Object.Namespace < b.Object.Namespace
		case a.Object.String() != b.Object.String():
			return a.Object.String() < b.Object.String()
		case a.Rule != b.Rule:
			return a.Rule < b.Rule
		}
		return keyOf(a).field < keyOf(b).field
	})
}
