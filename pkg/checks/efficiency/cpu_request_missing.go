package efficiency

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// CPURequestMissing finds containers for which no CPU time is kept.
var CPURequestMissing = rule.Check{
	ID: "cpu-request-missing", Title: "no CPU request", Doc: rule.ReadDoc(docs, "cpu_request_missing.md"),
	Dimension: rule.Efficiency, Severity: rule.Medium, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		budgets(p, func(b budget) {
			if b.podRequest(corev1.ResourceCPU).set() {
				return
			}
			for _, c := range b.running() {
				request := b.request(c, corev1.ResourceCPU)
				if request.set() || b.completed(c) {
					continue
				}
				f := rule.Finding{
					Seen: p.Object.In(c.Name), Field: resources(c.Path, "requests", corev1.ResourceCPU),
					Message: fmt.Sprintf("container %q has no CPU request: on a busy node it gets what others leave", c.Name),
					Fix: ask(p, c, "request the CPU that it uses on an ordinary day",
						"measure it: kubectl top pod --containers shows the use of this moment", "requests", corev1.ResourceCPU, "<CPU>"),
				}
				if request != nil {
					f.Value = request.String()
					f.Message = fmt.Sprintf("container %q requests 0 CPU: on a busy node it gets what others leave", c.Name)
				}
				if b.ends() {
					f.Severity = rule.Low // it takes longer, and nobody waits for an answer
				}
				p.Report(f)
			}
		})
	},
	Peers: map[string][]string{
		"polaris":     {"cpuRequestsMissing"},
		"popeye":      {"POP-106"},
		"kube-score":  {"container-resources"},
		"kube-linter": {"unset-cpu-requirements"},
		"kubesec":     {"RequestsCPU"},
		"clusterlint": {"resource-requirements"},
		"kubescape":   {"resources-cpu-requests", "resources-cpu-limit-and-request", "resource-policies"},
	},
}
