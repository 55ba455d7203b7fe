package network

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolNoDNS finds policies for egress that forget the name server.
var NetpolNoDNS = rule.Check{
	ID: "netpol-no-dns", Title: "egress is limited, and DNS is not allowed", Doc: rule.ReadDoc(docs, "netpol_no_dns.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.NetworkPolicyKind), Needs: policyKinds,
	Applies: func(p *rule.Pass) bool {
		policy := policyOf(p)
		return policy != nil && limits(policy, networkingv1.PolicyTypeEgress)
	},
	Run: func(p *rule.Pass) {
		policy := policyOf(p)
		selector, err := snapshot.SelectorOf(&policy.Spec.PodSelector)
		if err != nil {
			return
		}
		var cut []snapshot.Selected
		var limiting []*networkingv1.NetworkPolicy
		var overTCP *field.Path
		for _, t := range p.SelectedTemplates(p.Object.Namespace, selector) {
			i := isolated(p.Snapshot)[t.Template.Spec]
			// Of the policies for the same pods one speaks for all: the first.
			if i == nil || len(i.out) == 0 || i.out[0] != policy || !clusterDNS(t.Template.Spec) {
				continue
			}
			at, no := forgetsDNS(p, i.out)
			if !no {
				continue
			}
			if cut == nil {
				limiting, overTCP = i.out, at
			}
			cut = append(cut, t)
		}
		if len(cut) > 0 && !otherPolicies(p, p.Object.Namespace) {
			reportNoDNS(p, cut, limiting, overTCP)
		}
	},
}

// dnsPorts are the ports on which name servers of clusters listen in their pods. Source: kubernetes/kubernetes
// cluster/addons/dns, OpenShift's DNS operator, and CoreDNS without the right to port 53.
var dnsPorts = []int32{53, 1053, 5353, 8053}

// forgetsDNS tells whether policies that let something out leave out the name server; where it may be meant by some
// rule, they do not. What lets nothing out at all is meant so. With the port that is open over TCP alone.
func forgetsDNS(p *rule.Pass, policies []*networkingv1.NetworkPolicy) (overTCP *field.Path, no bool) {
	rules := 0
	for _, policy := range policies {
		for i, r := range policy.Spec.Egress {
			rules++
			if len(r.Ports) == 0 {
				if len(r.To) == 0 || slices.ContainsFunc(r.To, func(peer networkingv1.NetworkPolicyPeer) bool { return mayHoldDNS(p, policy, &peer) }) {
					return nil, false
				}
				continue
			}
			for j := range r.Ports {
				at := &r.Ports[j]
				if opensDNS(at, corev1.ProtocolUDP) {
					return nil, false
				}
				if at.Port != nil && at.Port.Type == intstr.Int && at.Port.IntVal == dnsPorts[0] && policy == policies[0] && overTCP == nil && opensDNS(at, corev1.ProtocolTCP) {
					overTCP = field.NewPath("spec", "egress").Index(i).Child("ports").Index(j)
				}
			}
		}
	}
	return overTCP, rules > 0
}

// opensDNS tells whether a port of a rule is, or may be, one of a name server.
func opensDNS(port *networkingv1.NetworkPolicyPort, protocol corev1.Protocol) bool {
	has := corev1.ProtocolTCP
	if port.Protocol != nil && *port.Protocol != "" {
		has = *port.Protocol
	}
	switch {
	case has != protocol:
		return false
	case port.Port == nil || port.Port.Type == intstr.String:
		return true
	case port.EndPort != nil:
		return slices.ContainsFunc(dnsPorts, func(n int32) bool { return n >= port.Port.IntVal && n <= *port.EndPort })
	}
	return slices.Contains(dnsPorts, port.Port.IntVal)
}

// mayHoldDNS tells whether a peer is, or may be, the name server, which runs beside Kubernetes itself under the label
// k8s-app=kube-dns, whichever program it is.
func mayHoldDNS(p *rule.Pass, policy *networkingv1.NetworkPolicy, peer *networkingv1.NetworkPolicyPeer) bool {
	server := knowledge.Endpoint{Namespace: metav1.NamespaceSystem, Labels: map[string]string{"k8s-app": "kube-dns"}}
	if ns, _ := p.Lookup(snapshot.NamespaceKind, "", metav1.NamespaceSystem); ns != nil {
		server.NamespaceLabels, server.NamespaceRead = ns.Meta.GetLabels(), true
	}
	return knowledge.PeerMatches(policy.Namespace, peer, server) != knowledge.No
}

// dnsRule is the rule that lets pods ask the name server.
const dnsRule = `egress:
- to:
  - namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: kube-system
    podSelector:
      matchLabels:
        k8s-app: kube-dns
  ports:
  - port: 53
    protocol: UDP
  - port: 53
    protocol: TCP
`

func reportNoDNS(p *rule.Pass, cut []snapshot.Selected, limiting []*networkingv1.NetworkPolicy, overTCP *field.Path) {
	who := "the policy limits"
	if len(limiting) > 1 {
		who = policyNames(limiting) + " limit"
	}
	f := rule.Finding{
		Field: field.NewPath("spec", "egress"), Certainty: rule.Likely, Label: "nothing here is for port 53 over UDP",
		Message: fmt.Sprintf("%s what %s may connect to, and no rule is for the name server: names do not resolve in its pods", who, holders(cut)),
	}
	port := func(protocol corev1.Protocol) any {
		return map[string]any{"port": int64(dnsPorts[0]), "protocol": string(protocol)}
	}
	fix := rule.Fix{Title: "let them ask the name server: port 53, over UDP and TCP", Applicability: rule.NeedsThought, Caution: "where no program of the pods looks up a name it is right as it is", YAML: dnsRule}
	rules := policyOf(p).Spec.Egress
	fix.Patch = p.Put(field.NewPath("spec", "egress").Index(len(rules)), map[string]any{
		"to": []any{map[string]any{
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{corev1.LabelMetadataName: metav1.NamespaceSystem}},
			"podSelector":       map[string]any{"matchLabels": map[string]any{"k8s-app": "kube-dns"}},
		}},
		"ports": []any{port(corev1.ProtocolUDP), port(corev1.ProtocolTCP)},
	})
	if overTCP != nil {
		f.Field, f.Value, f.Label = overTCP.Child("protocol"), "TCP", "TCP, where nothing else is said"
		f.Message = fmt.Sprintf("port 53 is open over TCP only: %s asks the name server over UDP, so names do not resolve in its pods", holders(cut))
		if v, given := rule.ValueAt(p.Object, f.Field); !given || v == nil {
			f.Value = ""
			f.Message = fmt.Sprintf("port 53 names no protocol, which is TCP then: %s asks the name server over UDP, so names do not resolve in its pods", holders(cut))
		}
		fix.Title, fix.YAML = "open it over UDP", "ports:\n- port: 53\n  protocol: UDP\n- port: 53\n  protocol: TCP\n"
		fix.Caution = "keep TCP beside it, for answers that are too long for UDP"
		fix.Patch = p.Put(f.Field, string(corev1.ProtocolUDP))
	}
	if onlyAddresses(limiting) {
		f.Severity, f.Certainty = rule.Low, rule.Possible
		f.Message += "; do they connect by address alone?"
	}
	fix.Command = p.Live(fix.Patch)
	p.Report(f).WithFix(fix)
}

// onlyAddresses tells whether all rules are for blocks of addresses: who knows addresses may need no names.
func onlyAddresses(policies []*networkingv1.NetworkPolicy) bool {
	for _, policy := range policies {
		for _, r := range policy.Spec.Egress {
			if len(r.To) == 0 || slices.ContainsFunc(r.To, func(peer networkingv1.NetworkPolicyPeer) bool { return peer.IPBlock == nil }) {
				return false
			}
		}
	}
	return true
}
