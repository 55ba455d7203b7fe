package observability

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SLOMissing finds clusters in which nobody wrote down how well services are to work.
var SLOMissing = rule.Check{
	ID: "slo-missing", Title: "no objective says how well a service is to work", Doc: rule.ReadDoc(docs, "slo_missing.md"),
	Dimension: rule.Observability, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs:   append([]schema.GroupKind{snapshot.PrometheusRuleKind, snapshot.VMRuleKind}, objectives...),
	Applies: wholeCluster,
	Run: func(p *rule.Pass) {
		for _, gk := range objectives {
			for _, o := range p.List(gk, "") {
				if effective(o) {
					return
				}
			}
		}
		for _, gk := range []schema.GroupKind{snapshot.PrometheusRuleKind, snapshot.VMRuleKind} {
			for _, o := range p.List(gk, "") {
				if recordsBudget(o) {
					return
				}
			}
		}
		p.Report(rule.Finding{NoField: nowhere, Certainty: rule.Likely, Message: "no object says how well a service is to work (Sloth, Pyrra, OpenSLO, or one of a provider): nothing tells a bad day from a usual one"}).
			WithFix(rule.Fix{Title: "write an objective for the service that matters most", Applicability: rule.NeedsThought, Caution: "it is worth something only if somebody acts on it"})
	},
}

// objectives are the kinds by which people say how well a service is to work.
var objectives = []schema.GroupKind{snapshot.SlothLevelKind, snapshot.PyrraLevelKind, snapshot.OpenSLOKind, snapshot.GoogleLevelKind, snapshot.DatadogSLOKind}

// effective tells whether an objective has a goal, and was understood by who makes rules of it. Source: the CRDs of Sloth and Pyrra.
func effective(o *snapshot.Object) bool {
	spec, _ := o.Content["spec"].(map[string]any)
	switch o.GroupKind() {
	case snapshot.SlothLevelKind:
		list, _ := spec["slos"].([]any)
		made, told := o.At("status", "promOpRulesGenerated")
		return len(list) > 0 && (!told || made == true)
	case snapshot.PyrraLevelKind:
		return spec["target"] != nil && spec["target"] != ""
	}
	return len(spec) > 0
}

// recordsBudget tells whether rules are those that tools make of objectives. Source: what Sloth and Pyrra generate.
func recordsBudget(o *snapshot.Object) bool {
	spec, _ := o.Content["spec"].(map[string]any)
	groups, _ := spec["groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		rules, _ := group["rules"].([]any)
		for _, r := range rules {
			if strings.HasPrefix(snapshot.TextIn(r, "record"), "slo:") || snapshot.TextIn(r, "labels", "sloth_slo") != "" || snapshot.TextIn(r, "labels", "slo") != "" && snapshot.TextIn(r, "record") != "" {
				return true
			}
		}
	}
	return false
}
