package reliability

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SpreadMismatch finds rules for spreading pods that do not count the pods they stand in.
var SpreadMismatch = rule.Check{
	ID: "spread-mismatch", Title: "a spread constraint that does not count its own pods", Doc: rule.ReadDoc(docs, "spread_mismatch.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, t := range p.Object.Templates {
			if len(t.Spec.TopologySpreadConstraints) > 0 {
				s, ok := scaleOf(p, p.Object)
				return ok && s.count > 1
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		s, ok := scaleOf(p, p.Object)
		if !ok || s.count < 2 {
			return
		}
		for _, t := range p.Object.Templates {
			for _, m := range constraintMisses(t) {
				p.Report(rule.Finding{
					Field: m.path, Value: m.selector, Label: "does not select these pods",
					Message: fmt.Sprintf("counts %s and none of its own pods (%s): this constraint does not spread the %s",
						podsWith(m.selector), labels.Set(t.Labels), rule.Count(s.count, "replica")),
				}).WithFix(reselectFix(p, t, m))
			}
		}
	},
	Peers: map[string][]string{"kube-score": {"pod-topology-spread-constraints"}},
}

func podsWith(selector string) string {
	if selector == "" {
		return "no pods at all"
	}
	return "pods with " + selector
}

// constraintMisses are the topology spread constraints of a template whose selector does not find its pods.
// The field matchLabelKeys only narrows a selector down, by what the pods themselves have.
func constraintMisses(t snapshot.Template) []miss {
	var misses []miss
	for i, c := range t.Spec.TopologySpreadConstraints {
		selector, err := snapshot.SelectorOf(c.LabelSelector)
		if err != nil || selector.Matches(labels.Set(t.Labels)) {
			continue
		}
		misses = append(misses, miss{
			path:     t.SpecPath().Child("topologySpreadConstraints").Index(i).Child("labelSelector"),
			selector: format(c.LabelSelector), hard: c.WhenUnsatisfiable == corev1.DoNotSchedule,
		})
	}
	return misses
}
