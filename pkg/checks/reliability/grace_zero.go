package reliability

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// GraceZero finds pods that are killed without a word.
var GraceZero = rule.Check{
	ID: "grace-zero", Title: "killed without time to stop", Doc: rule.ReadDoc(docs, "grace_zero.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec.TerminationGracePeriodSeconds == nil || *t.Spec.TerminationGracePeriodSeconds != 0 {
				continue
			}
			at := t.SpecPath().Child("terminationGracePeriodSeconds")
			f := rule.Finding{
				Field: at, Value: "0", Label: "SIGKILL at once",
				Message: "terminationGracePeriodSeconds 0: each stop is a kill, with requests unanswered and files half written",
			}
			if services := p.ServicesOf(p.Object, t); len(services) > 0 {
				f.Severity = rule.Medium
				f.Message = "terminationGracePeriodSeconds 0: each stop is a kill, and requests from " + names(services) + " that are under way are lost"
			}
			if p.Object.GroupKind() == snapshot.StatefulSetKind {
				f.Severity = rule.High
				f.Message = "terminationGracePeriodSeconds 0: a pod is gone from the API while its process may still write, and the next one of the same name starts beside it"
				f.Label = "nobody waits for the process to end"
			}
			patch := p.Drop(at)
			p.Report(f).WithFix(rule.Fix{
				Title: "leave it out: 30 seconds are the default", Caution: "a stop takes as long as the program needs for it, up to 30 seconds",
				Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
			})
		}
	},
}
