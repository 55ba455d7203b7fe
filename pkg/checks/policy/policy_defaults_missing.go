package policy

import (
	"slices"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PolicyDefaultsMissing finds clusters whose policies, if there are any, ask for what they could set themselves.
var PolicyDefaultsMissing = rule.Check{
	ID: "policy-defaults-missing", Title: "no policy sets defaults or makes objects", Doc: rule.ReadDoc(docs, "policy_defaults_missing.md"),
	Dimension: rule.Policy, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind), Needs: rule.ChangingKinds,
	Run: func(p *rule.Pass) {
		all := rule.AdmissionPolicies(p.Snapshot)
		if slices.ContainsFunc(all, func(a rule.AdmissionPolicy) bool { return a.Changes }) {
			return
		}
		mutates := func(a rule.AdmissionPolicy) string {
			if slices.Contains(rule.ChangingKinds, a.Object.GroupKind()) {
				return a.Idle
			}
			return ""
		}
		p.Report(rule.Finding{
			NoField: "what is missing stands nowhere", Certainty: rule.Likely,
			Message: "no policy in effect sets a default or makes what a new namespace needs" + because(all, mutates),
		}).WithFix(rule.Fix{
			Title: "let a policy set what everybody must write by hand: make the default deny and the LimitRange of each new namespace", Applicability: rule.NeedsThought,
			Caution: "what a policy changes differs from what stands in Git: set defaults where nothing is written, and never change what is",
		})
	},
}
