package network

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolDefaultDenyMissing finds namespaces in which a pod is open to all that nobody has named.
var NetpolDefaultDenyMissing = rule.Check{
	ID: "netpol-default-deny-missing", Title: "namespace without an effective default deny", Doc: rule.ReadDoc(docs, "netpol_default_deny.md"),
	Dimension: rule.Security, Severity: rule.Low, Off: true,
	// What it needs is that of the namespace which is judged, and no list of all: so it is named here, and asked for below.
	On: rule.Kinds(slices.Concat([]schema.GroupKind{snapshot.NamespaceKind}, policyKinds)...),
	Applies: func(p *rule.Pass) bool {
		if p.Object.GroupKind() != snapshot.NamespaceKind || p.Files && !p.Closed { // policies often come from elsewhere than the namespace
			return false
		}
		return !system(p.Object.Name) && (len(reachable(p, p.Object.Name)) > 0 || unread(p, p.Object.Name, selectable...) != "")
	},
	Run: func(p *rule.Pass) {
		ns := p.Object.Name
		if reason := unread(p, ns, needed...); reason != "" {
			p.Unknown("%s", reason)
			return
		}
		pods := reachable(p, ns)
		var open, opened []snapshot.Selected
		var opener *networkingv1.NetworkPolicy
		for _, t := range pods {
			i := isolated(p.Snapshot)[t.Template.Spec]
			if i == nil || len(i.in) == 0 {
				open = append(open, t)
				continue
			}
			if at := slices.IndexFunc(i.in, letsAllIn); at >= 0 {
				opened, opener = append(opened, t), i.in[at]
			}
		}
		closed := len(open)+len(opened) == 0
		if others := otherKinds(p, ns); len(others) > 0 {
			if !ciliumDenies(others, closed) {
				p.Unknown("%s decides as well who may connect, by rules that are not judged here", others[0])
				return
			}
			closed = len(opened) == 0
		}
		if closed {
			return
		}
		f := rule.Finding{NoField: "what is missing is a NetworkPolicy in the namespace", Certainty: rule.Likely}
		switch {
		case len(opened) > 0:
			f.NoField = "what undoes it stands in the policy"
			f.Message = fmt.Sprintf("networkpolicy/%s lets everything in on all ports to %s: what other policies forbid there does not count", opener.Name, holders(opened))
		case len(open) == len(pods):
			f.Message = fmt.Sprintf("no policy denies what nobody has allowed: all of the cluster may connect to %s", holders(open))
		default:
			f.Message = fmt.Sprintf("no policy for ingress selects %s, so all of the cluster may connect there; %d of %d workloads are closed", holders(open), len(pods)-len(open)-len(opened), len(pods))
		}
		fix := rule.Fix{
			Title: "deny all ingress of the namespace, beside policies that name who may connect", Applicability: rule.NeedsThought,
			Caution: "all that no policy names is cut off at once, monitoring and ingress controllers included: write those policies first; and a network plugin must enforce them",
			YAML:    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: default-deny-ingress\n  namespace: " + ns + "\nspec:\n  podSelector: {}\n  policyTypes: [Ingress]\n",
		}
		if len(opened) > 0 {
			fix.Title, fix.YAML = "name in networkpolicy/"+opener.Name+" who may connect and on which ports", ""
			fix.Caution = "what nobody names is cut off from then on: see first who connects today"
		}
		p.Report(f).WithFix(fix)
	},
}

// needed is what must have been read of a namespace before one can say who may connect to its pods.
var needed = slices.Concat(policyKinds, selectable)

// reachable are the templates of a namespace whose pods a policy could be for: those that have ended and those of the
// node's own network are left out.
func reachable(p *rule.Pass, namespace string) []snapshot.Selected {
	var list []snapshot.Selected
	for _, o := range p.Workloads(namespace) {
		if ended(o) {
			continue
		}
		for _, t := range o.Templates {
			if takesPart(t) {
				list = append(list, snapshot.Selected{Object: o, Template: t})
			}
		}
	}
	return list
}

func ended(o *snapshot.Object) bool {
	switch t := o.Typed.(type) {
	case *corev1.Pod:
		return t.Status.Phase == corev1.PodSucceeded || t.Status.Phase == corev1.PodFailed
	case *batchv1.Job:
		return slices.ContainsFunc(t.Status.Conditions, func(c batchv1.JobCondition) bool {
			return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
		})
	}
	return false
}

// letsAllIn tells a policy with a rule that lets in the world, or every pod of the cluster, on all ports.
func letsAllIn(policy *networkingv1.NetworkPolicy) bool {
	return slices.ContainsFunc(policy.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
		return len(r.Ports) == 0 && reachOf(r.From) != limitedReach
	})
}

// otherKinds are the policies for a namespace that are no NetworkPolicies.
func otherKinds(p *rule.Pass, namespace string) []*snapshot.Object {
	var list []*snapshot.Object
	for _, gk := range pluginPolicies {
		list = append(list, p.List(gk, namespace)...)
	}
	for _, gk := range clusterPolicies {
		list = append(list, p.List(gk, "")...)
	}
	return list
}

// ciliumDenies tells the cases that are plain: one of Cilium's policies closes every pod of the namespace, or
// NetworkPolicies do (closed), and no rule of Cilium's opens all. Of all others, and of other policies, it says no. Source: github.com/cilium/cilium pkg/policy/api, where
// the allowing rules of both kinds are joined, a policy with an ingress section closes whom it selects, and
// enableDefaultDeny takes that back.
func ciliumDenies(policies []*snapshot.Object, closed bool) bool {
	for _, o := range policies {
		if o.GroupKind() != snapshot.CiliumPolicyKind && o.GroupKind() != snapshot.CiliumClusterPolicyKind {
			return false
		}
		for _, spec := range ciliumRules(o) {
			ingress, there := spec["ingress"]
			rules, ok := ingress.([]any)
			if there && !ok || slices.ContainsFunc(rules, opensToAll(o.GroupKind())) {
				return false
			}
			deny, set := snapshot.MapIn(spec, "enableDefaultDeny")["ingress"].(bool)
			selector, has := spec["endpointSelector"].(map[string]any)
			all := has && len(snapshot.MapIn(selector, "matchLabels")) == 0 && len(snapshot.ListIn(selector, "matchExpressions")) == 0
			if all && len(rules)+len(snapshot.ListIn(spec, "ingressDeny")) > 0 && (!set || deny) {
				closed = true
			}
		}
	}
	return closed
}

// ciliumRules are the rules of one of Cilium's policies: it has one, or a list.
func ciliumRules(o *snapshot.Object) []map[string]any {
	var rules []map[string]any
	if spec := specOf(o); spec != nil {
		rules = append(rules, spec)
	}
	for _, v := range snapshot.ListIn(o.Content, "specs") {
		if spec, ok := v.(map[string]any); ok {
			rules = append(rules, spec)
		}
	}
	return rules
}

// opensToAll tells a rule for ingress that names no ports, and no less than the cluster or the world as peers. One that is
// empty allows nothing.
func opensToAll(kind schema.GroupKind) func(any) bool {
	return func(v any) bool {
		r, ok := v.(map[string]any)
		if !ok {
			return true // what cannot be understood may open all
		}
		if len(snapshot.ListIn(r, "toPorts")) > 0 || len(snapshot.ListIn(r, "icmps")) > 0 {
			return false
		}
		for _, e := range snapshot.TextsIn(snapshot.ListIn(r, "fromEntities")) {
			if e == "all" || e == "cluster" || e == "world" {
				return true
			}
		}
		if slices.ContainsFunc(snapshot.TextsIn(snapshot.ListIn(r, "fromCIDR")), everyone) {
			return true
		}
		for _, v := range snapshot.ListIn(r, "fromEndpoints") {
			selector, ok := v.(map[string]any)
			// In a namespaced policy an empty selector means the namespace, in the other kind the cluster.
			if !ok || kind == snapshot.CiliumClusterPolicyKind && len(snapshot.MapIn(selector, "matchLabels"))+len(snapshot.ListIn(selector, "matchExpressions")) == 0 {
				return true
			}
			for _, e := range snapshot.ListIn(selector, "matchExpressions") {
				if m, ok := e.(map[string]any); !ok || word(m, "operator", "") == "Exists" {
					return true // "io.kubernetes.pod.namespace exists" is every pod of the cluster
				}
			}
		}
		for _, v := range snapshot.ListIn(r, "fromCIDRSet") {
			m, ok := v.(map[string]any)
			if !ok || everyone(word(m, "cidr", "")) && len(snapshot.ListIn(m, "except")) == 0 {
				return true
			}
		}
		return false
	}
}
