package network

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolOrphan finds NetworkPolicies that are for no pod.
var NetpolOrphan = rule.Check{
	ID: "netpol-orphan", Title: "NetworkPolicy selects no pod", Doc: rule.ReadDoc(docs, "netpol_orphan.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Kinds(snapshot.NetworkPolicyKind),
	Applies: func(p *rule.Pass) bool {
		policy := policyOf(p)
		return policy != nil && !system(p.Object.Namespace) && len(policy.Spec.PodSelector.MatchLabels)+len(policy.Spec.PodSelector.MatchExpressions) > 0
	},
	Run: func(p *rule.Pass) {
		policy, ns := policyOf(p), p.Object.Namespace
		selector, err := snapshot.SelectorOf(&policy.Spec.PodSelector)
		if err != nil || len(selected(p, ns, selector)) > 0 {
			return
		}
		if why := unread(p, ns, selectable...); why != "" {
			p.Unknown("%s", why)
			return
		}
		if p.Files && !p.Closed && len(p.Workloads(ns)) == 0 {
			p.Unknown("no workload of namespace %s is in the input", ns)
			return
		}
		if p.MadeByOperator(ns, &policy.Spec.PodSelector) {
			p.Unknown("an operator may make the pods that it is for")
			return
		}
		text := metav1.FormatLabelSelector(&policy.Spec.PodSelector)
		path := field.NewPath("spec", "podSelector")
		f := rule.Finding{
			Field: path, Value: text, Certainty: certaintyHere(p), Label: "finds no pod",
			Message: fmt.Sprintf("podSelector %s finds no pod and no pod template %s: the policy limits nothing", text, place(p, ns)),
		}
		if _, ok := fitting(p, ns, &policy.Spec.PodSelector, func(want, has string) bool {
			return len(policy.Spec.PodSelector.MatchLabels) > 1 || knowledge.Nearest(want, []string{has}) != ""
		}); ok && !p.Files {
			return // there a cause says so
		}
		n, ok := nearest(p, ns, &policy.Spec.PodSelector)
		if !ok {
			p.Report(f).WithFix(rule.Fix{Title: "select labels that the pods carry, or delete the policy", Applicability: rule.NeedsThought, Caution: "from then on only what its rules name gets in or out"})
			return
		}
		f.Severity, f.Field, f.Value = rule.Medium, path.Child("matchLabels").Key(n.key), n.old
		f.Label = fmt.Sprintf("%s has %s=%s", n.object, n.key, n.new)
		f.Message += "; " + f.Label
		p.Report(f).WithFix(rule.Fix{
			Title: fmt.Sprintf("select %s=%s, which the pods have", n.key, n.new), Applicability: rule.NeedsThought, Patch: p.Put(f.Field, n.new),
			Caution: "from then on only what its rules name gets in or out: see that they name all that must",
		})
	},
	Peers: map[string][]string{
		"popeye": {"POP-1200"}, "kube-score": {"networkpolicy-targets-pod"}, "kube-linter": {"dangling-networkpolicy"}, "kubescape": {"dangling-networkpolicy"},
	},
}
