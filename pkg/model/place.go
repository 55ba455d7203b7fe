package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Verdict is what became of a gate.
type Verdict string

// The verdicts.
const (
	Pass          Verdict = "pass"
	Fail          Verdict = "fail"
	Unknown       Verdict = "unknown"
	NotApplicable Verdict = "notApplicable" // there is no object that it asks anything of
)

// NotDeclared is the reason of a gate that only people can answer, and nobody has.
const NotDeclared = "not declared"

// Input is what a placement goes by.
type Input struct {
	Tallies      []*engine.Tally                             // with the names of what passes: see engine.Engine.NamePassing
	Unread       func(check string, kinds []string) string   // why not all objects are known that a check looks at; "" where they are
	Why          func(check string, ref snapshot.Ref) string // what a check found on an object that fails
	NoServices   string                                      // why it is not known where Services lead; "" where it is
	Served       func(ref snapshot.Ref) bool                 // tells whether a Service leads to a workload
	Declarations []config.Declaration
	Now          time.Time
	Namespace    string          // "" is the whole cluster
	Critical     []*rule.Finding // that nobody waived
}

// Judged is a gate with its verdict.
type Judged struct {
	*Gate
	Verdict      Verdict
	Count        Count             // what it counts, without the system's namespaces
	System       Count             // what of it is in those
	Reason       string            // of what is unknown, or does not apply
	Failing      []engine.Unjudged // with what was found
	Unjudged     []engine.Unjudged
	WaivedRefs   []snapshot.Ref
	Declaration  *config.Declaration // that the verdict rests on
	Contradicted *config.Declaration // that measurement has refuted
}

// Count is how many objects of how many pass.
type Count struct{ K, N, Waived, Unknown int }

// Span is from the phase that is proven to the one that is possible: they are one where nothing is unknown.
type Span struct{ Lo, Hi string }

// Placed is a dimension with its place.
type Placed struct {
	Dimension
	Span
	Applies    bool // there is something to place
	Gates      []*Judged
	HeldBackBy *Judged // the gate in the way of the next phase; nil at the end
	Narrow     *Judged // the gate whose answer would be the cheapest to find out; nil where nothing is unknown
}

// Placement is where a cluster or namespace stands.
type Placement struct {
	Span
	Dimensions []*Placed
	HeldBackBy *Judged  // what holds the whole back
	Cap        []string // rules with critical findings, by which the phase shown goes no further than CapPhase
	Capped     []*rule.Finding
	Next       []*Judged
}

// CapPhase is as far as a cluster comes in which something is critical, whatever its gates say.
const CapPhase = "deploy"

// steps is how many next steps are told: who has a hundred begins none.
const steps = 3

// Place says where a cluster or namespace stands. Facts that are missing make a span: nothing unknown is taken for
// passed, nor for failed.
func (m *Model) Place(in Input) *Placement {
	byCheck := map[string][]*engine.Tally{}
	for _, t := range in.Tallies {
		byCheck[t.Rule] = append(byCheck[t.Rule], t)
	}
	p := &Placement{}
	for _, d := range m.Dimensions {
		placed := &Placed{Dimension: d}
		for i := range m.Gates {
			if m.Gates[i].Dimension == d.ID {
				placed.Gates = append(placed.Gates, judge(&m.Gates[i], byCheck, in))
			}
		}
		slices.SortStableFunc(placed.Gates, func(a, b *Judged) int { return m.index(a.Phase) - m.index(b.Phase) })
		m.place(placed)
		p.Dimensions = append(p.Dimensions, placed)
	}
	m.overall(p)
	m.cap(p, in.Critical)
	m.next(p)
	return p
}

// verdictOf is what the checks of a gate say of one object.
type verdictOf struct {
	ref    snapshot.Ref
	system bool
	is     Verdict
	waived bool
	reason string
}

func judge(g *Gate, tallies map[string][]*engine.Tally, in Input) *Judged {
	j := &Judged{Gate: g}
	declare := func() {
		for i := range in.Declarations {
			if d := &in.Declarations[i]; d.Gate == g.ID {
				j.declared(d, in.Now)
			}
		}
	}
	switch {
	case g.Cluster && in.Namespace != "":
		j.Verdict, j.Reason = NotApplicable, "asked of the whole cluster (-A)"
		return j
	case g.Declared:
		j.Verdict, j.Reason = Unknown, NotDeclared
		declare()
		return j
	}
	for _, v := range verdicts(g, tallies, in) {
		j.count(v)
	}
	unread := ""
	for _, id := range g.Checks {
		if unread = in.Unread(id, g.Kinds); unread != "" {
			break
		}
	}
	needed := g.Needed()
	lo, hi := j.Count.K+j.Count.Waived, j.Count.K+j.Count.Waived+j.Count.Unknown
	switch {
	case g.Served && in.NoServices != "":
		j.Verdict, j.Reason = Unknown, in.NoServices
	case j.Count.N == 0 && unread == "":
		j.Verdict, j.Reason = NotApplicable, "there is nothing that it asks about"
	case unread != "" && (needed < 100 || len(j.Failing) == 0):
		j.Verdict, j.Reason = Unknown, unread
	case hi*100 < needed*j.Count.N:
		j.Verdict = Fail
	case lo*100 >= needed*j.Count.N:
		j.Verdict = Pass
	default:
		j.Verdict, j.Reason = Unknown, j.why()
	}
	declare()
	return j
}

// why is the commonest reason for which objects could not be judged.
func (j *Judged) why() string {
	counts := map[string]int{}
	best := ""
	for _, u := range j.Unjudged {
		counts[u.Reason]++
		if n := counts[u.Reason]; n > counts[best] || n == counts[best] && u.Reason < best {
			best = u.Reason
		}
	}
	return best
}

func (j *Judged) count(v verdictOf) {
	c := &j.Count
	if v.system {
		c = &j.System
	}
	c.N++
	switch {
	case v.waived:
		c.Waived++
	case v.is == Pass:
		c.K++
	case v.is == Unknown:
		c.Unknown++
	}
	if v.system {
		return
	}
	switch {
	case v.waived:
		j.WaivedRefs = append(j.WaivedRefs, v.ref)
	case v.is == Fail:
		j.Failing = append(j.Failing, engine.Unjudged{Object: v.ref, Reason: v.reason})
	case v.is == Unknown:
		j.Unjudged = append(j.Unjudged, engine.Unjudged{Object: v.ref, Reason: v.reason})
	}
}

// verdicts are what the checks of a gate say of each object, by kind and name.
func verdicts(g *Gate, tallies map[string][]*engine.Tally, in Input) []verdictOf {
	said := map[snapshot.Ref]verdictOf{}
	say := func(ref snapshot.Ref, is Verdict, waived bool, reason string) {
		if len(g.Kinds) > 0 && !slices.Contains(g.Kinds, ref.Kind) || g.Served && !in.Served(ref) {
			return
		}
		now := verdictOf{ref, system(ref) && !knowledge.SystemNamespace(in.Namespace), is, waived, reason}
		before, ok := said[ref.Key()]
		if !ok || now.rank(g.Any) > before.rank(g.Any) {
			said[ref.Key()] = now
		}
	}
	for _, id := range g.Checks {
		for _, t := range tallies[id] {
			for _, o := range t.Passed {
				say(o.Ref, Pass, false, "")
			}
			for _, o := range t.Waived {
				say(o.Ref, Pass, true, "")
			}
			for _, u := range t.Unknown {
				say(u.Object, Unknown, false, u.Reason)
			}
			for _, o := range t.Fail {
				say(o.Ref, Fail, false, in.Why(id, o.Ref))
			}
		}
	}
	list := make([]verdictOf, 0, len(said))
	for _, v := range said {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b verdictOf) int {
		return cmp.Or(strings.Compare(a.ref.Namespace, b.ref.Namespace), strings.Compare(a.ref.String(), b.ref.String()))
	})
	return list
}

// rank orders what several checks say of one object: the worst counts or, where any is enough, the best.
func (v verdictOf) rank(anyIsEnough bool) int {
	rank := map[Verdict]int{Pass: 0, Unknown: 2, Fail: 3}[v.is]
	if v.waived {
		rank = 1
	}
	if anyIsEnough {
		return -rank
	}
	return rank
}

// system tells what Kubernetes itself keeps: no team is marked down for it.
func system(ref snapshot.Ref) bool {
	return knowledge.SystemNamespace(ref.Namespace) || ref.GroupKind() == snapshot.NamespaceKind && knowledge.SystemNamespace(ref.Name)
}

// declared takes in what somebody says. What is measured counts, whatever is said.
func (j *Judged) declared(d *config.Declaration, now time.Time) {
	says := Fail
	if d.Answer {
		says = Pass
	}
	switch {
	case d.Future(now):
		if j.Verdict == Unknown {
			j.Reason = "declared for " + d.On + ", which is to come"
		}
	case d.Expired(now):
		if j.Verdict == Unknown {
			j.Reason = "the declaration of " + d.On + " ended on " + d.End()
		}
	case j.Verdict == Unknown && says == Pass && len(j.Failing) > 0: // of what was read, too much fails
		j.Contradicted = d
	case j.Verdict == Unknown:
		j.Verdict, j.Declaration, j.Reason = says, d, ""
	case j.Verdict != NotApplicable && j.Verdict != says:
		j.Contradicted = d
	}
}

// holds tells whether a gate is in nobody's way; what is unknown is not for who hopes.
func (j *Judged) holds(hope bool) bool {
	return j.Verdict == Pass || j.Verdict == NotApplicable || hope && j.Verdict == Unknown
}

// place finds how far a dimension has come. A phase in which nothing applies is gone through, and not reached for that
// alone.
func (m *Model) place(d *Placed) {
	reach := func(hope bool) string {
		at := m.before().ID
		for _, p := range m.Phases {
			reached := false
			for _, j := range d.Gates {
				if j.Phase != p.ID {
					continue
				}
				if !j.holds(hope) {
					return at
				}
				reached = reached || j.Verdict != NotApplicable
			}
			if reached {
				at = p.ID
			}
		}
		return at
	}
	d.Lo, d.Hi = reach(false), reach(true)
	for _, j := range d.Gates {
		d.Applies = d.Applies || j.Verdict != NotApplicable
		if d.HeldBackBy == nil && !j.holds(false) || d.HeldBackBy != nil && j.Phase == d.HeldBackBy.Phase && d.HeldBackBy.Verdict == Unknown && j.Verdict == Fail {
			d.HeldBackBy = j
		}
	}
	if d.Lo == d.Hi {
		return
	}
	for _, j := range d.Gates {
		if j.Verdict == Unknown && j.Phase == d.HeldBackBy.Phase && (d.Narrow == nil || cost(j) < cost(d.Narrow)) {
			d.Narrow = j
		}
	}
}

// cost orders what is unknown by what it takes to find out: a line in a file, a right, or something to install or
// to wait for.
func cost(j *Judged) int {
	switch {
	case j.Declared:
		return 0
	case strings.Contains(j.Reason, snapshot.ReasonForbidden):
		return 1
	}
	return 2
}

// overall is how far all have come that a phase requires. It is no average: what lags holds back. As for a dimension,
// a phase in which little applies - the half of its gates, at least - is not reached for that alone.
func (m *Model) overall(p *Placement) {
	reach := func(hope bool) (at string, by *Judged) {
		at = m.before().ID
		for _, phase := range m.Phases[m.index(at)+1:] {
			applied, all := 0, 0
			for _, d := range p.Dimensions {
				if !slices.Contains(phase.Requires, d.ID) {
					continue
				}
				for _, j := range d.Gates {
					if m.index(j.Phase) <= m.index(phase.ID) && !j.holds(hope) {
						return at, worse(d, j)
					}
					if j.Phase == phase.ID {
						all++
						applied += first(j.Verdict != NotApplicable)
					}
				}
			}
			if applied > 0 && applied*2 >= all {
				at = phase.ID
			}
		}
		return at, nil
	}
	p.Lo, p.HeldBackBy = reach(false)
	p.Hi, _ = reach(true)
}

// worse is what holds a dimension back, where that is in the phase of j.
func worse(d *Placed, j *Judged) *Judged {
	if d.HeldBackBy != nil && d.HeldBackBy.Phase == j.Phase {
		return d.HeldBackBy
	}
	return j
}

// cap keeps what is shown below what is critical.
func (m *Model) cap(p *Placement, critical []*rule.Finding) {
	limit := m.index(CapPhase)
	if len(critical) == 0 || limit < 0 {
		return
	}
	for _, f := range critical {
		if !slices.Contains(p.Cap, f.Rule) {
			p.Cap = append(p.Cap, f.Rule)
		}
	}
	slices.Sort(p.Cap)
	p.Capped = critical
	lower := func(s *Span) {
		if m.index(s.Lo) > limit {
			s.Lo = CapPhase
		}
		if m.index(s.Hi) > limit {
			s.Hi = CapPhase
		}
	}
	lower(&p.Span)
	for _, d := range p.Dimensions {
		if slices.ContainsFunc(critical, func(f *rule.Finding) bool { return string(f.Dimension) == d.ID }) {
			lower(&d.Span)
		}
	}
}

// next are the steps that take the whole further: first what holds it back, then what holds back each dimension,
// the earliest phase and the least work first.
func (m *Model) next(p *Placement) {
	var list []*Judged
	for _, d := range p.Dimensions {
		if d.HeldBackBy == nil {
			continue
		}
		for _, j := range d.Gates {
			if j.Phase == d.HeldBackBy.Phase && !j.holds(false) {
				list = append(list, j)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *Judged) int {
		return cmp.Or(
			first(b == p.HeldBackBy)-first(a == p.HeldBackBy),
			m.index(a.Phase)-m.index(b.Phase),
			first(a.Verdict == Unknown)-first(b.Verdict == Unknown),
			a.Missing()-b.Missing(),
		)
	})
	p.Next = list[:min(steps, len(list))]
}

func first(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Missing is how many objects more must pass for the gate to hold.
func (j *Judged) Missing() int {
	needed := (j.Needed()*j.Count.N + 99) / 100
	return max(0, needed-j.Count.K-j.Count.Waived)
}

// Coverage words the count: "41 of 52 (79 %), 3 waived".
func (c Count) Coverage() string {
	if c.N == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d", c.K, c.N)
	if c.N >= fewObjects {
		text += fmt.Sprintf(" (%d%%)", c.K*100/c.N)
	}
	if c.Waived > 0 {
		text += fmt.Sprintf(", %d waived", c.Waived)
	}
	if c.Unknown > 0 {
		text += fmt.Sprintf(", %d unknown", c.Unknown)
	}
	return text
}

// fewObjects is below how many a percentage says nothing that the names do not say better.
const fewObjects = 5
