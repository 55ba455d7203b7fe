package efficiency

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// MemoryLimitMissing finds containers that may take all the memory of their node.
var MemoryLimitMissing = rule.Check{
	ID: "memory-limit-missing", Title: "no memory limit", Doc: rule.ReadDoc(docs, "memory_limit_missing.md"),
	Dimension: rule.Efficiency, Severity: rule.Medium, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		budgets(p, func(b budget) {
			if b.podLimit(corev1.ResourceMemory).set() {
				return
			}
			for _, c := range b.running() {
				limit := b.limit(c, corev1.ResourceMemory)
				if limit.set() || b.completed(c) {
					continue
				}
				f := rule.Finding{
					Seen: p.Object.In(c.Name), Field: resources(c.Path, "limits", corev1.ResourceMemory),
					Message: fmt.Sprintf("container %q has no memory limit: a leak in it takes the node's memory, and its neighbours with it", c.Name),
					Fix: ask(p, c, "limit the memory to what it may hold at its worst",
						"above the limit the kernel kills the container: measure the peak, and leave room", "limits", corev1.ResourceMemory, "<MEMORY>"),
				}
				if limit != nil {
					f.Value = limit.String()
					f.Message = fmt.Sprintf("container %q has a memory limit of 0, which is none: a leak in it takes the node's memory, and its neighbours with it", c.Name)
				}
				p.Report(f)
			}
		})
	},
	Peers: map[string][]string{
		"polaris":     {"memoryLimitsMissing"},
		"popeye":      {"POP-106", "POP-107"},
		"kube-score":  {"container-resources"},
		"kube-linter": {"unset-memory-requirements"},
		"kubesec":     {"LimitsMemory"},
		"clusterlint": {"resource-requirements"},
		"kubescape":   {"resources-memory-limits", "resources-memory-limit-and-request", "resource-policies", "resources-sandbox-memory-limits"},
	},
}
