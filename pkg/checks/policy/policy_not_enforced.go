package policy

import (
	"slices"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PolicyNotEnforced finds clusters whose policies, if there are any, refuse nothing.
var PolicyNotEnforced = rule.Check{
	ID: "policy-not-enforced", Title: "no admission policy refuses anything", Doc: rule.ReadDoc(docs, "policy_not_enforced.md"),
	Dimension: rule.Policy, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: slices.Concat(judging, rule.LibraryConstraints()),
	Run: func(p *rule.Pass) {
		all := rule.AdmissionPolicies(p.Snapshot)
		if slices.ContainsFunc(all, func(a rule.AdmissionPolicy) bool { return a.Refuses }) {
			return
		}
		if i := slices.IndexFunc(all, func(a rule.AdmissionPolicy) bool { return a.Unclear != "" }); i >= 0 {
			p.Unknown("%s: %s", all[i].Object, all[i].Unclear)
			return
		}
		if g := guard(p); g != nil {
			p.Unknown("%s is asked about new pods, and its rules do not show", g)
			return
		}
		f := rule.Finding{NoField: "what is missing stands nowhere", Certainty: rule.Likely}
		fix := rule.Fix{
			Title: "enforce one policy that nobody breaks any more", Applicability: rule.NeedsThought,
			Caution: "what breaks it is refused from then on, pods of controllers included: see its reports and the audit log first",
		}
		if slices.ContainsFunc(all, func(a rule.AdmissionPolicy) bool { return a.Judges }) {
			f.Message = "no admission policy refuses what breaks it" + because(all, func(a rule.AdmissionPolicy) string { return a.Soft })
		} else {
			f.Message = "no admission policy is in effect, so none refuses anything" + because(all, func(a rule.AdmissionPolicy) string { return a.Idle })
			fix.Title = "start with one rule that warns, and let it deny once nobody breaks it"
		}
		p.Report(f).WithFix(fix)
	},
}
