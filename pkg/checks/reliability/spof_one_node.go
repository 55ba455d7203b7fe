package reliability

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SPOFOneNode finds replicas that all run in one place, although there are others.
var SPOFOneNode = rule.Check{
	ID: "spof-one-node", Title: "all replicas run on one node, or in one zone", Doc: rule.ReadDoc(docs, "spof_one_node.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Needs: []schema.GroupKind{snapshot.PodKind, snapshot.NodeKind},
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && s.count > 1 && len(p.Object.Templates) == 1
	},
	Run: func(p *rule.Pass) {
		t := p.Object.Templates[0]
		nodes, ready := map[string]bool{}, 0
		for _, o := range p.PodsOf(p.Object) {
			pod := o.Pod()
			if pod == nil || pod.DeletionTimestamp != nil || pod.Spec.NodeName == "" || !rule.PodReady(pod) {
				continue
			}
			ready++
			nodes[pod.Spec.NodeName] = true
		}
		if ready < 2 {
			return
		}
		others, zones, here := places(p, t, nodes)
		f := rule.Finding{Field: t.SpecPath().Child("topologySpreadConstraints"), Label: "does not keep them apart"}
		switch {
		case len(nodes) == 1 && others > 0:
			f.Message = fmt.Sprintf("all %d ready pods run on node %s, and %s could take some: when it goes, all of them do", ready, anyOf(nodes), rule.Count(others, "other node"))
		case len(here) == 1 && len(zones) > 1:
			f.Message = fmt.Sprintf("all %d ready pods run in zone %s, and there are %d zones: when it goes, all of them do", ready, anyOf(here), len(zones))
		default:
			return
		}
		if len(servicesInFront(p)) == 0 {
			f.Severity = rule.Low
		}
		fix := rule.Fix{
			Title: "restart it, so that the scheduler spreads the pods as it is told to", Applicability: rule.NeedsThought,
			Caution: "the restart replaces all pods once; a rule that only prefers to spread them may do the same again",
		}
		if apart, _ := keepsApart(p.Object, t); !apart {
			fix = spreadFix(p, t)
		} else if !p.Files && p.Object.Group() == "apps" {
			fix.Command = []string{"rollout", "restart", p.Object.String()}
		}
		p.Report(f).WithFix(fix)
	},
}

// places counts the other nodes that would take pods of a template, the zones of all that would, and the zones of the given ones.
func places(p *rule.Pass, t snapshot.Template, nodes map[string]bool) (others int, zones, here map[string]bool) {
	required := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: *t.Spec})
	zones, here = map[string]bool{}, map[string]bool{}
	for _, o := range p.List(snapshot.NodeKind, "") {
		n, ok := o.Typed.(*corev1.Node)
		if !ok {
			continue
		}
		zone := n.Labels[corev1.LabelTopologyZone]
		if nodes[n.Name] {
			here[zone] = true
		}
		if fits, err := required.Match(n); err != nil || !fits || n.Spec.Unschedulable || n.DeletionTimestamp != nil || rule.NodeReady(o) != corev1.ConditionTrue || !toleratesAll(t.Spec.Tolerations, n) {
			continue
		}
		if !nodes[n.Name] {
			others++
		}
		if zone != "" {
			zones[zone] = true
		}
	}
	if here[""] { // of a node without a label nobody knows where it is
		return others, nil, nil
	}
	return others, zones, here
}

func anyOf(set map[string]bool) string {
	for k := range set {
		return k
	}
	return ""
}
