package reliability

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeSingleMaster finds control planes that one node, or one of two, takes along.
var NodeSingleMaster = rule.Check{
	ID: "node-single-master", Title: "a control plane of one node, or of two", Doc: rule.ReadDoc(docs, "spof_control_plane.md"),
	Dimension: rule.Reliability, Severity: rule.Info, On: rule.Kinds(snapshot.NodeKind),
	Needs: []schema.GroupKind{snapshot.NodeKind},
	// It is said once, at the first of them.
	Applies: func(p *rule.Pass) bool {
		masters := controlPlanes(p)
		return (!p.Files || p.Closed) && len(masters) > 0 && masters[0] == p.Object
	},
	Run: func(p *rule.Pass) {
		masters, all := controlPlanes(p), len(p.List(snapshot.NodeKind, ""))
		if all == len(masters) && all == 1 {
			return // there is nothing else that could go on
		}
		f := rule.Finding{NoField: "the number of nodes stands nowhere"}
		switch len(masters) {
		case 1:
			f.Message = fmt.Sprintf("the only node of the control plane, for %s: while it is away, pods run on, and nothing is started, replaced or scaled", rule.Count(all, "node"))
		case 2: // two members of etcd need each other
			f.Severity = rule.Low
			f.Message = "one of two nodes of the control plane: with etcd on them both must be up, so that it fails more often than with one"
		default:
			return
		}
		p.Report(f).WithFix(rule.Fix{Title: "run the control plane on three nodes, or keep a tested backup of etcd", Applicability: rule.NeedsThought, Caution: "control planes of a cloud are not seen as nodes, and are none of this"})
	},
	Peers: map[string][]string{"popeye": {"POP-712"}},
}

type controlPlanesKey struct{}

func controlPlanes(p *rule.Pass) []*snapshot.Object {
	return snapshot.Derived(p.Snapshot, controlPlanesKey{}, func() []*snapshot.Object {
		var list []*snapshot.Object
		for _, o := range p.List(snapshot.NodeKind, "") {
			labels := o.Meta.GetLabels()
			_, now := labels["node-role.kubernetes.io/control-plane"]
			_, before := labels["node-role.kubernetes.io/master"]
			if now || before {
				list = append(list, o)
			}
		}
		return list
	})
}
