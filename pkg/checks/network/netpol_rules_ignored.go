package network

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolRulesIgnored finds rules of NetworkPolicies that do not count.
var NetpolRulesIgnored = rule.Check{
	ID: "netpol-rules-ignored", Title: "NetworkPolicy with rules that do not count", Doc: rule.ReadDoc(docs, "netpol_rules_ignored.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Kinds(snapshot.NetworkPolicyKind),
	Run: func(p *rule.Pass) {
		policy := policyOf(p)
		if policy == nil {
			return
		}
		if len(policy.Spec.PolicyTypes) == 0 {
			judgeEmptyEgress(p, policy)
			return
		}
		if len(policy.Spec.Egress) > 0 && !limits(policy, networkingv1.PolicyTypeEgress) {
			reportIgnored(p, policy, networkingv1.PolicyTypeEgress, "egress", len(policy.Spec.Egress))
		}
		if len(policy.Spec.Ingress) > 0 && !limits(policy, networkingv1.PolicyTypeIngress) {
			reportIgnored(p, policy, networkingv1.PolicyTypeIngress, "ingress", len(policy.Spec.Ingress))
		}
	},
}

func reportIgnored(p *rule.Pass, policy *networkingv1.NetworkPolicy, missing networkingv1.PolicyType, rules string, count int) {
	path := field.NewPath("spec", "policyTypes")
	var types []any
	var have []string
	for _, t := range policy.Spec.PolicyTypes {
		types, have = append(types, string(t)), append(have, string(t))
	}
	patch := p.Put(path, append(types, string(missing)))
	p.Report(rule.Finding{
		Field: path, Value: some(have), Label: string(missing) + " is not among them",
		Marks:   []rule.Mark{{Field: field.NewPath("spec", rules), Label: "does not count"}},
		Message: fmt.Sprintf("policyTypes names %s only, so its %s for %s limits nothing", some(have), rule.Count(count, "rule"), rules),
	}).WithFix(rule.Fix{
		Title: fmt.Sprintf("name %s in policyTypes, or drop the rules", missing), Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		YAML:    rule.Nest("[Ingress, Egress]", "spec", "policyTypes"),
		Caution: "from then on only what the rules name gets through: see that they name all that must, DNS included",
	})
}

// judgeEmptyEgress looks for a list of no rules for egress that counts as none given. The API server keeps no
// empty list, so that only a file tells.
func judgeEmptyEgress(p *rule.Pass, policy *networkingv1.NetworkPolicy) {
	path := field.NewPath("spec", "egress")
	if !p.Files || len(policy.Spec.Egress) > 0 {
		return
	}
	if _, given := rule.ValueAt(p.Object, path); !given {
		return
	}
	p.Report(rule.Finding{
		Field: path, Value: "[]", Label: "counts as if it were not there",
		Message: "egress is an empty list, and policyTypes is not set: Egress counts by default only where there are rules, so nothing that goes out is limited",
	}).WithFix(rule.Fix{
		Title: "name Egress in policyTypes", Applicability: rule.NeedsThought, Patch: p.Put(field.NewPath("spec", "policyTypes"), []any{"Ingress", "Egress"}),
		YAML:    rule.Nest("[Ingress, Egress]", "spec", "policyTypes"),
		Caution: "from then on its pods can connect to nothing that no other policy names, not even to the name server",
	})
}
