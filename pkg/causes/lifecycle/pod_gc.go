package lifecycle

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PodGC finds pods that were given up because the Node object they were bound to is gone.
var PodGC = rule.Cause{
	ID: "pod-gc", Title: "given up: its node does not exist any more", Doc: rule.ReadDoc(docs, "pod_gc.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Wants: wantsNode(byPodGC),
	Run: func(p *rule.Pass) {
		c, ok := taken(p, byPodGC)
		if !ok {
			return
		}
		f, node := takenFinding(p, c), nodeRef(p)
		f.NoField = "no setting of the pod is to blame: its node was deleted under it"
		f.Message = fmt.Sprintf("was marked as failed and deleted since %s does not exist any more: it was removed, or replaced under another name", node.String())
		if o := nodeOf(p); o != nil {
			f.Message = fmt.Sprintf("was marked as failed and deleted since %s did not exist; it is there again now", node.String())
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "metadata.creationTimestamp", Time: o.Meta.GetCreationTimestamp().Time, Text: o.String() + " was created"})
		} else if _, out := p.Lookup(snapshot.NodeKind, "", node.Name); out.State == snapshot.Absent && out.Proven {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Text: "the API has no " + node.String()})
		}
		f.Fix = nextStep(p, rule.Fix{
			Object:  node,
			Caution: "where the machine still runs, its kubelet may still run the containers: see that it is off before a second pod writes to the same data",
		})
		p.Report(f)
	},
}
