package engine

import (
	"sort"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// rank puts the cause that explains the others first: what findings point to by Because, then
// certain and likely before possible, current before history, the earliest stage, the more
// specific cause, the one with more pods. Findings that a more specific one of the same place
// beats are dropped.
func (e *Engine) rank(findings []*rule.Finding) []*rule.Finding {
	beats := map[string]map[string]bool{}
	for _, c := range e.Causes {
		beats[c.ID] = map[string]bool{}
		for _, b := range c.Beats {
			beats[c.ID][b] = true
		}
	}
	var kept []*rule.Finding
	for _, f := range findings {
		beaten := false
		for _, other := range findings {
			if other != f && beats[other.Rule][f.Rule] && samePlace(other, f) && other.Certainty.Rank() <= f.Certainty.Rank()+1 && other.History == f.History {
				beaten = true
				break
			}
		}
		if !beaten {
			kept = append(kept, f)
		}
	}
	depth := map[*rule.Finding]int{}
	for _, f := range kept {
		depth[f] = becauseDepth(f, kept, 0)
	}
	uncertain := func(f *rule.Finding) bool { return f.Certainty == rule.Possible }
	sort.SliceStable(kept, func(i, j int) bool {
		a, b := kept[i], kept[j]
		switch {
		case depth[a] != depth[b]:
			return depth[a] < depth[b]
		case uncertain(a) != uncertain(b):
			return !uncertain(a)
		case a.History != b.History:
			return !a.History
		case a.Stage != b.Stage:
			return a.Stage < b.Stage
		case beats[a.Rule][b.Rule] != beats[b.Rule][a.Rule]:
			return beats[a.Rule][b.Rule]
		case a.Certainty != b.Certainty:
			return a.Certainty.Rank() < b.Certainty.Rank()
		case len(a.Pods) != len(b.Pods):
			return len(a.Pods) > len(b.Pods)
		case a.Rule != b.Rule:
			return a.Rule < b.Rule
		}
		return a.Seen.String()+a.Seen.Container < b.Seen.String()+b.Seen.Container
	})
	for _, f := range kept {
		sortRefs(f.Pods)
	}
	return kept
}

// samePlace tells whether two findings speak of the same container, or one of them of the object
// that holds the other's.
func samePlace(a, b *rule.Finding) bool {
	if !a.Seen.Same(b.Seen) && !(a.Object.Same(b.Object) && overlap(a.Pods, b.Pods)) {
		return false
	}
	return a.Seen.Container == b.Seen.Container || a.Seen.Container == "" || b.Seen.Container == ""
}

func overlap(a, b []snapshot.Ref) bool {
	for _, r := range a {
		for _, other := range b {
			if r.Same(other) {
				return true
			}
		}
	}
	return false
}

// becauseDepth is how many steps a finding stands away from the cause that it points to.
func becauseDepth(f *rule.Finding, all []*rule.Finding, seen int) int {
	if f.Because == nil || seen > 8 {
		return 0
	}
	for _, other := range all {
		if other == f || other.Seen.Container != "" && f.Because.Container != "" && other.Seen.Container != f.Because.Container {
			continue // of another container of the same pod
		}
		if other.Seen.Same(*f.Because) || other.Object.Same(*f.Because) || pointsAt(other, *f.Because) {
			return 1 + becauseDepth(other, all, seen+1)
		}
	}
	return 0
}

func pointsAt(f *rule.Finding, r snapshot.Ref) bool {
	for _, pod := range f.Pods {
		if pod.Same(r) {
			return true
		}
	}
	return false
}
