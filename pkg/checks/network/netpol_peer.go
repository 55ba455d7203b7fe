package network

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolPeer finds peers of NetworkPolicies that are nobody.
var NetpolPeer = rule.Check{
	ID: "netpol-peer", Title: "NetworkPolicy lets in or out to nobody", Doc: rule.ReadDoc(docs, "netpol_peer.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Kinds(snapshot.NetworkPolicyKind),
	Applies: func(p *rule.Pass) bool {
		policy := policyOf(p)
		return policy != nil && !system(p.Object.Namespace) && len(policy.Spec.Ingress)+len(policy.Spec.Egress) > 0
	},
	Run: func(p *rule.Pass) {
		policy := policyOf(p)
		if limits(policy, networkingv1.PolicyTypeIngress) {
			for i := range policy.Spec.Ingress {
				judgePeers(p, policy.Spec.Ingress[i].From, field.NewPath("spec", "ingress").Index(i).Child("from"))
			}
		}
		if limits(policy, networkingv1.PolicyTypeEgress) {
			for i := range policy.Spec.Egress {
				judgePeers(p, policy.Spec.Egress[i].To, field.NewPath("spec", "egress").Index(i).Child("to"))
			}
		}
	},
	Peers: map[string][]string{
		"popeye": {"POP-1201", "POP-1202", "POP-1206", "POP-1207", "POP-1208"}, "kube-linter": {"dangling-networkpolicypeer-podselector"},
	},
}

func judgePeers(p *rule.Pass, peers []networkingv1.NetworkPolicyPeer, path *field.Path) {
	for i := range peers {
		peer, at := &peers[i], path.Index(i)
		switch {
		case peer.IPBlock != nil:
			judgeBlock(p, peer.IPBlock, at.Child("ipBlock", "cidr"))
		case peer.NamespaceSelector != nil:
			judgeNamespaces(p, peer, at)
		case peer.PodSelector != nil:
			judgePodPeer(p, peer.PodSelector, at.Child("podSelector"), []string{p.Object.Namespace})
		}
	}
}

// judgePodPeer looks for pods of namespaces that a peer is for.
func judgePodPeer(p *rule.Pass, ls *metav1.LabelSelector, path *field.Path, namespaces []string) {
	if all(ls) || optIn(ls) || slices.ContainsFunc(namespaces, func(ns string) bool { return p.MadeByOperator(ns, ls) }) {
		return
	}
	selector, err := snapshot.SelectorOf(ls)
	if err != nil {
		return
	}
	workloads := 0
	for _, ns := range namespaces {
		if len(selected(p, ns, selector)) > 0 {
			return
		}
		if why := unread(p, ns, selectable...); why != "" {
			p.Unknown("%s", why)
			return
		}
		workloads += len(p.Workloads(ns))
	}
	if p.Files && !p.Closed && workloads == 0 {
		return
	}
	text := metav1.FormatLabelSelector(ls)
	where := place(p, namespaces[0])
	if len(namespaces) > 1 && !p.Files {
		where = fmt.Sprintf("in the %d namespaces that it is for", len(namespaces))
	}
	f := rule.Finding{
		Field: path, Value: text, Certainty: certaintyHere(p), Label: "finds no pod",
		Message: fmt.Sprintf("peer %s finds no pod and no pod template %s: nobody gets through by it", text, where),
	}
	fix := rule.Fix{Title: "name labels that the peer's pods carry, or drop the peer", Applicability: rule.NeedsThought, Caution: "what it is for may come later, or be somebody else's"}
	if p.Files && !p.Closed {
		f.Severity = rule.Info // the peer is often somebody else's, and its manifests lie elsewhere
	}
	if n, ok := nearest(p, namespaces[0], ls); ok {
		f.Severity, f.Field, f.Value = rule.Medium, path.Child("matchLabels").Key(n.key), n.old
		f.Label = fmt.Sprintf("%s has %s=%s", n.object, n.key, n.new)
		f.Message += "; " + f.Label
		fix = rule.Fix{
			Title: fmt.Sprintf("name %s=%s, which %s has", n.key, n.new, n.object), Applicability: rule.NeedsThought, Patch: p.Put(f.Field, n.new),
			Caution: "that these pods may connect, only you know",
		}
		fix.Command = p.Live(fix.Patch)
	}
	p.Report(f).WithFix(fix)
}

// optIn tells whether a selector is for a label that clients put on themselves to be let in: there may be none yet.
func optIn(ls *metav1.LabelSelector) bool {
	for _, v := range ls.MatchLabels {
		if slices.Contains([]string{"true", "yes", "allow", "allowed", "enabled", "client", ""}, v) {
			return true
		}
	}
	return false
}

func judgeNamespaces(p *rule.Pass, peer *networkingv1.NetworkPolicyPeer, at *field.Path) {
	selector, err := snapshot.SelectorOf(peer.NamespaceSelector)
	if err != nil || selector.Empty() {
		return // where all namespaces are meant, not all need have such pods
	}
	path := at.Child("namespaceSelector")
	if why := unread(p, "", snapshot.NamespaceKind); why != "" {
		p.Unknown("%s", why)
		return
	}
	var found []string
	for _, o := range p.List(snapshot.NamespaceKind, "") {
		if selector.Matches(namespaceLabels(o)) {
			found = append(found, o.Name)
		}
	}
	if len(found) > 0 {
		if peer.PodSelector != nil {
			judgePodPeer(p, peer.PodSelector, at.Child("podSelector"), found)
		}
		return
	}
	// A namespace that exists and lacks the label is as good as proof, wherever the others are.
	if f, fix := byName(p, peer.NamespaceSelector, path); f != nil {
		p.Report(*f).WithFix(*fix)
		return
	}
	if p.Files && !p.Closed {
		return
	}
	text := metav1.FormatLabelSelector(peer.NamespaceSelector)
	p.Report(rule.Finding{
		Field: path, Value: text, Certainty: certaintyHere(p), Label: "finds no namespace",
		Message: fmt.Sprintf("no namespace has %s: nobody gets through by this peer", text),
	}).WithFix(rule.Fix{
		Title: "select the namespace by its name: " + corev1.LabelMetadataName, Applicability: rule.NeedsThought,
		Caution: "that the namespace is the right one, only you know", YAML: "namespaceSelector:\n  matchLabels:\n    " + corev1.LabelMetadataName + ": <NAMESPACE>\n",
	})
}

// namespaceLabels are the labels of a namespace, with the one that the API server puts on each.
func namespaceLabels(o *snapshot.Object) labels.Set {
	set := labels.Set{corev1.LabelMetadataName: o.Name}
	for k, v := range o.Meta.GetLabels() {
		set[k] = v
	}
	return set
}

// byName looks for a namespace of the name that a selector gives under a label of its own making, "name" mostly.
func byName(p *rule.Pass, ls *metav1.LabelSelector, path *field.Path) (*rule.Finding, *rule.Fix) {
	if len(ls.MatchLabels) != 1 || len(ls.MatchExpressions) > 0 {
		return nil, nil
	}
	for key, value := range ls.MatchLabels {
		o, _ := p.Lookup(snapshot.NamespaceKind, "", value)
		if o == nil || key == corev1.LabelMetadataName {
			return nil, nil
		}
		patch := p.Put(path.Child("matchLabels"), map[string]any{corev1.LabelMetadataName: value})
		return &rule.Finding{
				Field: path.Child("matchLabels").Key(key), Value: value, Severity: rule.Medium, Certainty: certaintyHere(p), Label: o.String() + " has no such label",
				Message: fmt.Sprintf("no namespace has the label %s=%s, not even %s: nobody gets through by this peer", key, value, o),
			}, &rule.Fix{
				Title: fmt.Sprintf("select it by the label that every namespace has: %s", corev1.LabelMetadataName), Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
				Caution: "its pods may connect from then on",
			}
	}
	return nil, nil
}

type clusterIPKey struct{}

// judgeBlock looks for the address of a Service, behind which are pods: plugins that look after the Service's
// address was replaced by a pod's never see it.
func judgeBlock(p *rule.Pass, block *networkingv1.IPBlock, path *field.Path) {
	prefix, err := netip.ParsePrefix(block.CIDR)
	if err != nil || !prefix.IsSingleIP() {
		return
	}
	services := snapshot.Derived(p.Snapshot, clusterIPKey{}, func() map[string]*snapshot.Object {
		found := map[string]*snapshot.Object{}
		for _, o := range p.List(snapshot.ServiceKind, "") {
			if svc, ok := o.Typed.(*corev1.Service); ok && len(svc.Spec.Selector) > 0 && svc.Spec.ClusterIP != corev1.ClusterIPNone && svc.Spec.ClusterIP != "" {
				for _, ip := range append([]string{svc.Spec.ClusterIP}, svc.Spec.ClusterIPs...) {
					found[ip] = o
				}
			}
		}
		return found
	})
	o := services[prefix.Addr().String()]
	if o == nil {
		return
	}
	p.Report(rule.Finding{
		Field: path, Value: block.CIDR, Certainty: rule.Likely, Label: "the address of " + o.String(),
		Message: fmt.Sprintf("%s is the address of %s in namespace %s, which is replaced by that of a pod before most network plugins look: nobody gets through by it", block.CIDR, o, o.Namespace),
	}).WithFix(rule.Fix{Title: "name the pods behind the Service with podSelector and namespaceSelector", Applicability: rule.NeedsThought, Caution: "some plugins look at the address of the Service all the same: try it first"})
}
