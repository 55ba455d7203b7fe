package network

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Policies of network plugins and of administrators, which limit or open as NetworkPolicies do, by rules of their
// own. Of the first kinds there is one per namespace, the others are for all.
var (
	pluginPolicies  = []schema.GroupKind{snapshot.CiliumPolicyKind, snapshot.CalicoPolicyKind, snapshot.CalicoStoredPolicyKind}
	clusterPolicies = []schema.GroupKind{
		snapshot.CiliumClusterPolicyKind, snapshot.CalicoGlobalPolicyKind, snapshot.CalicoStoredGlobalPolicyKind,
		snapshot.AdminPolicyKind, snapshot.BaselinePolicyKind, snapshot.ClusterNetworkPolicyKind,
	}
)

// policyKinds are all that decides who may connect.
var policyKinds = slices.Concat([]schema.GroupKind{snapshot.NetworkPolicyKind}, pluginPolicies, clusterPolicies)

// otherPolicies tells whether a namespace has policies that are no NetworkPolicies: what they let through is not
// judged here.
func otherPolicies(p *rule.Pass, namespace string) bool {
	some := func(namespace string) func(schema.GroupKind) bool {
		return func(gk schema.GroupKind) bool { return len(p.List(gk, namespace)) > 0 }
	}
	return slices.ContainsFunc(pluginPolicies, some(namespace)) || slices.ContainsFunc(clusterPolicies, some(""))
}

// isolation is which policies limit the pods of a template, by name.
type isolation struct{ in, out []*networkingv1.NetworkPolicy }

type isolationKey struct{}

// isolated are the templates that some NetworkPolicy is for. Pods of the node's own network are left out: policies do
// not apply to them.
func isolated(s *snapshot.Snapshot) map[*corev1.PodSpec]*isolation {
	return snapshot.Derived(s, isolationKey{}, func() map[*corev1.PodSpec]*isolation {
		found := map[*corev1.PodSpec]*isolation{}
		for _, o := range s.List(snapshot.NetworkPolicyKind, "") {
			policy, ok := o.Typed.(*networkingv1.NetworkPolicy)
			if !ok || policy.DeletionTimestamp != nil {
				continue
			}
			selector, err := snapshot.SelectorOf(&policy.Spec.PodSelector)
			if err != nil {
				continue
			}
			in, out := limits(policy, networkingv1.PolicyTypeIngress), limits(policy, networkingv1.PolicyTypeEgress)
			for _, t := range s.SelectedTemplates(o.Namespace, selector) {
				if t.Template.Spec == nil || t.Template.Spec.HostNetwork {
					continue
				}
				i := found[t.Template.Spec]
				if i == nil {
					i = &isolation{}
					found[t.Template.Spec] = i
				}
				if in {
					i.in = append(i.in, policy)
				}
				if out {
					i.out = append(i.out, policy)
				}
			}
		}
		return found
	})
}

// limits tells whether a policy limits one direction.
func limits(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	return slices.Contains(knowledge.PolicyTypes(policy), direction)
}

func policyOf(p *rule.Pass) *networkingv1.NetworkPolicy {
	policy, _ := p.Object.Typed.(*networkingv1.NetworkPolicy)
	return policy
}

// policyNames names policies: "networkpolicy/web and 1 more".
func policyNames(list []*networkingv1.NetworkPolicy) string {
	var names []string
	for _, policy := range list {
		names = append(names, "networkpolicy/"+policy.Name)
	}
	return short(rule.Distinct(names))
}
