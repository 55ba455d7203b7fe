package efficiency

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// CPULimitMissing finds containers that may use all CPU that is idle. Whether that is bad is disputed.
var CPULimitMissing = rule.Check{
	ID: "cpu-limit-missing", Title: "no CPU limit", Doc: rule.ReadDoc(docs, "cpu_limit_missing.md"),
	Dimension: rule.Efficiency, Severity: rule.Low, Off: true, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		budgets(p, func(b budget) {
			if b.podLimit(corev1.ResourceCPU).set() {
				return
			}
			for _, c := range b.running() {
				limit := b.limit(c, corev1.ResourceCPU)
				if limit.set() || b.completed(c) {
					continue
				}
				f := rule.Finding{
					Seen: p.Object.In(c.Name), Field: resources(c.Path, "limits", corev1.ResourceCPU),
					Message: fmt.Sprintf("container %q has no CPU limit: it may use all that is idle on its node", c.Name),
					Fix: ask(p, c, "limit the CPU to what it may use at its worst",
						"what needs more at its start, or under load, is slowed down from then on: measure the peak", "limits", corev1.ResourceCPU, "<CPU>"),
				}
				if limit != nil {
					f.Value = limit.String()
					f.Message = fmt.Sprintf("container %q has a CPU limit of 0, which is none: it may use all that is idle on its node", c.Name)
				}
				p.Report(f)
			}
		})
	},
	Peers: map[string][]string{
		"polaris":     {"cpuLimitsMissing"},
		"popeye":      {"POP-106", "POP-107"},
		"kube-score":  {"container-resources"},
		"kubesec":     {"LimitsCPU"},
		"clusterlint": {"resource-requirements"},
		"kubescape":   {"resources-cpu-limits", "resources-cpu-limit-and-request", "resource-policies", "resources-sandbox-cpu-limits"},
	},
}
