package engine

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Tally counts the verdicts of one check in one namespace. Objects that failed or could not be
// judged are named; those that pass are only counted, unless the engine is asked to name them.
type Tally struct {
	Rule          string
	Dimension     rule.Dimension
	Namespace     string
	Pass          int
	Passed        []*snapshot.Object // where the engine names them
	Fail          []*snapshot.Object
	Waived        []*snapshot.Object
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
	all := newCheckings(e, s)
	parts := inParts(s, keep, len(all), func(worker int, o *snapshot.Object, part *Result) { all[worker].judge(o, part) })
	tallies := tallies{}
	for _, j := range all {
		tallies.add(j.tallies)
	}
	res := joined(parts)
	res.Findings = merge(res.Findings)
	sortFindings(res.Findings)
	res.Tallies = tallies.sorted()
	return res
}

// joined is one result of those of parts, without their tallies.
func joined(parts []Result) Result {
	var all Result
	findings, unresolved := 0, 0
	for i := range parts {
		findings += len(parts[i].Findings)
		unresolved += len(parts[i].Unresolved)
	}
	all.Findings, all.Unresolved = slices.Grow(all.Findings, findings), slices.Grow(all.Unresolved, unresolved)
	for _, part := range parts {
		all.Objects += part.Objects
		all.Findings = append(all.Findings, part.Findings...)
		all.NotEvaluated = append(all.NotEvaluated, part.NotEvaluated...)
		all.Unresolved = append(all.Unresolved, part.Unresolved...)
	}
	return all
}

type tallyKey struct{ rule, namespace string }

// tallies are those of some of the objects.
type tallies map[tallyKey]*Tally

func (ts tallies) of(c *rule.Check, namespace string) *Tally {
	key := tallyKey{c.ID, namespace}
	t := ts[key]
	if t == nil {
		t = &Tally{Rule: c.ID, Dimension: c.Dimension, Namespace: namespace}
		ts[key] = t
	}
	return t
}

// add counts what others have counted.
func (ts tallies) add(others tallies) {
	for key, other := range others {
		t := ts[key]
		if t == nil {
			ts[key] = other
			continue
		}
		t.Pass += other.Pass
		t.NotApplicable += other.NotApplicable
		t.Passed = append(t.Passed, other.Passed...)
		t.Fail = append(t.Fail, other.Fail...)
		t.Waived = append(t.Waived, other.Waived...)
		t.Unknown = append(t.Unknown, other.Unknown...)
	}
}

// sorted are the tallies by rule and namespace, and what they name by kind and name.
func (ts tallies) sorted() []*Tally {
	list := slices.SortedFunc(maps.Values(ts), func(a, b *Tally) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Namespace, b.Namespace))
	})
	for _, t := range list {
		sortObjects(t.Passed)
		sortObjects(t.Fail)
		sortObjects(t.Waived)
		slices.SortStableFunc(t.Unknown, func(a, b Unjudged) int { return compareRefs(a.Object, b.Object) })
	}
	return list
}

// partSize is how many objects are judged in one go: few enough that all CPUs are done at the same time.
const partSize = 64

// newCheckings makes one for every CPU.
func newCheckings(e *Engine, s *snapshot.Snapshot) []*checking {
	list := make([]*checking, runtime.GOMAXPROCS(0))
	for i := range list {
		list[i] = newChecking(e, s)
	}
	return list
}

// inParts hands the objects that keep lets through to so many workers. The results are in the order of the
// objects, whoever came to them.
func inParts(s *snapshot.Snapshot, keep func(*snapshot.Object) bool, workers int, judge func(worker int, o *snapshot.Object, part *Result)) []Result {
	parts := slices.Collect(slices.Chunk(s.All(), partSize))
	results := make([]Result, len(parts))
	var next atomic.Int64
	var all sync.WaitGroup
	for w := range min(len(parts), workers) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(parts)); i = next.Add(1) - 1 {
				for _, o := range parts[i] {
					if keep == nil || keep(o) {
						judge(w, o, &results[i])
					}
				}
			}
		})
	}
	all.Wait()
	return results
}

// Broken judges with the causes what is broken now, on what lists alone tell: no want is granted
// for a single object, so what is not proven by status is at most likely, and marked as deferred.
func (e *Engine) Broken(s *snapshot.Snapshot, keep func(*snapshot.Object) bool) ([]*rule.Finding, []NotEvaluated) {
	all := make([]*breaking, runtime.GOMAXPROCS(0))
	for i := range all {
		all[i] = newBreaking(e, s)
	}
	parts := inParts(s, keep, len(all), func(worker int, o *snapshot.Object, part *Result) { all[worker].judge(o, part) })
	res := joined(parts)
	return e.rank(merge(res.Findings)), res.NotEvaluated
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
	slices.SortStableFunc(findings, func(a, b *rule.Finding) int {
		switch {
		case a.Severity != b.Severity && a.Severity.Rank() != b.Severity.Rank():
			return cmp.Compare(a.Severity.Rank(), b.Severity.Rank())
		case !a.Object.Same(b.Object):
			return compareRefs(a.Object, b.Object)
		case a.Rule != b.Rule:
			return strings.Compare(a.Rule, b.Rule)
		}
		return strings.Compare(keyOf(a).field, keyOf(b).field)
	})
}
