package efficiency

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// EphemeralMissing finds containers of which nobody says how much of the node's disk they take.
var EphemeralMissing = rule.Check{
	ID: "ephemeral-missing", Title: "no request or limit of ephemeral storage", Doc: rule.ReadDoc(docs, "ephemeral_missing.md"),
	Dimension: rule.Efficiency, Severity: rule.Low, Off: true, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		budgets(p, func(b budget) {
			for _, c := range b.running() {
				if b.completed(c) {
					continue
				}
				var lists, missing []string
				if !b.limit(c, corev1.ResourceEphemeralStorage).set() {
					lists, missing = append(lists, "limits"), append(missing, "limit")
				}
				if !b.request(c, corev1.ResourceEphemeralStorage).set() {
					lists, missing = append(lists, "requests"), append(missing, "request")
				}
				if len(lists) == 0 {
					continue
				}
				p.Report(rule.Finding{
					Seen: p.Object.In(c.Name), Field: resources(c.Path, lists[0], corev1.ResourceEphemeralStorage),
					Message: fmt.Sprintf("container %q has no %s of ephemeral storage: its log and what it writes may fill the disk of its node", c.Name, strings.Join(missing, " and no ")),
					Fix: ask(p, c, "say how much it may write: log, writable layer, emptyDir volumes on disk",
						"a pod that writes more than its limit is evicted", lists[0], corev1.ResourceEphemeralStorage, "<SIZE>"),
				})
			}
		})
	},
	Peers: map[string][]string{"kube-score": {"container-ephemeral-storage-request-and-limit"}},
}
