package efficiency

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// MemoryRequestMissing finds containers for which no memory is kept.
var MemoryRequestMissing = rule.Check{
	ID: "memory-request-missing", Title: "no memory request", Doc: rule.ReadDoc(docs, "memory_request_missing.md"),
	Dimension: rule.Efficiency, Severity: rule.Medium, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		budgets(p, func(b budget) {
			if b.podRequest(corev1.ResourceMemory).set() {
				return
			}
			for _, c := range b.running() {
				request := b.request(c, corev1.ResourceMemory)
				if request.set() || b.completed(c) {
					continue
				}
				f := rule.Finding{
					Seen: p.Object.In(c.Name), Field: resources(c.Path, "requests", corev1.ResourceMemory),
					Fix: ask(p, c, "request the memory that it holds on an ordinary day",
						"measure it: kubectl top pod --containers shows the use of this moment", "requests", corev1.ResourceMemory, "<MEMORY>"),
				}
				f.Message = fmt.Sprintf("container %q requests no memory", c.Name)
				if request != nil {
					f.Value, f.Message = request.String(), fmt.Sprintf("container %q requests 0 memory", c.Name)
				}
				if b.bestEffort() {
					f.Message += ", and the pod nothing at all: it is BestEffort, the first to be evicted when its node runs short"
				} else {
					f.Message += ": the scheduler may put it where none is left, and it is evicted before those that ask"
				}
				p.Report(f)
			}
		})
	},
	Peers: map[string][]string{
		"polaris":     {"memoryRequestsMissing"},
		"popeye":      {"POP-106"},
		"kube-score":  {"container-resources"},
		"kubesec":     {"RequestsMemory"},
		"clusterlint": {"resource-requirements"},
		"kubescape":   {"resources-memory-requests", "resources-memory-limit-and-request", "resource-policies"},
	},
}
