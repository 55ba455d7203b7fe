package reliability

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// LivenessMissing finds containers that nobody restarts when they hang.
var LivenessMissing = rule.Check{
	ID: "liveness-missing", Title: "no livenessProbe: a hang lasts until somebody sees it", Doc: rule.ReadDoc(docs, "liveness_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return len(judged(p)) > 0 },
	Run: func(p *rule.Pass) {
		for _, c := range judged(p) {
			if c.LivenessProbe != nil || asksItself(p.Object, c, "livenessProbe") {
				continue
			}
			f := rule.Finding{
				Seen:    p.Object.In(c.Name),
				Field:   c.Path.Child("livenessProbe"),
				Message: "container \"" + c.Name + "\" has no livenessProbe: when it hangs, nothing restarts it",
				Label:   "no livenessProbe here",
			}
			f.RuledOut = append(f.RuledOut, "a process that ends: the kubelet restarts that without a probe")
			p.Report(f).WithFix(probeFix(p, c, "livenessProbe", "ask something that only answers while the process works",
				"what it asks must not depend on other services: a restart does not mend those", "<PATH>"))
		}
	},
	Peers: map[string][]string{
		"polaris": {"livenessProbeMissing"}, "popeye": {"POP-103", "POP-102"}, "kube-score": {"pod-probes"},
		"kube-linter": {"no-liveness-probe"}, "kubescape": {"configured-liveness-probe"},
	},
}
