package scheduling

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// neighbours judge a node by the pods around it: required affinity and anti-affinity, of this pod and
// against it, and spreading that must hold.
type neighbours struct {
	pod    *corev1.Pod
	known  bool // the pods of its namespace were read
	near   []*term
	far    []*term
	theirs []*term
	self   bool // nobody is there to be near to, and the pod would do itself
	spread []*spreading
}

// term is one required term, and the pods that it finds, by domain of its topology.
type term struct {
	corev1.PodAffinityTerm
	index    int
	selector labels.Selector
	spaces   func(namespace string) bool
	domains  map[string][]*snapshot.Object
	all      []*snapshot.Object // found, wherever
	holder   *snapshot.Object   // theirs: the pod that has the term
}

// spreading is one constraint that must hold, and how many pods each domain has.
type spreading struct {
	corev1.TopologySpreadConstraint
	index   int
	counts  map[string]int
	self    int
	missing bool // no node has its label
}

func requiredPodTerms(pod *corev1.Pod) (near, far []corev1.PodAffinityTerm) {
	if a := pod.Spec.Affinity; a != nil {
		if a.PodAffinity != nil {
			near = a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		}
		if a.PodAntiAffinity != nil {
			far = a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		}
	}
	return near, far
}

func newTerm(p *rule.Pass, i int, t corev1.PodAffinityTerm, namespace string) *term {
	selector, err := snapshot.SelectorOf(t.LabelSelector)
	if err != nil {
		selector = labels.Nothing()
	}
	out := &term{PodAffinityTerm: t, index: i, selector: selector, domains: map[string][]*snapshot.Object{}}
	out.spaces = func(ns string) bool {
		return slices.Contains(t.Namespaces, ns) || len(t.Namespaces) == 0 && ns == namespace
	}
	if t.NamespaceSelector == nil {
		return out
	}
	by, err := snapshot.SelectorOf(t.NamespaceSelector)
	out.spaces = func(ns string) bool {
		if err != nil || slices.Contains(t.Namespaces, ns) {
			return err == nil
		}
		if by.Empty() {
			return true
		}
		o, _ := p.Lookup(snapshot.NamespaceKind, "", ns)
		return o != nil && by.Matches(labels.Set(o.Meta.GetLabels()))
	}
	return out
}

func (t *term) finds(pod *corev1.Pod) bool {
	return t.spaces(pod.Namespace) && t.selector.Matches(labels.Set(pod.Labels))
}

func newNeighbours(p *rule.Pass, all []*corev1.Node, taken map[string][]*snapshot.Object) *neighbours {
	pod := p.Object.Pod()
	n := &neighbours{pod: pod, known: p.ListRead(snapshot.PodKind, pod.Namespace)}
	near, far := requiredPodTerms(pod)
	for i, t := range near {
		n.near = append(n.near, newTerm(p, i, t, pod.Namespace))
	}
	for i, t := range far {
		n.far = append(n.far, newTerm(p, i, t, pod.Namespace))
	}
	required := nodeaffinity.GetRequiredNodeAffinity(pod)
	n.spread = spreadings(pod, all)
	for _, node := range all {
		counted := true
		for _, s := range n.spread {
			counted = counted && hasLabel(node, s.TopologyKey)
		}
		for _, s := range n.spread {
			if counted && s.includes(pod, node, required) {
				s.counts[node.Labels[s.TopologyKey]] += 0 // a domain without pods counts
			}
		}
		for _, o := range taken[node.Name] {
			other := o.Pod()
			for _, t := range slices.Concat(n.near, n.far) {
				if t.finds(other) {
					t.all = append(t.all, o)
					if v, ok := node.Labels[t.TopologyKey]; ok {
						t.domains[v] = append(t.domains[v], o)
					}
				}
			}
			_, repels := requiredPodTerms(other)
			for i, r := range repels {
				if t := newTerm(p, i, r, other.Namespace); t.finds(pod) {
					if v, ok := node.Labels[t.TopologyKey]; ok {
						t.holder = o
						t.domains[v] = append(t.domains[v], o)
						n.theirs = append(n.theirs, t)
					}
				}
			}
			for _, s := range n.spread {
				if counted && other.Namespace == pod.Namespace && other.DeletionTimestamp == nil && s.includes(pod, node, required) && s.finds(pod, other) {
					s.counts[node.Labels[s.TopologyKey]]++
				}
			}
		}
	}
	found := false
	n.self = len(n.near) > 0
	for _, t := range n.near {
		found = found || len(t.all) > 0
		n.self = n.self && t.finds(pod)
	}
	n.self = n.self && !found
	return n
}

func spreadings(pod *corev1.Pod, all []*corev1.Node) []*spreading {
	var list []*spreading
	for i, c := range pod.Spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.ScheduleAnyway {
			continue
		}
		s := &spreading{TopologySpreadConstraint: c, index: i, counts: map[string]int{}}
		s.missing = !slices.ContainsFunc(all, func(n *corev1.Node) bool { return hasLabel(n, c.TopologyKey) })
		if s.finds(pod, pod) {
			s.self = 1
		}
		list = append(list, s)
	}
	return list
}

func hasLabel(n *corev1.Node, key string) bool {
	_, ok := n.Labels[key]
	return ok
}

// finds tells whether the constraint counts a pod.
func (s *spreading) finds(pod, other *corev1.Pod) bool {
	selector, err := snapshot.SelectorOf(s.LabelSelector)
	if err != nil || !selector.Matches(labels.Set(other.Labels)) {
		return false
	}
	for _, key := range s.MatchLabelKeys {
		if v, ok := pod.Labels[key]; ok && other.Labels[key] != v {
			return false
		}
	}
	return true
}

// includes tells whether a node's domain counts. By default that of a tainted or cordoned node does,
// and that of a node without the labels that the pod asks for does not.
func (s *spreading) includes(pod *corev1.Pod, n *corev1.Node, required nodeaffinity.RequiredNodeAffinity) bool {
	if s.NodeAffinityPolicy == nil || *s.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor {
		if ok, err := required.Match(n); err == nil && !ok {
			return false
		}
	}
	if s.NodeTaintsPolicy != nil && *s.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
		return len(untolerated(pod, n)) == 0 && (!n.Spec.Unschedulable || toleratesCordon(pod))
	}
	return true
}

// least is the number of pods in the domain that has fewest.
func (s *spreading) least() int {
	if len(s.counts) == 0 || s.MinDomains != nil && len(s.counts) < int(*s.MinDomains) {
		return 0
	}
	least := -1
	for _, n := range s.counts {
		if least < 0 || n < least {
			least = n
		}
	}
	return least
}

// table words the domains: "a 1, b 1, c 0".
func (s *spreading) table() string {
	var list []string
	for v, n := range s.counts {
		list = append(list, fmt.Sprintf("%s has %d", v, n))
	}
	sort.Strings(list)
	return words(list)
}

// judge adds what the neighbours of a node keep the pod away by.
func (n *neighbours) judge(node *corev1.Node, add func(kind, string)) {
	if !n.known {
		return
	}
	for _, s := range n.spread {
		v, ok := node.Labels[s.TopologyKey]
		if !ok {
			add(bySpread, "no label "+s.TopologyKey)
			continue
		}
		if s.counts[v]+s.self-s.least() > int(s.MaxSkew) {
			add(bySpread, fmt.Sprintf("%s %s has %s, the fewest is %d", s.TopologyKey, v, rule.Count(s.counts[v], "pod"), s.least()))
		}
	}
	for _, t := range n.near {
		v, ok := node.Labels[t.TopologyKey]
		switch {
		case !ok:
			add(byAffinity, "no label "+t.TopologyKey)
		case len(t.domains[v]) == 0 && !n.self:
			add(byAffinity, "no pod with "+t.words()+" there")
		}
	}
	for _, t := range n.far {
		if v, ok := node.Labels[t.TopologyKey]; ok && len(t.domains[v]) > 0 {
			add(byAnti, "must not be near "+t.domains[v][0].String())
			return // pods of one workload have it against each other
		}
	}
	for _, t := range n.theirs {
		if v, ok := node.Labels[t.TopologyKey]; ok && len(t.domains[v]) > 0 {
			add(byTheirs, t.holder.String()+" does not want it near")
			return
		}
	}
}

// words are the labels that a term looks for.
func (t *term) words() string {
	if t.LabelSelector == nil {
		return "no labels at all"
	}
	return metav1.FormatLabelSelector(t.LabelSelector)
}

// level words a topology: "node" for its name, else the label.
func level(key string) string {
	switch key {
	case corev1.LabelHostname:
		return "node"
	case corev1.LabelTopologyZone:
		return "zone"
	}
	return strings.TrimPrefix(key, "topology.kubernetes.io/")
}
