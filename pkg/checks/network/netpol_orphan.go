package network

import (
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
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
		if err != nil {
			return
		}
		if found := selected(p, ns, selector); len(found) > 0 {
			if !slices.ContainsFunc(found, func(s snapshot.Selected) bool { return s.Template.Spec == nil || !s.Template.Spec.HostNetwork }) {
				reportOfNode(p, policy, found)
			}
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

// reportOfNode is for a policy whose pods all use the network of their node.
// Source: "NetworkPolicies and hostNetwork pods" in the documentation of NetworkPolicy: what becomes of it is not
// defined, and most network plugins leave such pods alone.
func reportOfNode(p *rule.Pass, policy *networkingv1.NetworkPolicy, found []snapshot.Selected) {
	p.Report(rule.Finding{
		Field: field.NewPath("spec", "podSelector"), Value: metav1.FormatLabelSelector(&policy.Spec.PodSelector), Certainty: rule.Likely, Label: "finds pods of their node's network only",
		Message: fmt.Sprintf("podSelector finds only %s, which uses its node's network: most network plugins hold no policy for such pods, so it limits nothing", holders(found)),
	}).WithFix(rule.Fix{
		Title: "set hostNetwork: false for the pods, or limit the node's ports with a firewall and delete the policy", Applicability: rule.NeedsThought,
		Caution: "an agent that looks at the node's own network needs hostNetwork; what it serves must then ask who calls",
	})
}
