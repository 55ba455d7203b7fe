package scheduling

import (
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedNoNodes finds pods in a cluster that has no node at all.
var SchedNoNodes = rule.Cause{
	ID: "sched-no-nodes", Title: "the cluster has no nodes", Doc: rule.ReadDoc(docs, "sched_no_nodes.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if message, _, ok := unschedulable(p); ok && noNodes(message) {
			return []snapshot.Want{snapshot.WantList(snapshot.NodeKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		message, evidence, ok := unschedulable(p)
		if !ok || !noNodes(message) {
			return
		}
		f := rule.Finding{
			Object: p.Object.Ref, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
			NoField: "no setting of the pod is to blame: there is nothing to place it on",
			Message: "no node is registered with this cluster: nothing can run",
			Fix: &rule.Fix{
				Title: "see why no node has joined: node pool scaled to zero, machines that do not start, kubelets that cannot log in", Applicability: rule.NeedsThought,
				Lines: []string{rule.Kubectl(p.Context, "", "get", "nodes")},
			},
		}
		if all := nodes(p); len(all) > 0 {
			f.Certainty = rule.Likely
			f.Message = "when the scheduler looked no node was registered; since then " + rule.Count(len(all), "node") + " joined, and it will look again"
		}
		p.Report(f)
	},
}

func noNodes(message string) bool {
	return strings.Contains(message, "no nodes available to schedule pods") || strings.HasPrefix(message, "0/0 nodes are available")
}
