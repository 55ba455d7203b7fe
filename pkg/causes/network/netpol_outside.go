package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// wantOutside asks for what decides whether policies drop a call to something that is no Service with pods.
func (c *call) wantOutside(p *rule.Pass) []snapshot.Want {
	if knowledge.Loopback(c.host) {
		return nil
	}
	wants := []snapshot.Want{snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, "")}
	switch {
	case c.byHand():
		wants = append(wants, snapshot.WantEndpoints(c.service.Namespace, c.service.Name))
	case private(c.host):
		wants = append(wants, snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""))
	}
	return wants
}

// byHand tells whether the call is for a Service whose endpoints somebody keeps.
func (c *call) byHand() bool {
	if c.service == nil {
		return false
	}
	svc, ok := c.service.Typed.(*corev1.Service)
	return ok && len(svc.Spec.Selector) == 0 && svc.Spec.Type != corev1.ServiceTypeExternalName
}

func private(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsPrivate()
}

// ends are the addresses that a call outside of the known Services goes to, and the port; none where they are
// not known.
func (c *call) ends(p *rule.Pass) (ips []string, port int32) {
	port = c.port
	if !c.byHand() {
		for _, ip := range []string{c.host, c.ip} {
			if _, err := netip.ParseAddr(ip); err == nil {
				ips = append(ips, ip)
			}
		}
		return ips, port
	}
	name := ""
	if svc, ok := c.service.Typed.(*corev1.Service); ok {
		for _, sp := range svc.Spec.Ports {
			if sp.Port == c.port {
				name = sp.Name
			}
		}
	}
	for _, o := range p.EndpointSlices(c.service) {
		es, ok := o.Typed.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		for _, ep := range es.Endpoints {
			ips = append(ips, ep.Addresses...)
		}
		for _, sp := range es.Ports {
			if sp.Port != nil && (sp.Name == nil && name == "" || sp.Name != nil && *sp.Name == name) {
				port = *sp.Port
			}
		}
	}
	return ips, port
}

// judgeOutside looks whether policies drop a call to an address that is no Service with pods: a machine, a managed
// database, an API.
func judgeOutside(p *rule.Pass, c call) {
	if knowledge.Loopback(c.host) || c.service != nil && !c.byHand() {
		return
	}
	if _, _, inside := serviceName(c.host, p.Object.Namespace); inside && c.service == nil {
		return // a name of this cluster that was not read
	}
	policies, ok := policiesIn(p, p.Object.Namespace)
	src := endpoint(p, p.Object)
	limiting := knowledge.Isolating(policies, src, networkingv1.PolicyTypeEgress)
	if !ok || len(limiting) == 0 || !before(limiting, c.container) {
		return
	}
	ips, port := c.ends(p)
	dst := knowledge.Endpoint{IPs: ips}
	if private(c.host) {
		if pod := podAt(p, c.host); pod != nil {
			dst = endpoint(p, pod)
		} else if !p.ListRead(snapshot.PodKind, p.Object.Namespace) || selectsElsewhere(limiting, dst, port) {
			return // it may be a pod of a namespace that was not read, and those a rule is for
		}
	}
	if knowledge.LetsOut(policies, src, dst, corev1.ProtocolTCP, port) != knowledge.No {
		return
	}
	reportOutside(p, c, limiting, dst, port)
}

// podAt is the pod that has an address; nil where none was read.
func podAt(p *rule.Pass, ip string) *snapshot.Object {
	for _, o := range p.List(snapshot.PodKind, "") {
		if pod := o.Pod(); !pod.Spec.HostNetwork && slices.ContainsFunc(pod.Status.PodIPs, func(at corev1.PodIP) bool { return at.IP == ip }) {
			return o
		}
	}
	return nil
}

// selectsElsewhere tells whether a rule for the port is for pods of other namespaces.
func selectsElsewhere(policies []*networkingv1.NetworkPolicy, to knowledge.Endpoint, port int32) bool {
	for _, policy := range policies {
		for _, r := range policy.Spec.Egress {
			if fitsPort(r.Ports, to, port) && slices.ContainsFunc(r.To, func(peer networkingv1.NetworkPolicyPeer) bool { return peer.NamespaceSelector != nil }) {
				return true
			}
		}
	}
	return false
}

func fitsPort(ports []networkingv1.NetworkPolicyPort, to knowledge.Endpoint, port int32) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(one networkingv1.NetworkPolicyPort) bool {
		return knowledge.PortMatches(&one, to, corev1.ProtocolTCP, port)
	})
}

// otherPorts are the ports that rules are for which would let out to the address.
func otherPorts(policies []*networkingv1.NetworkPolicy, to knowledge.Endpoint) []string {
	var list []string
	for _, policy := range policies {
		for _, r := range policy.Spec.Egress {
			if !slices.ContainsFunc(r.To, func(peer networkingv1.NetworkPolicyPeer) bool {
				return knowledge.PeerMatches(policy.Namespace, &peer, to) == knowledge.Yes
			}) && len(r.To) > 0 {
				continue
			}
			for _, port := range r.Ports {
				if port.Port != nil && port.EndPort == nil && (port.Protocol == nil || *port.Protocol == corev1.ProtocolTCP) {
					list = append(list, port.Port.String())
				}
			}
		}
	}
	return rule.Distinct(list)
}

func reportOutside(p *rule.Pass, c call, limiting []*networkingv1.NetworkPolicy, dst knowledge.Endpoint, port int32) {
	policy, address := limiting[0], c.host+":"+strconv.Itoa(int(c.port))
	who := makerOf(p, p.Object).String()
	f := rule.Finding{
		Object: policyRef(policy), Seen: p.Object.In(c.container.Name), Field: field.NewPath("spec", "egress"), Certainty: rule.Likely,
		Message: fmt.Sprintf("gets no answer from %s: %s limits where it may connect to, and no rule is for that", address, policyNames(limiting)),
		Label:   fmt.Sprintf("no rule lets out to %s", address),
		Evidence: []rule.Evidence{
			p.LogEvidence(c.container, c.line),
			{Source: rule.FromSpec, Object: policyRef(policy), Field: "spec.egress", Text: fmt.Sprintf("%s limits it, and no rule is for %s and port %d", policyNames(limiting), words(dst, c.host), port)},
		},
		RuledOut: []string{"a port on which nothing listens: that is answered with a refusal"},
		Fix: &rule.Fix{
			Title: fmt.Sprintf("let it out to the address of %s, port %d", c.host, port), Applicability: rule.NeedsThought,
			Caution: opens("the way from "+who+" to what the rule names") + "; " + othersPolicies,
		},
	}
	if ports := otherPorts(limiting, dst); len(ports) > 0 {
		f.Message = fmt.Sprintf("gets no answer from %s: %s lets it out to there on port %s only", address, policyNames(limiting), some(ports))
	}
	if len(policy.Spec.Egress) == 0 {
		f.Message = fmt.Sprintf("gets no answer from %s: %s lets it connect to nothing", address, policyNames(limiting))
	}
	cidr, number := "<CIDR>", any("<PORT>")
	if len(dst.IPs) > 0 && (c.byHand() || inSpec(c)) { // what only a log says enters no command
		prefix := "/32"
		if strings.Contains(dst.IPs[0], ":") {
			prefix = "/128"
		}
		cidr, number = dst.IPs[0]+prefix, any(port)
	}
	if cidr == "<CIDR>" {
		f.Fix.Applicability = rule.Placeholders
		if len(dst.IPs) == 0 {
			f.Fix.Caution = "a NetworkPolicy knows addresses alone, and those behind a name may change; " + f.Fix.Caution
		}
	}
	item := map[string]any{"to": []any{map[string]any{"ipBlock": map[string]any{"cidr": cidr}}}, "ports": []any{map[string]any{"port": number, "protocol": string(corev1.ProtocolTCP)}}}
	if dst.Namespace != "" { // a pod, which the address leads to
		peer := podAt(p, c.host)
		item["to"], item["ports"] = []any{peerOf(peer, policy.Namespace)}, []any{map[string]any{"port": port, "protocol": string(corev1.ProtocolTCP)}}
		f.Fix.Title, f.Fix.Applicability = fmt.Sprintf("let it out to %s, port %d", pairs(identity(peer)), port), rule.NeedsThought
	}
	at, value := "/spec/egress", any([]any{item})
	if len(policy.Spec.Egress) > 0 {
		at, value = at+"/-", item
	}
	f.Fix.Patch = &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: "/spec/podSelector", Value: rule.Plain(policy.Spec.PodSelector)}, {Op: "add", Path: at, Value: value}}}
	f.Fix.Command = p.ChangeCommand(f.Object, f.Fix.Patch, "<PORT>")
	p.Report(f)
}

// words names the end of a call: its addresses, or else its name.
func words(dst knowledge.Endpoint, host string) string {
	if len(dst.IPs) == 0 {
		return host
	}
	return some(dst.IPs)
}

// inSpec tells whether the container's own spec names the address and port of the call.
func inSpec(c call) bool {
	if !isAddress(c.host) {
		return false
	}
	address := c.host + ":" + strconv.Itoa(int(c.port))
	echo := func(text string) bool { return strings.Contains(text, c.line) || strings.Contains(text, " ") }
	for _, e := range c.container.Env {
		if strings.Contains(e.Value, address) && !echo(e.Value) {
			return true
		}
	}
	return slices.ContainsFunc(c.container.Args, func(a string) bool { return strings.Contains(a, address) && !echo(a) })
}
