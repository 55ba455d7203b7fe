// Package engine picks the rules for each object, runs them, survives their panics, tallies, ranks
// causes, removes what is said twice and sorts.
package engine

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Engine holds the rules.
type Engine struct {
	Checks []*rule.Check
	Causes []*rule.Cause

	// NoFixes leaves out how to mend what checks find: an overview does not print it, and of thousands of
	// findings it is the half.
	NoFixes bool

	// NamePassing names the objects that pass in tallies too: a gate asks which objects pass several checks. Nothing
	// passes, nor does it not apply, for what was not read.
	NamePassing bool
}

// New makes an engine of well-formed rules; it fails with everything that is wrong with them.
func New(checks []*rule.Check, causes []*rule.Cause) (*Engine, error) {
	if err := rule.Validate(checks, causes); err != nil {
		return nil, err
	}
	return &Engine{Checks: checks, Causes: causes}, nil
}

// Kinds are those that the checks name: what they look at, and what they must see besides. What is off is
// left out.
func (e *Engine) Kinds() []schema.GroupKind {
	var kinds []schema.GroupKind
	for _, c := range e.Checks {
		if c.Off {
			continue
		}
		for _, gk := range slices.Concat(c.On.Named(), c.Needs) {
			if !slices.Contains(kinds, gk) {
				kinds = append(kinds, gk)
			}
		}
	}
	return kinds
}

// NotEvaluated is a verdict that could not be reached.
type NotEvaluated struct {
	Rule     string       // "" for a resource or file
	Object   snapshot.Ref // zero for a resource or file
	Resource string
	File     string
	Reason   string // one of snapshot's Reason constants, or "failed"
	Detail   string
}

// guard runs f and turns a panic into an entry of what was not evaluated: one rule's mistake must
// not take the report with it.
func guard(id string, o *snapshot.Object, failed func(NotEvaluated), f func()) {
	defer func() {
		if r := recover(); r != nil {
			failed(panicked(id, o, r))
		}
	}()
	f()
}

// panicked is what a rule's panic is to the report.
func panicked(id string, o *snapshot.Object, r any) NotEvaluated {
	return NotEvaluated{Rule: id, Object: o.Ref, Reason: snapshot.ReasonFailed, Detail: fmt.Sprintf("rule failed: %v%s", r, where(debug.Stack()))}
}

// where is the first frame of a rule in a stack, for the bug report.
func where(stack []byte) string {
	for line := range strings.SplitSeq(string(stack), "\n") {
		for _, rules := range []string{"/pkg/causes/", "/pkg/checks/"} {
			if at := strings.Index(line, rules); at >= 0 && strings.Contains(line, ".go:") {
				file, _, _ := strings.Cut(line[at+1:], " ")
				return " (at " + file + ")"
			}
		}
	}
	return ""
}

// sameFinding is what makes two findings one.
type sameFinding struct {
	rule      string
	object    snapshot.Ref
	container string
	field     string
	origin    *snapshot.Origin // two files may hold objects of one name
}

func keyOf(f *rule.Finding) sameFinding {
	k := sameFinding{rule: f.Rule, object: f.Object.Key(), container: f.Seen.Container}
	if f.Field != nil {
		k.field = f.Field.String()
	}
	if f.Object.IsZero() {
		k.object = f.Seen.Key()
	}
	if f.Judged != nil && f.Judged.Same(f.Object) {
		k.origin = f.Judged.Origin
	}
	return k
}

// merge says the same finding on several pods once, keeping the one with the most evidence and the
// names of all.
func merge(findings []*rule.Finding) []*rule.Finding {
	out := make([]*rule.Finding, 0, len(findings))
	at := map[sameFinding]int{}
	alone := onlyOne(findings)
	for n, f := range findings {
		if len(f.Pods) == 0 && f.Seen.GroupKind() == snapshot.PodKind {
			f.Pods = []snapshot.Ref{f.Seen}
		}
		if alone(n) {
			out = append(out, f)
			continue
		}
		k := keyOf(f)
		i, ok := at[k]
		if !ok {
			at[k] = len(out)
			out = append(out, f)
			continue
		}
		best, other := out[i], f
		if better(other, best) {
			best, other = other, best
		}
		for _, pod := range other.Pods {
			if !hasRef(best.Pods, pod) {
				best.Pods = append(best.Pods, pod)
			}
		}
		out[i] = best
	}
	return out
}

// onlyOne tells of a finding by its index that it is the only one of its rule in its container or object. Nearly all
// are, and their fields need not be spelt out to know that they are like no other.
func onlyOne(findings []*rule.Finding) func(int) bool {
	type place struct {
		rule, container string
		object          snapshot.Ref
	}
	seed := maphash.MakeSeed()
	hashes, times := make([]uint64, len(findings)), make(map[uint64]int32, len(findings))
	for i, f := range findings {
		k := place{rule: f.Rule, container: f.Seen.Container, object: f.Object.Key()}
		if f.Object.IsZero() {
			k.object = f.Seen.Key()
		}
		hashes[i] = maphash.Comparable(seed, k)
		times[hashes[i]]++
	}
	return func(i int) bool { return times[hashes[i]] == 1 }
}

func better(a, b *rule.Finding) bool {
	if a.History != b.History {
		return !a.History
	}
	if a.Certainty.Rank() != b.Certainty.Rank() {
		return a.Certainty.Rank() < b.Certainty.Rank()
	}
	if a.Severity != b.Severity {
		return a.Severity.Rank() < b.Severity.Rank()
	}
	return len(a.Evidence) > len(b.Evidence)
}

func hasRef(list []snapshot.Ref, r snapshot.Ref) bool {
	for _, have := range list {
		if have.Same(r) && have.Container == r.Container {
			return true
		}
	}
	return false
}

func sortRefs(refs []snapshot.Ref) { slices.SortStableFunc(refs, compareRefs) }

func sortObjects(list []*snapshot.Object) {
	slices.SortStableFunc(list, func(a, b *snapshot.Object) int { return compareRefs(a.Ref, b.Ref) })
}

func compareRefs(a, b snapshot.Ref) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	if a.Kind == b.Kind && a.APIVersion == b.APIVersion {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Container, b.Container))
	}
	return strings.Compare(a.String(), b.String())
}
