package reliability

import (
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// counts are how many pods of some kinds are in each domain, on the nodes that count; nil counts all.
func (pl *plan) counts(kinds []*podKind, d domains, counted []bool) (in []int, all int) {
	in = make([]int, d.count)
	add := func(i, n int) {
		all += n
		if d.of[i] >= 0 && (counted == nil || counted[i]) {
			in[d.of[i]] += n
		}
	}
	for _, k := range kinds {
		for i, n := range k.on {
			if !pl.gone[i] {
				add(i, n)
			}
		}
		for i, n := range pl.moved[k] {
			add(i, n)
		}
	}
	return in, all
}

func anywhere(int) bool { return true }

func nowhere(int) bool { return false }

// inDomains are domains, and how many pods are in each.
type inDomains struct {
	domains
	in []int
}

// nearTo tells the nodes where those are that pods must be near to.
func (pl *plan) nearTo(k *podKind) func(int) bool {
	if len(k.near) == 0 {
		return anywhere
	}
	list := make([]inDomains, len(k.near))
	first := true // of all pods that want to be near each other
	for i, t := range k.near {
		d := pl.domainsOf(t.key)
		in, all := pl.counts(pl.foundBy(t), d, nil)
		list[i] = inDomains{d, in}
		first = first && all == 0 && t.finds(k)
	}
	return func(node int) bool {
		return !slices.ContainsFunc(list, func(l inDomains) bool { return l.of[node] < 0 || l.in[l.of[node]] == 0 && !first })
	}
}

// keptFrom tells the nodes where those are that pods must not be near to, and that must not be near to them.
func (pl *plan) keptFrom(k *podKind) func(int) bool {
	if len(k.apart)+len(k.against) == 0 {
		return nowhere
	}
	var list []inDomains
	add := func(kinds []*podKind, key string) {
		d := pl.domainsOf(key)
		in, _ := pl.counts(kinds, d, nil)
		list = append(list, inDomains{d, in})
	}
	for _, t := range k.apart {
		add(pl.foundBy(t), t.key)
	}
	for _, t := range k.against {
		add([]*podKind{t.of}, t.key)
	}
	return func(node int) bool {
		return slices.ContainsFunc(list, func(l inDomains) bool { return l.of[node] >= 0 && l.in[l.of[node]] > 0 })
	}
}

// spreadOver tells the nodes that keep the rules by which pods are spread. A node that is drained counts as a place without pods,
// unless the rule says that taints count: that is how the scheduler does it.
func (pl *plan) spreadOver(k *podKind) func(int) bool {
	if len(k.spread) == 0 {
		return anywhere
	}
	type rules struct {
		inDomains
		most int // that may be in a domain before the pod comes
	}
	var list []rules
	for _, t := range k.spread {
		d := pl.domainsOf(t.key)
		counted, places := make([]bool, len(pl.nodes)), make([]bool, d.count)
		for i, n := range pl.nodes {
			away := pl.gone[i] && (!pl.kept || t.taints)
			counted[i] = d.of[i] >= 0 && !away && (t.anyNode || k.fits[i]) && !(t.taints && (n.Spec.Unschedulable || !toleratesAll(k.spec.Tolerations, n.Node)))
			if counted[i] {
				places[d.of[i]] = true
			}
		}
		in, _ := pl.counts(pl.foundBy(&t.podTerm), d, counted)
		least, number := math.MaxInt, 0
		for place, is := range places {
			if is {
				least = min(least, in[place])
				number++
			}
		}
		if number < t.least || number == 0 {
			least = 0
		}
		most := t.skew + least
		if t.finds(k) {
			most--
		}
		list = append(list, rules{inDomains{d, in}, most})
	}
	return func(node int) bool {
		return !slices.ContainsFunc(list, func(r rules) bool { return r.of[node] < 0 || r.in[r.of[node]] > r.most })
	}
}

// toleratesCordon tells whether pods may be placed on a node that is cordoned.
func toleratesCordon(list []corev1.Toleration) bool {
	return rule.TolerationFor(corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}, list) >= 0
}
