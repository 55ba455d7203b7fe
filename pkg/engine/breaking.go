package engine

import (
	"slices"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// breaking runs causes over one object after the other, for one goroutine: see checking.
type breaking struct {
	engine   *Engine
	snapshot *snapshot.Snapshot
	looking  looking[*rule.Cause]

	result   *Result
	pass     *rule.Pass
	object   *snapshot.Object
	cause    *rule.Cause
	findings []*rule.Finding
}

func newBreaking(e *Engine, s *snapshot.Snapshot) *breaking {
	return &breaking{engine: e, snapshot: s, looking: looking[*rule.Cause]{}}
}

// judge runs the causes that look at o, and not at its past.
func (b *breaking) judge(o *snapshot.Object, part *Result) {
	causes := b.looking.at(lookOf(b.snapshot, o), b.engine.Causes, func(c *rule.Cause) (rule.On, bool) { return c.On, !c.History })
	if len(causes) == 0 || well(b.snapshot, o) {
		return
	}
	b.result, b.object = part, o
	b.pass = rule.NewPass(b.snapshot, o, nil, nil, rule.Sink{Report: b.report, Unknown: b.cannot})
	for _, c := range causes {
		b.one(c)
	}
}

func (b *breaking) report(f *rule.Finding) { b.findings = append(b.findings, f) }

func (b *breaking) cannot(reason string) {
	b.notEvaluated(NotEvaluated{Rule: b.cause.ID, Object: b.object.Ref, Reason: snapshot.ReasonUnavailable, Detail: reason})
}

func (b *breaking) notEvaluated(n NotEvaluated) {
	b.result.NotEvaluated = append(b.result.NotEvaluated, n)
}

func (b *breaking) one(c *rule.Cause) {
	b.cause, b.findings = c, b.findings[:0]
	b.pass.Ask(c)
	guard(c.ID, b.object, b.notEvaluated, func() { c.Run(b.pass) })
	if len(b.findings) == 0 {
		return
	}
	deferred := c.Wants != nil && b.deferred(c)
	for _, f := range b.findings {
		f.Deferred = deferred
		// A question about something that seems to work is none of what is broken now: explain asks it.
		if !f.History && (f.Certainty != rule.Possible || HealthOf(b.snapshot, b.object).State == Unhealthy) {
			b.result.Findings = append(b.result.Findings, f)
		}
	}
}

// deferred tells whether the cause would have wanted to see more than lists tell.
func (b *breaking) deferred(c *rule.Cause) (more bool) {
	pass := rule.NewPass(b.snapshot, b.object, nil, c, rule.Sink{})
	guard(c.ID, b.object, func(NotEvaluated) {}, func() {
		more = slices.ContainsFunc(c.Wants(pass), func(w snapshot.Want) bool { return !b.snapshot.Answered(w) })
	})
	return more
}
