package scheduling

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedTooManyPods finds pods for which nodes have room but no number left: a kubelet takes only so many.
var SchedTooManyPods = rule.Cause{
	ID: "sched-too-many-pods", Title: "the nodes have as many pods as they take", Doc: rule.ReadDoc(docs, "sched_too_many_pods.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsFor(p, byCrowd) },
	Run: func(p *rule.Pass) {
		s, evidence := blamed(p, byCrowd)
		if s == nil {
			return
		}
		f := rule.Finding{
			Object: p.Object.Ref, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
			NoField: "the number is the kubelet's own, maxPods: no setting of the pod changes it",
			Message: "every node that would take it has as many pods as its kubelet takes",
			Fix: &rule.Fix{
				Title: "add a node, remove pods that are not needed, or raise maxPods of the kubelets", Applicability: rule.NeedsThought,
				Caution: "each pod takes an address: the pod network of the node must have as many as maxPods says",
			},
		}
		if list := s.with(byCrowd); len(list) > 0 {
			n := list[0].node
			most := n.Status.Allocatable[corev1.ResourcePods]
			f.Message = fmt.Sprintf("%s that would take it %s as many pods as the kubelet takes: node/%s has %s of %s", allNodes(len(list)), has(len(list)), n.Name, most.String(), most.String())
			f.Object = snapshot.NodeRef(n.Name)
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: snapshot.NodeRef(n.Name), Field: "status.allocatable.pods", Text: fmt.Sprintf("node/%s allocatable pods: %s", n.Name, most.String())})
			f.RuledOut = []string{"CPU and memory: the node has enough left of both"}
			if len(list[0].kinds()) > 1 || s.rooms == nil {
				f.RuledOut = nil
			}
		}
		s.tell(&f, byCrowd)
		p.Report(f)
	},
}
