package network

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolNoMatch finds NetworkPolicies that are for no pod.
var NetpolNoMatch = rule.Cause{
	ID: "netpol-no-match", Title: "the NetworkPolicy is for no pod", Doc: rule.ReadDoc(docs, "netpol_no_match.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.NetworkPolicyKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		wants := []snapshot.Want{snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")}
		if policy, _ := p.Object.Typed.(*networkingv1.NetworkPolicy); policy != nil && p.ListRead(snapshot.PodKind, p.Object.Namespace) && findsNone(p, policy) {
			for _, gk := range podMakers { // pods that are still to come, or come and go
				wants = append(wants, snapshot.WantList(gk, p.Object.Namespace, ""))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		policy, _ := p.Object.Typed.(*networkingv1.NetworkPolicy)
		if policy == nil || deleted(p) || !p.ListRead(snapshot.PodKind, p.Object.Namespace) || !findsNone(p, policy) {
			return
		}
		reportNoMatch(p, policy)
	},
}

// podMakers are the kinds whose templates say which pods there will be.
var podMakers = []schema.GroupKind{snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.CronJobKind, snapshot.JobKind}

// findsNone tells whether a policy finds no pod and no template; one for all pods of its namespace is for
// those that come.
func findsNone(p *rule.Pass, policy *networkingv1.NetworkPolicy) bool {
	selector, err := selectorOf(&policy.Spec.PodSelector)
	if err != nil || selector.Empty() {
		return false
	}
	return !p.SelectsPod(p.Object.Namespace, selector) && len(p.SelectedTemplates(p.Object.Namespace, selector)) == 0
}

func reportNoMatch(p *rule.Pass, policy *networkingv1.NetworkPolicy) {
	at := field.NewPath("spec", "podSelector")
	selector, _ := selectorOf(&policy.Spec.PodSelector)
	pods := p.List(snapshot.PodKind, p.Object.Namespace)
	f := rule.Finding{
		Field: at, Value: selector.String(), Certainty: rule.Possible,
		Message:  fmt.Sprintf("is for %s, and none of %s in the namespace has that, so it limits nothing: is one still to come?", selector.String(), rule.Count(len(pods), "pod")),
		Label:    "no pod has these labels",
		Evidence: []rule.Evidence{{Source: rule.FromSpec, Text: fmt.Sprintf("0 of %s match %s, and no template of a workload that was read", rule.Count(len(pods), "pod"), selector.String())}},
		Fix:      &rule.Fix{Title: "select labels that the pods carry, or delete it", Applicability: rule.NeedsThought},
	}
	want := policy.Spec.PodSelector.MatchLabels
	if len(policy.Spec.PodSelector.MatchExpressions) == 0 {
		if n := nearest(want, pods); n != nil && len(n.wrong) == 1 && n.alike == 1 {
			key := n.wrong[0]
			if value, ok := n.pod.Meta.GetLabels()[key]; ok {
				who := makerOf(p, n.pod).String()
				setting := rule.Setting{Object: p.Object.Ref, Path: at.Child("matchLabels").Key(key)}
				f.Certainty, f.Field, f.Value = rule.Likely, setting.Path, want[key]
				f.Message = fmt.Sprintf("is for %s=%s, which no pod has, and %s has %s=%s: it limits nothing, and lets nothing in", key, want[key], who, key, value)
				f.Label = fmt.Sprintf("%s has %s=%s", who, key, value)
				f.Fix.Title = fmt.Sprintf("select %s=%s", key, value)
				f.Fix.Caution = "from then on only what its rules name gets in or out: see that they name all that must"
				f.Fix.Patch = setting.ReplaceValue(want[key], value)
				f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
			}
		}
	}
	p.Report(f)
}
