package maintenance

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// longCordon is how long a node is cordoned for work on it.
const longCordon = 7 * 24 * time.Hour

// NodeCordoned finds nodes that somebody took out and forgot.
var NodeCordoned = rule.Check{
	ID: "node-cordoned", Title: "cordoned for longer than work on it takes", Doc: rule.ReadDoc(docs, "node_cordoned.md"),
	Dimension: rule.Maintenance, Severity: rule.Medium, On: rule.Kinds(snapshot.NodeKind),
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok || !node.Spec.Unschedulable {
			return
		}
		var since time.Time
		for _, t := range node.Spec.Taints {
			if t.Key == corev1.TaintNodeUnschedulable && t.TimeAdded != nil {
				since = t.TimeAdded.Time
			}
		}
		switch {
		case since.IsZero():
			p.Unknown("since when %s is cordoned is not recorded", p.Object.Ref)
			return
		case p.Age(since) < longCordon:
			return
		}
		p.Report(rule.Finding{
			Field: field.NewPath("spec", "unschedulable"), Value: "true", Label: "no new pod is put here",
			Message: fmt.Sprintf("cordoned for %s: it is paid for, its pods are not spread, and the others have less room when one of them fails", rule.Human(p.Age(since))),
		}).WithFix(rule.Fix{
			Title: "uncordon it, or drain it and take it out of the cluster", Applicability: rule.NeedsThought, Command: []string{"uncordon", p.Object.Name},
			Caution: "somebody cordoned it for a reason: ask, and look at its conditions and its kernel log first",
		})
	},
	Peers: map[string][]string{"popeye": {"POP-711"}},
}
