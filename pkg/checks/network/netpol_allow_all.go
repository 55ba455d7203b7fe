package network

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolAllowAll finds rules that allow everything.
var NetpolAllowAll = rule.Check{
	ID: "netpol-allow-all", Title: "NetworkPolicy with a rule that allows everything", Doc: rule.ReadDoc(docs, "netpol_allow_all.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Kinds(snapshot.NetworkPolicyKind),
	Run: func(p *rule.Pass) {
		policy := policyOf(p)
		if policy == nil {
			return
		}
		if limits(policy, networkingv1.PolicyTypeIngress) {
			for i, r := range policy.Spec.Ingress {
				if len(r.Ports) == 0 {
					judgeOpen(p, policy, networkingv1.PolicyTypeIngress, field.NewPath("spec", "ingress").Index(i), r.From, len(policy.Spec.Ingress) > 1)
				}
			}
		}
		if limits(policy, networkingv1.PolicyTypeEgress) {
			for i, r := range policy.Spec.Egress {
				if len(r.Ports) == 0 {
					judgeOpen(p, policy, networkingv1.PolicyTypeEgress, field.NewPath("spec", "egress").Index(i), r.To, len(policy.Spec.Egress) > 1)
				}
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1203"}},
}

// reach is how far a rule without ports opens.
type reach int

const (
	limitedReach reach = iota
	clusterReach       // every pod of the cluster
	worldReach
)

func reachOf(peers []networkingv1.NetworkPolicyPeer) reach {
	if len(peers) == 0 {
		return worldReach
	}
	far := limitedReach
	for i := range peers {
		switch {
		case peers[i].IPBlock != nil && everyone(peers[i].IPBlock.CIDR) && len(peers[i].IPBlock.Except) == 0:
			return worldReach
		case all(peers[i].NamespaceSelector) && (peers[i].PodSelector == nil || all(peers[i].PodSelector)):
			far = clusterReach
		}
	}
	return far
}

// all tells whether a selector is there and asks for nothing.
func all(s *metav1.LabelSelector) bool {
	return s != nil && len(s.MatchLabels)+len(s.MatchExpressions) == 0
}

func judgeOpen(p *rule.Pass, policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType, path *field.Path, peers []networkingv1.NetworkPolicyPeer, beside bool) {
	far := reachOf(peers)
	if far == limitedReach {
		return
	}
	in := direction == networkingv1.PolicyTypeIngress
	list, child, does := "ingress", "from", "lets everything in"
	if !in {
		list, child, does = "egress", "to", "lets everything out"
	}
	switch {
	case far == clusterReach && in:
		does = "lets in every pod of the cluster"
	case far == clusterReach:
		does = "lets out to every pod of the cluster"
	}
	f := rule.Finding{
		Field: path, Label: "neither peers nor ports: this is everything", Severity: rule.Info,
		Message: fmt.Sprintf("a rule for %s %s, on all ports", list, does),
	}
	if far == worldReach && in {
		f.Severity = rule.Low
	}
	if len(peers) > 0 {
		f.Field, f.Label = path.Child(child), child+" everywhere, on all ports"
		if far == clusterReach {
			f.Label = child + " every pod, on all ports"
		}
	}
	rest := "so it limits nothing there"
	if far == clusterReach {
		rest = "so it limits nothing inside of the cluster"
	}
	undone := undoes(p, policy, direction)
	switch {
	case len(undone) > 0 && far == worldReach:
		f.Severity = rule.Medium
		rest = fmt.Sprintf("which undoes %s for the same pods: what one policy allows no other forbids", policyNames(undone))
	case beside && far == worldReach:
		rest = "so the other rules beside it do not matter"
	}
	f.Message += ", " + rest
	p.Report(f).WithFix(rule.Fix{
		Title: "name who may connect and on which ports, or drop the rule", Applicability: rule.NeedsThought,
		Caution: "what nobody names is cut off from then on: see first who connects today",
	})
}

// undoes are the other policies for a direction that select the same pods and do not allow everything themselves.
func undoes(p *rule.Pass, policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	selector, err := snapshot.SelectorOf(&policy.Spec.PodSelector)
	if err != nil {
		return nil
	}
	var list []*networkingv1.NetworkPolicy
	seen := map[*networkingv1.NetworkPolicy]bool{policy: true}
	for _, t := range p.SelectedTemplates(p.Object.Namespace, selector) {
		i := isolated(p.Snapshot)[t.Template.Spec]
		if i == nil {
			continue
		}
		others := i.in
		if direction == networkingv1.PolicyTypeEgress {
			others = i.out
		}
		for _, o := range others {
			if !seen[o] && o.Name != policy.Name && rulesFor(o, direction) > 0 && !opensAll(o, direction) {
				list = append(list, o)
			}
			seen[o] = true
		}
	}
	return list
}

func rulesFor(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) int {
	if direction == networkingv1.PolicyTypeIngress {
		return len(policy.Spec.Ingress)
	}
	return len(policy.Spec.Egress)
}

func opensAll(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	if direction == networkingv1.PolicyTypeIngress {
		for _, r := range policy.Spec.Ingress {
			if len(r.Ports) == 0 && reachOf(r.From) == worldReach {
				return true
			}
		}
		return false
	}
	for _, r := range policy.Spec.Egress {
		if len(r.Ports) == 0 && reachOf(r.To) == worldReach {
			return true
		}
	}
	return false
}
