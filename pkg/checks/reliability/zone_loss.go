package reliability

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ZoneLoss finds clusters that one zone takes down, or too much of.
var ZoneLoss = rule.Check{
	ID: "zone-loss", Title: "the loss of a zone would not be survived", Doc: rule.ReadDoc(docs, "zone_loss.md"),
	Dimension: rule.Reliability, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{snapshot.PodKind, snapshot.NodeKind, snapshot.PVCKind, snapshot.PVKind, snapshot.NodePoolKind},
	// Nodes without a zone are in a place of their own that nobody has told the cluster of.
	Applies: func(p *rule.Pass) bool {
		if !p.ListRead(snapshot.NodeKind, "") {
			return wholeCluster(p, snapshot.NodeKind)
		}
		nodes := 0
		for _, list := range zonesOf(p) {
			nodes += len(list)
		}
		return nodes > 1
	},
	Run: func(p *rule.Pass) {
		zones := zonesOf(p)
		const missing = "where nodes are stands in what makes them"
		if len(zones) == 1 {
			for zone, nodes := range zones {
				p.Report(rule.Finding{NoField: missing, Message: fmt.Sprintf("all %d nodes are in zone %s: when it goes, everything does", len(nodes), zone)}).
					WithFix(rule.Fix{Title: "run nodes in two zones more, and spread the replicas over them", Applicability: rule.NeedsThought, Caution: "traffic between zones takes longer and is paid for by most clouds; volumes stay in the zone in which they were made"})
			}
			return
		}
		l := worstLoss(p, zones)
		var words []string
		if l.pods > 0 {
			words = append(words, fmt.Sprintf("without zone %s (%d of %d nodes) no place was found for %s of %s", l.zone, l.nodes, l.of, rule.Count(l.pods, "pod"), some(l.without)))
		}
		if len(l.bound) > 0 {
			words = append(words, fmt.Sprintf("the volumes of %s are in zone %s alone", some(l.bound), l.zone))
		}
		together := inOneZone(p, zones)
		if len(together) > 0 {
			words = append(words, fmt.Sprintf("all replicas of %s are in one zone", some(together)))
		}
		if len(words) == 0 {
			return
		}
		f := rule.Finding{NoField: missing, Certainty: rule.Possible, Message: strings.Join(words, "; ")}
		if len(l.bound)+len(together) > 0 {
			f.Certainty = rule.Certain
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "spread replicas over the zones, keep copies of the data in two, and leave as much room as the largest zone takes", Applicability: rule.NeedsThought,
			Caution: "room that is kept free is paid for: decide what must go on without the zone, and give it a priority class",
		})
	},
}

// some words a list of names, not all of a long one.
func some(list []string) string {
	const few = 3
	return rule.Few(list, few)
}

// zonesOf are the nodes of each zone. What only looks like a node has no place in any.
func zonesOf(p *rule.Pass) map[string][]*corev1.Node {
	zones := map[string][]*corev1.Node{}
	for _, o := range p.List(snapshot.NodeKind, "") {
		if n, ok := o.Typed.(*corev1.Node); ok && !virtual(n) {
			if zone := n.Labels[corev1.LabelTopologyZone]; zone != "" {
				zones[zone] = append(zones[zone], n)
			}
		}
	}
	return zones
}

// loss is what happens when a zone goes.
type loss struct {
	zone      string
	nodes, of int
	pods      int      // for which there is no place
	without   []string // whose they are
	bound     []string // workloads whose volumes are all in the zone
}

// worstLoss plays the loss of each zone through, and returns the one that costs most.
func worstLoss(p *rule.Pass, zones map[string][]*corev1.Node) loss {
	f := fleetOf(p.Snapshot)
	grows := growing(p.Snapshot)
	var all []loss
	for zone, nodes := range zones {
		l := loss{zone: zone, nodes: len(nodes), of: len(f.nodes)}
		gone := make([]bool, len(f.nodes))
		for _, n := range nodes {
			gone[f.index[n.Name]] = true
		}
		var moving []*lodger
		remains := map[*snapshot.Object]bool{} // what has pods elsewhere
		for i, n := range f.nodes {
			for _, pod := range n.pods {
				_, made := pod.OwnerRef()
				switch {
				case !gone[i]:
					remains[pod.kind.top] = true
				case made && !pod.stays():
					moving = append(moving, pod)
				}
			}
		}
		for _, m := range f.without(gone, false).move(moving) {
			switch name := at(m.kind.top); {
			case m.why == byVolume && !remains[m.kind.top]:
				if !slices.Contains(l.bound, name) {
					l.bound = append(l.bound, name)
				}
			case grows, (m.why == byVolume || m.why == byOthers || m.why == bySpread) && remains[m.kind.top]: // meant to be in several zones, and so it is
			default:
				l.pods++
				if !slices.Contains(l.without, name) {
					l.without = append(l.without, name)
				}
			}
		}
		slices.Sort(l.bound)
		slices.Sort(l.without)
		all = append(all, l)
	}
	return slices.MaxFunc(all, func(a, b loss) int {
		return cmp.Or(cmp.Compare(len(a.bound)+len(a.without), len(b.bound)+len(b.without)), cmp.Compare(a.pods, b.pods), cmp.Compare(a.nodes, b.nodes), cmp.Compare(b.zone, a.zone))
	})
}

// inOneZone are the workloads that have several pods that are ready, all of them in one zone.
func inOneZone(p *rule.Pass, zones map[string][]*corev1.Node) []string {
	zone := map[string]string{}
	for name, nodes := range zones {
		for _, n := range nodes {
			zone[n.Name] = name
		}
	}
	type place struct {
		zone  string
		pods  int
		apart bool // or nobody knows
	}
	places := map[*snapshot.Object]*place{}
	for _, o := range p.List(snapshot.PodKind, "") {
		pod := o.Pod()
		top := p.TopOwner(o)
		switch top.GroupKind() {
		case snapshot.PodKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind:
			continue
		}
		if pod == nil || pod.DeletionTimestamp != nil || pod.Spec.NodeName == "" || !rule.PodReady(pod) {
			continue
		}
		at := zone[pod.Spec.NodeName]
		if places[top] == nil {
			places[top] = &place{zone: at}
		}
		w := places[top]
		w.pods++
		w.apart = w.apart || at == "" || at != w.zone
	}
	var list []string
	for o, w := range places {
		if w.pods > 1 && !w.apart {
			list = append(list, at(o))
		}
	}
	slices.Sort(list)
	return list
}
