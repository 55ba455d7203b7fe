package lifecycle

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// TerminatingNodeLost finds pods that were deleted on a node which does not answer.
var TerminatingNodeLost = rule.Cause{
	ID: "terminating-node-lost", Title: "is deleted, and its node does not answer", Doc: rule.ReadDoc(docs, "terminating_node_lost.md"),
	Peers: map[string][]string{"popeye": {"POP-200", "POP-201"}},
	Stage: rule.StageStuckDeletion, On: rule.Pods, Beats: []string{"evicted-taint"},
	Wants: func(p *rule.Pass) []snapshot.Want {
		if pod := p.Object.Pod(); pod.DeletionTimestamp != nil && pod.Spec.NodeName != "" {
			return []snapshot.Want{snapshot.WantGet(snapshot.NodeKind, "", pod.Spec.NodeName)}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.DeletionTimestamp == nil || pod.Spec.NodeName == "" || p.Now.Sub(pod.DeletionTimestamp.Time) < stuck ||
			pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			return
		}
		node := nodeOf(p)
		if node == nil || rule.NodeReady(node) != corev1.ConditionUnknown {
			return
		}
		age := rule.Human(p.Age(pod.DeletionTimestamp.Time))
		f := rule.Finding{
			Object: node.Ref, Seen: p.Object.Ref, Because: &node.Ref, Certainty: rule.Certain,
			NoField: "no setting is to blame: only the node's kubelet can say that the containers have stopped",
			Message: fmt.Sprintf("was to be gone %s ago, and %s, which would stop it, does not answer", age, node.String()),
			Evidence: []rule.Evidence{
				{Source: rule.FromStatus, Object: p.Object.Ref, Field: "metadata.deletionTimestamp", Time: pod.DeletionTimestamp.Time, Text: "deletionTimestamp passed, phase " + string(pod.Status.Phase)},
				{Source: rule.FromStatus, Object: node.Ref, Field: "status.conditions[Ready]", Text: node.String() + " Ready: Unknown"},
			},
			RuledOut: []string{"a finalizer: that would keep it after its containers have stopped"},
			Fix: &rule.Fix{
				Title:         fmt.Sprintf("bring %s back; where its machine is certainly off, say so, and its pods and volumes are let go", node.String()),
				Caution:       "on a machine that still runs, the old pod goes on writing beside its successor: be certain that it is off",
				Applicability: rule.NeedsThought,
				Command:       []string{"taint", "node", node.Name, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"},
			},
		}
		if c := rule.Disruption(pod); c.Reason != "" {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[DisruptionTarget]", Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + c.Message})
		}
		p.Report(f)
	},
}
