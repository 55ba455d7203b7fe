package reliability

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DrainBlocked finds nodes that nobody can empty without harm.
var DrainBlocked = rule.Check{
	ID: "drain-blocked", Title: "the node could not be drained now", Doc: rule.ReadDoc(docs, "drain_blocked.md"),
	Dimension: rule.Maintenance, Severity: rule.Medium, Off: true, On: rule.Kinds(snapshot.NodeKind),
	Needs: []schema.GroupKind{snapshot.PodKind, snapshot.NodeKind, snapshot.PDBKind, snapshot.PVCKind, snapshot.PVKind, snapshot.NodePoolKind},
	// A single node is not drained onto another one, and what is no machine is not drained at all.
	Applies: func(p *rule.Pass) bool {
		n, ok := p.Object.Typed.(*corev1.Node)
		return ok && (!p.Files || p.Closed) && wholeCluster(p, snapshot.PodKind) && n.DeletionTimestamp == nil && rule.NodeReady(p.Object) == corev1.ConditionTrue && !virtual(n)
	},
	Run: func(p *rule.Pass) {
		if len(p.List(snapshot.NodeKind, "")) == 1 {
			p.Report(rule.Finding{NoField: "other nodes stand nowhere", Message: "a drain would stop everything: there is no other node, so every upgrade is an outage"}).
				WithFix(rule.Fix{Title: "add a second node, and a third for what votes", Applicability: rule.NeedsThought})
			return
		}
		holds := drainsOf(p)[p.Object.Name]
		if len(holds) == 0 {
			return
		}
		const few = 3
		f := rule.Finding{NoField: "what holds a drain up stands in other objects", Certainty: rule.Possible}
		var words []string
		for i, h := range holds {
			if h.certainty.Rank() < f.Certainty.Rank() {
				f.Certainty = h.certainty
			}
			if i < few {
				words = append(words, h.text)
				f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: h.by, Text: h.text})
			}
		}
		f.Message = "a drain would not go through: " + strings.Join(words, "; ")
		if n := len(holds) - few; n > 0 {
			f.Message += fmt.Sprintf("; and %d more", n)
		}
		fix := rule.Fix{Title: holds[0].kind.mend(), Applicability: rule.NeedsThought, Caution: "look again afterwards: what holds the next pod up may show only then"}
		if !p.Files {
			fix.Caution = "the command only asks, and moves nothing; it asks for each pod alone, so that it cannot see whether there is room for all"
			fix.Command = []string{"drain", p.Object.Name, "--ignore-daemonsets", "--delete-emptydir-data", "--dry-run=server"}
		}
		p.Report(f).WithFix(fix)
	},
}

// wholeCluster tells whether somebody looked for all objects of a kind, and not for those of one namespace.
func wholeCluster(p *rule.Pass, gk schema.GroupKind) bool {
	return p.ListOutcome(gk, "").Reason != snapshot.ReasonUnread
}

// virtual tells what only looks like a node: a pod of Fargate has one of its own. Source: the labels that Virtual Kubelet and EKS put
// on such nodes.
func virtual(n *corev1.Node) bool {
	return n.Labels["type"] == "virtual-kubelet" || n.Labels["eks.amazonaws.com/compute-type"] == "fargate"
}

// hold is what a drain of a node stumbles over.
type hold struct {
	kind      holdKind
	by        snapshot.Ref
	text      string
	certainty rule.Certainty
}

type holdKind int

// What holds a drain up, worst first.
const (
	twoBudgets holdKind = iota
	noDisruption
	wouldBeLost
	tied
	noRoom
)

func (k holdKind) mend() string {
	switch k {
	case twoBudgets:
		return "leave one PodDisruptionBudget for each pod"
	case noDisruption:
		return "let the budget allow one pod at a time to go, or run one pod more than it needs"
	case wouldBeLost:
		return "have a Deployment or a Job make the pod"
	case tied:
		return "plan for the time in which the pod waits for its node: a copy elsewhere, and a budget that allows it to be away"
	}
	return "make room on other nodes: add one, or ask for less"
}

type drainsKey struct{}

// drainsOf are the things that hold up a drain of each node.
func drainsOf(p *rule.Pass) map[string][]hold {
	s := p.Snapshot
	// Nodes are judged side by side, and one of them does the work for all.
	return snapshot.Derived(s, drainsKey{}, func() func() map[string][]hold {
		return sync.OnceValue(func() map[string][]hold {
			all := map[string][]hold{}
			f := fleetOf(s)
			gone, grows := make([]bool, len(f.nodes)), growing(s)
			for i, n := range f.nodes {
				gone[i] = true
				all[n.Name] = f.drain(i, gone, grows)
				gone[i] = false
			}
			return all
		})
	})()
}

// budgetHere is a budget and its pods on a node.
type budgetHere struct {
	object *snapshot.Object
	*policyv1.PodDisruptionBudget
	guarded int // that count against it
	tied    int // that cannot go elsewhere
}

// drain finds what holds up the drain of one node.
func (f *fleet) drain(node int, gone []bool, grows bool) []hold {
	var holds []hold
	var moving, away []*lodger
	var budgets []*budgetHere
	of := map[*lodger]*budgetHere{}
	for _, l := range f.nodes[node].pods {
		if l.stays() {
			continue
		}
		list := f.s.BudgetsOf(l.Object, l.Templates[0])
		switch {
		case l.pod.Status.Phase == corev1.PodPending: // the API lets it go, whatever a budget says
		case len(list) > 1:
			holds = append(holds, hold{twoBudgets, l.Ref, fmt.Sprintf("pod %s is in %d budgets (%s, %s), and the API evicts none that is in more than one", at(l.Object), len(list), list[0].Name, list[1].Name), rule.Certain})
		case len(list) == 1:
			b := find(&budgets, list[0])
			if b == nil {
				break
			}
			of[l] = b
			if guarded(l.pod, b.PodDisruptionBudget) {
				b.guarded++
			}
		}
		if _, made := l.OwnerRef(); !made {
			holds = append(holds, hold{wouldBeLost, l.Ref, fmt.Sprintf("pod %s would be lost: nothing makes it anew", at(l.Object)), rule.Certain})
			continue
		}
		if _, bound := f.boundTo(l, node); bound {
			away = append(away, l)
			if b := of[l]; b != nil {
				b.tied++
			}
			continue
		}
		moving = append(moving, l)
	}
	for _, b := range budgets {
		if h, ok := b.refuses(); ok {
			holds = append(holds, h)
		}
	}
	for _, l := range away {
		if b := of[l]; b != nil && b.tied <= int(b.Status.DisruptionsAllowed) { // somebody counts with that
			continue
		}
		volume, _ := f.boundTo(l, node)
		holds = append(holds, hold{tied, l.Ref, fmt.Sprintf("pod %s would wait until the node is back: its volume %s is on it", at(l.Object), volume), rule.Certain})
	}
	if !grows {
		for _, m := range f.without(gone, true).move(moving) {
			holds = append(holds, m.hold())
		}
	}
	slices.SortStableFunc(holds, func(a, b hold) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.by.Namespace, b.by.Namespace), cmp.Compare(a.by.Name, b.by.Name))
	})
	return holds
}

// at names an object with its namespace.
func at(o *snapshot.Object) string { return o.Namespace + "/" + o.Name }

func find(list *[]*budgetHere, o *snapshot.Object) *budgetHere {
	if i := slices.IndexFunc(*list, func(b *budgetHere) bool { return b.object == o }); i >= 0 {
		return (*list)[i]
	}
	pdb, ok := o.Typed.(*policyv1.PodDisruptionBudget)
	if !ok {
		return nil
	}
	b := &budgetHere{object: o, PodDisruptionBudget: pdb}
	*list = append(*list, b)
	return b
}

// guarded tells whether the eviction of a pod needs what its budget allows. Source: k8s.io/kubernetes
// pkg/registry/core/pod/storage/eviction.go.
func guarded(pod *corev1.Pod, pdb *policyv1.PodDisruptionBudget) bool {
	if rule.PodReady(pod) {
		return true
	}
	if policy := pdb.Spec.UnhealthyPodEvictionPolicy; policy != nil && *policy == policyv1.AlwaysAllow {
		return false
	}
	return pdb.Status.DesiredHealthy <= 0 || pdb.Status.CurrentHealthy < pdb.Status.DesiredHealthy
}

// refuses tells whether a budget lets no pod go. One that lets a pod go lets them all go, each once the one before has been replaced.
func (b *budgetHere) refuses() (hold, bool) {
	if b.guarded == 0 {
		return hold{}, false
	}
	name := "budget " + at(b.object)
	s := b.Status
	if s.ObservedGeneration == 0 { // its controller has not counted yet
		_, why := blocks(b.PodDisruptionBudget, 0, "", false)
		return hold{noDisruption, b.object.Ref, fmt.Sprintf("%s lets none of its pods go (%s)", name, why), rule.Certain}, why != ""
	}
	if s.DisruptionsAllowed > 0 {
		return hold{}, false
	}
	h := hold{noDisruption, b.object.Ref, fmt.Sprintf("%s lets no pod go, and has %d here: %d of %d must be ready", name, b.guarded, s.DesiredHealthy, s.ExpectedPods), rule.Certain}
	if s.CurrentHealthy < s.ExpectedPods { // it may when they are
		h.text += fmt.Sprintf(", and %d are", s.CurrentHealthy)
		h.certainty = rule.Likely
	}
	return h, true
}

// boundTo is the volume of a pod that is on the disk of the node, and that no other node can use.
func (f *fleet) boundTo(l *lodger, node int) (string, bool) {
	for _, v := range f.volumesOf(l) {
		others := false
		for i, reaches := range v.reach {
			others = others || reaches && i != node
		}
		if v.local && !others {
			return v.Name, true
		}
	}
	return "", false
}

// hold words why a pod finds no place.
func (m misfit) hold() hold {
	h := hold{noRoom, m.Ref, "", rule.Likely}
	var why string
	switch m.why {
	case closed:
		why = "no other node is open"
	case byNode:
		why = "its nodeSelector or affinity fits no other node"
	case byTaint:
		why = "it does not tolerate the taints of the nodes that it fits"
	case byVolume:
		why = "its volume " + m.volume + " cannot be used from the others"
	default:
		h.certainty = rule.Possible // another order might find one
		why = m.crowded()
	}
	h.text = fmt.Sprintf("no place was found for pod %s: %s", at(m.Object), why)
	return h
}

func (m misfit) crowded() string {
	switch m.why {
	case byOthers:
		return "its rules about other pods, or theirs about it, keep it from the others"
	case bySpread:
		return "its topologySpreadConstraints keep it from the others"
	case byPort:
		return "its hostPort is taken on the others"
	case bySlots:
		return "the others have as many pods as they take"
	}
	return fmt.Sprintf("it asks for %s of %s, and the most that is left on a node is %s", quantity(m.column, m.want), m.column, quantity(m.column, m.most))
}

func quantity(name corev1.ResourceName, n int64) string {
	switch {
	case name == corev1.ResourceCPU:
		return resource.NewMilliQuantity(n, resource.DecimalSI).String()
	case name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage || strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
		const unit = 1 << 20
		if n >= unit {
			n -= n % unit
		}
		return resource.NewQuantity(n, resource.BinarySI).String()
	}
	return resource.NewQuantity(n, resource.DecimalSI).String()
}
