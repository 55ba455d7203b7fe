package reliability

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RequestOverLimit finds containers that ask for more than they may have: the API refuses them.
var RequestOverLimit = rule.Check{
	ID: "request-over-limit", Title: "requests more than its limit", Doc: rule.ReadDoc(docs, "request_over_limit.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				r := c.Resources
				for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
					request, limit := r.Requests[name], r.Limits[name]
					if _, limited := r.Limits[name]; !limited || request.Cmp(limit) <= 0 {
						continue
					}
					at := c.Path.Child("resources")
					p.Report(rule.Finding{
						Seen: p.Object.In(c.Name), Field: at.Child("requests").Key(string(name)), Value: request.String(), Label: "more than the limit",
						Marks:   []rule.Mark{{Field: at.Child("limits").Key(string(name)), Label: "the most that it may have"}},
						Message: fmt.Sprintf("container %q requests %s of %s, and its limit is %s: the API refuses it", c.Name, request.String(), word(name), limit.String()),
					}).WithFix(rule.Fix{
						Title:         "lower the request to what it needs, or raise the limit to at least that",
						Applicability: rule.NeedsThought,
					})
				}
			}
		}
	},
}

// word is a resource in a sentence.
func word(name corev1.ResourceName) string {
	if name == corev1.ResourceCPU {
		return "CPU"
	}
	return string(name)
}
