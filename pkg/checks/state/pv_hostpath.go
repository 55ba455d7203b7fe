package state

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVHostPath finds volumes that are another folder on each node.
var PVHostPath = rule.Check{
	ID: "pv-hostpath", Title: "a volume that is another one on each node", Doc: rule.ReadDoc(docs, "pv_hostpath.md"),
	Dimension: rule.State, Severity: rule.Medium, On: rule.Kinds(snapshot.PVKind),
	Applies: func(p *rule.Pass) bool {
		pv, ok := p.Object.Typed.(*corev1.PersistentVolume)
		return ok && (pv.Spec.HostPath != nil || pv.Spec.Local != nil)
	},
	Run: func(p *rule.Pass) {
		pv, ok := p.Object.Typed.(*corev1.PersistentVolume)
		if !ok || pv.Spec.HostPath == nil || pv.Spec.NodeAffinity != nil {
			return
		}
		if !p.Files && p.ListRead(snapshot.NodeKind, "") && len(p.List(snapshot.NodeKind, "")) == 1 {
			return
		}
		at := field.NewPath("spec", "nodeAffinity")
		patch := p.Put(at, map[string]any{"required": map[string]any{"nodeSelectorTerms": []any{map[string]any{
			"matchExpressions": []any{map[string]any{"key": corev1.LabelHostname, "operator": "In", "values": []any{"<NODE>"}}},
		}}}})
		p.Report(rule.Finding{
			Field: at, Marks: []rule.Mark{{Field: field.NewPath("spec", "hostPath", "path"), Label: "of whichever node the pod runs on"}},
			Message:   fmt.Sprintf("is folder %s of whichever node its pod runs on: on another node the pod finds an empty folder instead of its data, unless all nodes mount the same there", pv.Spec.HostPath.Path),
			Certainty: rule.Likely, // a share of the network may be mounted there on every node
			Label:     "nothing binds it to the node that has the data",
		}).WithFix(rule.Fix{
			Title: "bind it to the node that has the data, or move the data to a class that any node can attach", Applicability: rule.Placeholders,
			Caution: "then pods that use it run on that node only, and wait when it is gone", Patch: patch, Command: p.Live(patch),
			YAML: "nodeAffinity:\n  required:\n    nodeSelectorTerms:\n    - matchExpressions:\n      - {key: kubernetes.io/hostname, operator: In, values: [<NODE>]}\n",
		})
	},
}
