package maintenance

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Nodes that are replaced with each release of Kubernetes, three a year, live up to four months; the system below
// them gets fixes every few weeks.
const (
	oldNode     = 90 * 24 * time.Hour
	veryOldNode = 180 * 24 * time.Hour
)

// NodeOld finds nodes that nobody has replaced for long.
var NodeOld = rule.Check{
	ID: "node-old", Title: "has not been replaced for long", Doc: rule.ReadDoc(docs, "node_old.md"),
	Dimension: rule.Maintenance, Severity: rule.Low, On: rule.Kinds(snapshot.NodeKind),
	Applies: func(p *rule.Pass) bool {
		created := p.Object.Meta.GetCreationTimestamp()
		return !created.IsZero() && p.Object.Meta.GetLabels()["type"] != "virtual-kubelet" // which is no machine
	},
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		age := p.Age(p.Object.Meta.GetCreationTimestamp().Time)
		if !ok || age < oldNode {
			return
		}
		f := rule.Finding{
			Field: field.NewPath("metadata", "creationTimestamp"), Certainty: rule.Likely, Label: "joined " + rule.Human(age) + " ago",
			Message: fmt.Sprintf("is %s old: unless it is patched in place, its system lacks the fixes since then", rule.Human(age)),
		}
		if info := node.Status.NodeInfo; info.KernelVersion != "" {
			f.Message = fmt.Sprintf("is %s old, with kernel %s and %s: unless it is patched in place, its system lacks the fixes since then", rule.Human(age), info.KernelVersion, info.ContainerRuntimeVersion)
		}
		if age >= veryOldNode {
			f.Severity = rule.Medium
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "replace it by a new one: drain it, and delete it once its pods run elsewhere", Applicability: rule.NeedsThought,
			Caution: "data on the node itself goes with it, emptyDir and local volumes; PodDisruptionBudgets must allow the drain",
		})
	},
}
