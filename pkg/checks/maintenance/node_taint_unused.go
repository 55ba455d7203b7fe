package maintenance

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeTaintUnused finds nodes that are kept free for pods that do not exist.
var NodeTaintUnused = rule.Check{
	ID: "node-taint-unused", Title: "kept free for pods that do not exist", Doc: rule.ReadDoc(docs, "node_taint_unused.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, On: rule.Kinds(snapshot.NodeKind),
	Needs: []schema.GroupKind{snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.JobKind, snapshot.CronJobKind},
	Applies: func(p *rule.Pass) bool {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok || p.Files && !p.Closed {
			return false
		}
		for _, t := range node.Spec.Taints {
			if chosen(t) {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok {
			return
		}
		have := tolerationsOf(p.Snapshot)
		for i, t := range node.Spec.Taints {
			if !chosen(t) || rule.TolerationFor(t, have) >= 0 {
				continue
			}
			p.Report(rule.Finding{
				Field: field.NewPath("spec", "taints").Index(i), Certainty: rule.Likely, Label: "tolerated by DaemonSets at the most",
				Message: fmt.Sprintf("taint %s keeps it free for pods that tolerate it, and no workload but DaemonSets does", t.ToString()),
			}).WithFix(rule.Fix{
				Title: "take the taint away, or the node, if what it was for is gone", Applicability: rule.NeedsThought, Command: []string{"taint", "node", p.Object.Name, t.Key + ":" + string(t.Effect) + "-"},
				Caution: "it may be for Jobs that come and go, or for a node group that sets the taint anew",
			})
		}
	},
	Peers: map[string][]string{"popeye": {"POP-700"}},
}

// chosen tells taints that people set, and that keep pods away.
func chosen(t corev1.Taint) bool {
	return t.Effect != corev1.TaintEffectPreferNoSchedule && !rule.PassingTaint(t) && !strings.HasPrefix(t.Key, "node-role.kubernetes.io/")
}

type tolerationsKey struct{}

// tolerationsOf are the tolerations of all workloads but DaemonSets, each once.
func tolerationsOf(s *snapshot.Snapshot) []corev1.Toleration {
	return snapshot.Derived(s, tolerationsKey{}, func() []corev1.Toleration {
		var list []corev1.Toleration
		seen := map[corev1.Toleration]bool{}
		for _, o := range s.Workloads("") {
			if o.GroupKind() == snapshot.DaemonSetKind {
				continue
			}
			for _, t := range o.Templates {
				if t.Spec == nil {
					continue
				}
				for _, toleration := range t.Spec.Tolerations {
					toleration.TolerationSeconds = nil
					if !seen[toleration] {
						seen[toleration] = true
						list = append(list, toleration)
					}
				}
			}
		}
		return list
	})
}
