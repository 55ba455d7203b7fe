package report

import "github.com/kubectl-maturity/kubectl-maturity/pkg/rule"

// The exit codes that a report can ask for.
const (
	ExitOK           = 0
	ExitFindings     = 1
	ExitNotEvaluated = 3
)

// ExitCode is 1 with findings at or above failOn ("none" never; one that is only possible is a
// question, and fails nothing), else 3 when something fatal could
// not be evaluated, or anything with strict, else 0.
func (r *Report) ExitCode(failOn string, strict bool) int {
	if failOn != "none" && failOn != "" {
		for _, f := range r.Findings {
			if !f.History && f.Certainty != string(rule.Possible) && rule.Severity(f.Severity).Rank() <= rule.Severity(failOn).Rank() {
				return ExitFindings
			}
		}
		for _, f := range r.waiting {
			if f.Certainty != rule.Possible && f.Severity.Rank() <= rule.Severity(failOn).Rank() {
				return ExitFindings
			}
		}
	}
	for _, n := range r.NotEvaluated {
		if n.Fatal || strict {
			return ExitNotEvaluated
		}
	}
	return ExitOK
}
