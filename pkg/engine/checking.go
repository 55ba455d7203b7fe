package engine

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// checking runs checks over one object after the other, for one goroutine: a hundred checks on thousands of
// objects are hundreds of thousands of verdicts, most of them without a word.
type checking struct {
	engine   *Engine
	snapshot *snapshot.Snapshot
	tallies  tallies
	looking  looking[*rule.Check]
	of       map[lookedAt][]*Tally // of the checks that look at a kind, in one namespace
	within   string                // that namespace

	result   *Result // of the part that the object belongs to
	pass     *rule.Pass
	object   *snapshot.Object
	findings []*rule.Finding
	unknown  string
	blind    bool // unknown was said
	said     bool // by another rule
	failed   bool
}

// lookedAt is what decides which checks look at an object.
type lookedAt struct {
	kind     schema.GroupKind
	workload bool
}

func lookOf(s *snapshot.Snapshot, o *snapshot.Object) lookedAt {
	return lookedAt{o.GroupKind(), rule.Workloads.Matches(s, o)}
}

// looking are the rules that look at such an object, found once.
type looking[R any] map[lookedAt][]R

func (known looking[R]) at(at lookedAt, rules []R, on func(R) (rule.On, bool)) []R {
	list, ok := known[at]
	if !ok {
		for _, r := range rules {
			if on, run := on(r); run && on.LooksAt(at.kind, at.workload) {
				list = append(list, r)
			}
		}
		known[at] = list
	}
	return list
}

func newChecking(e *Engine, s *snapshot.Snapshot) *checking {
	return &checking{engine: e, snapshot: s, tallies: tallies{}, looking: looking[*rule.Check]{}, of: map[lookedAt][]*Tally{}}
}

// judge runs the checks that look at o. How something is set that is being deleted does not matter any more.
func (j *checking) judge(o *snapshot.Object, part *Result) {
	if o.Meta.GetDeletionTimestamp() != nil {
		return
	}
	if o.GroupKind() != snapshot.ClusterKind { // which holds the objects, and is none
		part.Objects++
	}
	j.result, j.object = part, o
	j.pass = rule.NewPass(j.snapshot, o, nil, nil, rule.Sink{Report: j.report, Unknown: j.cannot, Unresolved: j.unresolved, SaidBy: j.saidBy, NoFixes: j.engine.NoFixes})
	if j.within != o.Namespace {
		j.within = o.Namespace
		clear(j.of)
	}
	key := lookOf(j.snapshot, o)
	checks := j.looking.at(key, j.engine.Checks, func(c *rule.Check) (rule.On, bool) { return c.On, !c.Off })
	counted := j.of[key]
	if counted == nil {
		for _, c := range checks {
			counted = append(counted, j.tallies.of(c, o.Namespace))
		}
		j.of[key] = counted
	}
	for i, c := range checks {
		j.one(c, counted[i])
	}
}

func (j *checking) report(f *rule.Finding) { j.findings = append(j.findings, f) }

func (j *checking) cannot(reason string) {
	if !j.blind {
		j.blind, j.unknown = true, reason
	}
}

// saidBy takes in that another check reports it. Who names what passes counts it as found here too, so that it can be
// waived here.
func (j *checking) saidBy(rule string) {
	if j.said = true; j.engine.NamePassing {
		j.pass.Report(elsewhere(rule))
	}
}

func elsewhere(id string) rule.Finding {
	return rule.Finding{Severity: rule.Info, NoField: "another rule names it", Message: "as " + id + " says"}
}

func (j *checking) unresolved(path *field.Path, to snapshot.Ref) {
	j.result.Unresolved = append(j.result.Unresolved, Unresolved{j.object.Ref, path, to})
}

func (j *checking) one(c *rule.Check, t *Tally) {
	j.findings, j.blind, j.failed, j.said = j.findings[:0], false, false, false
	applies := false
	guard(c.ID, j.object, j.panicked, func() { applies = j.run(c) })
	switch {
	case !applies && !j.failed && !j.blind:
		t.NotApplicable++
	case len(j.findings) > 0:
		t.Fail = append(t.Fail, j.object)
		j.result.Findings = append(j.result.Findings, j.findings...)
	case j.said: // and counted where it is said
		t.NotApplicable++
	case j.blind:
		t.Unknown = append(t.Unknown, Unjudged{j.object.Ref, j.unknown})
		if !j.failed {
			j.result.NotEvaluated = append(j.result.NotEvaluated, NotEvaluated{Rule: c.ID, Object: j.object.Ref, Reason: snapshot.ReasonUnavailable, Detail: j.unknown})
		}
	default:
		t.Pass++
		if j.engine.NamePassing {
			t.Passed = append(t.Passed, j.object)
		}
	}
}

// run runs the check, and tells whether it applies.
func (j *checking) run(c *rule.Check) (applies bool) {
	j.pass.Judge(c)
	applies = c.Applies == nil || c.Applies(j.pass)
	if !applies && !j.engine.NamePassing {
		return false
	}
	in := j.object.Namespace
	if j.object.GroupKind() == snapshot.NamespaceKind { // what is in it, not what is beside it
		in = j.object.Name
	}
	for _, gk := range c.Needs {
		if !j.snapshot.ListRead(gk, in) { // by what is missing a check may also have decided that it does not apply
			j.cannot(gk.Kind + ": " + j.snapshot.ListOutcome(gk, in).Reason)
			return applies
		}
	}
	if applies {
		c.Run(j.pass)
	}
	return applies
}

// panicked takes in that the check did.
func (j *checking) panicked(n NotEvaluated) {
	j.failed = true
	j.result.NotEvaluated = append(j.result.NotEvaluated, n)
	j.cannot(n.Detail)
}
