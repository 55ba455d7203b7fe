package nodes

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeRuntimeDown finds nodes whose kubelet reports that the container runtime does not answer.
var NodeRuntimeDown = rule.Cause{
	ID: "node-runtime-down", Title: "the node's container runtime does not answer", Doc: rule.ReadDoc(docs, "node_runtime_down.md"),
	Peers: map[string][]string{"popeye": {"POP-701", "POP-702"}},
	Stage: rule.StageNodeLost, On: rule.Kinds(snapshot.NodeKind),
	Run: func(p *rule.Pass) {
		c := complaint(p)
		if c == nil || !says(c.Message, "PLEG is not healthy", "container runtime is down", "container runtime status check may not have completed yet") {
			return
		}
		p.Report(rule.Finding{
			NoField:  "no setting of a workload is to blame: the container runtime of the machine hangs or is down",
			Message:  fmt.Sprintf("its container runtime has not answered its kubelet for %s: nothing is started or stopped there", since(p, c)),
			Evidence: []rule.Evidence{conditionEvidence(p, *c)}, Certainty: rule.Certain, Pods: notReadyOn(p),
			RuledOut: []string{"a kubelet that does not answer: it says this itself"},
			Fix: &rule.Fix{
				Title: "look at the runtime on the machine, and restart it; a full or slow disk is often behind it", Applicability: rule.NeedsThought,
				Caution: "keep new pods off meanwhile: kubectl cordon " + p.Object.Name,
				Lines:   []string{"on the machine: systemctl status containerd; journalctl -u containerd --since -15min; df -h"},
			},
		})
	},
}
