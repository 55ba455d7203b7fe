package network

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolMissing finds pods that everybody in the cluster may connect to.
var NetpolMissing = rule.Check{
	ID: "netpol-missing", Title: "no NetworkPolicy limits who connects to it", Doc: rule.ReadDoc(docs, "netpol_missing.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Workloads, Needs: policyKinds,
	Applies: func(p *rule.Pass) bool {
		ns := p.Object.Namespace
		if !connectable(p.Object) || system(ns) {
			return false
		}
		// Where nothing is limited, one workload speaks for all.
		return !p.ListRead(snapshot.NetworkPolicyKind, ns) || guardsOf(p.Snapshot)[ns].in > 0 || guardsOf(p.Snapshot)[ns].first == p.Object
	},
	Run: func(p *rule.Pass) {
		ns := p.Object.Namespace
		if otherPolicies(p, ns) {
			return
		}
		g := guardsOf(p.Snapshot)[ns]
		if g.in == 0 {
			reportOpenNamespace(p, g)
			return
		}
		for _, t := range p.Object.Templates {
			if !takesPart(t) {
				continue
			}
			if i := isolated(p.Snapshot)[t.Spec]; i != nil && len(i.in) > 0 {
				continue
			}
			path := field.NewPath("metadata", "labels")
			if t.Path != nil {
				path = t.Path.Child("metadata", "labels")
			}
			p.Report(rule.Finding{
				Field: path, Certainty: certaintyHere(p), Label: "no NetworkPolicy selects these",
				Message: fmt.Sprintf("no NetworkPolicy for ingress selects its pods, as one does %d of the %d workloads of namespace %s: every pod of the cluster may connect to them", g.in, g.all, ns),
			}).WithFix(policyFix(p, t.Labels))
		}
	},
	Peers: map[string][]string{
		"polaris": {"missingNetworkPolicy"}, "popeye": {"POP-1204", "POP-1205"}, "kube-score": {"pod-networkpolicy"}, "kube-linter": {"non-isolated-pod"},
		"kubescape": {"ensure_network_policy_configured_in_labels", "ingress-and-egress-blocked", "internal-networking"},
	},
}

// connectable tells whether an object has pods that others may connect to: what runs to its end serves nobody, and
// policies do not apply to the node's own network.
func connectable(o *snapshot.Object) bool {
	switch o.GroupKind() {
	case snapshot.JobKind, snapshot.CronJobKind:
		return false
	}
	if pod := o.Pod(); pod != nil && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed) {
		return false
	}
	for _, t := range o.Templates {
		if takesPart(t) {
			return true
		}
	}
	return false
}

func takesPart(t snapshot.Template) bool { return t.Spec != nil && !t.Spec.HostNetwork }

// guard counts the workloads of a namespace, and those that a policy for ingress selects.
type guard struct {
	first   *snapshot.Object
	all, in int
}

type guardKey struct{}

func guardsOf(s *snapshot.Snapshot) map[string]guard {
	return snapshot.Derived(s, guardKey{}, func() map[string]guard {
		all, policies := map[string]guard{}, isolated(s)
		for _, o := range s.Workloads("") {
			if !connectable(o) {
				continue
			}
			g := all[o.Namespace]
			if g.all == 0 {
				g.first = o
			}
			g.all++
			for _, t := range o.Templates {
				if i := policies[t.Spec]; i != nil && len(i.in) > 0 {
					g.in++
					break
				}
			}
			all[o.Namespace] = g
		}
		return all
	})
}

func reportOpenNamespace(p *rule.Pass, g guard) {
	ns := p.Object.Namespace
	f := rule.Finding{
		NoField: "what is missing is a NetworkPolicy in the namespace", Certainty: rule.Likely,
		Message: fmt.Sprintf("no NetworkPolicy limits who connects to the pods of namespace %s (%s): every pod of the cluster may", ns, rule.Count(g.all, "workload")),
	}
	if p.Files && !p.Closed {
		f.Severity = rule.Info // policies often come from elsewhere than what they protect
		f.Message = fmt.Sprintf("no NetworkPolicy in the input limits who connects to the pods of namespace %s (%s): without one every pod of the cluster may", ns, rule.Count(g.all, "workload"))
	}
	if o, _ := p.Lookup(snapshot.NamespaceKind, "", ns); o != nil {
		f.Object = o.Ref
	}
	p.Report(f).WithFix(policyFix(p, nil))
}

// policyFix is a policy that lets in what its author names, and nothing else.
func policyFix(p *rule.Pass, labels map[string]string) rule.Fix {
	selector, name := " {}", "default-deny"
	if len(labels) > 0 {
		selector, name = "\n    matchLabels:", p.Object.Name
		for _, k := range slices.Sorted(maps.Keys(labels)) {
			if !snapshot.ControllerLabel(k) {
				selector += fmt.Sprintf("\n      %s: %q", k, labels[k])
			}
		}
	}
	yaml := fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  podSelector:%s\n  policyTypes: [Ingress]\n", name, p.Object.Namespace, selector)
	if len(labels) > 0 {
		yaml += "  ingress:\n  - from:\n    - podSelector:\n        matchLabels: {<KEY>: <VALUE>}\n"
	}
	return rule.Fix{
		Title: "add a NetworkPolicy that names who may connect", Applicability: rule.Placeholders, YAML: yaml,
		Caution: "all that no policy names is cut off, monitoring and ingress controllers included; and a network plugin must enforce policies",
	}
}
