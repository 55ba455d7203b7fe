package knowledge

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Answer is a yes, a no, or that too little is known.
type Answer int

// The answers.
const (
	Unknown Answer = iota
	No
	Yes
)

// Endpoint is one end of a connection, as NetworkPolicies see it.
type Endpoint struct {
	Namespace       string // "" for what is no pod of the cluster
	NamespaceLabels map[string]string
	NamespaceRead   bool // without it only the namespace's name is known
	Labels          map[string]string
	IPs             []string
	Ports           []corev1.ContainerPort // for ports by name
	HostNetwork     bool                   // policies do not apply to such pods, and see them as their node
}

// EndpointOf is a pod as NetworkPolicies see it. The ports are those of the containers that run as long as
// the pod does.
func EndpointOf(pod *corev1.Pod) Endpoint {
	e := Endpoint{Namespace: pod.Namespace, Labels: pod.Labels, HostNetwork: pod.Spec.HostNetwork}
	for _, ip := range pod.Status.PodIPs {
		e.IPs = append(e.IPs, ip.IP)
	}
	for _, c := range pod.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			e.Ports = append(e.Ports, c.Ports...)
		}
	}
	for _, c := range pod.Spec.Containers {
		e.Ports = append(e.Ports, c.Ports...)
	}
	return e
}

// PolicyTypes are the directions that a NetworkPolicy is for, with the API's default filled in: Ingress
// always, Egress where it has such rules. Source: k8s.io/api networking/v1, NetworkPolicySpec.
func PolicyTypes(policy *networkingv1.NetworkPolicy) []networkingv1.PolicyType {
	switch {
	case len(policy.Spec.PolicyTypes) > 0:
		return policy.Spec.PolicyTypes
	case len(policy.Spec.Egress) > 0:
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	}
	return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
}

// PolicySelects tells whether a NetworkPolicy is for a pod.
func PolicySelects(policy *networkingv1.NetworkPolicy, pod Endpoint) bool {
	return policy.Namespace == pod.Namespace && !pod.HostNetwork && selects(&policy.Spec.PodSelector, pod.Labels)
}

// Isolating are the policies that limit a pod's connections in one direction. Where there is none,
// everything is allowed.
func Isolating(policies []*networkingv1.NetworkPolicy, pod Endpoint, direction networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	var list []*networkingv1.NetworkPolicy
	for _, policy := range policies {
		if PolicySelects(policy, pod) && slices.Contains(PolicyTypes(policy), direction) {
			list = append(list, policy)
		}
	}
	return list
}

// LetsIn tells whether the policies of a pod let a peer connect to one of its ports. All policies of the
// pod's namespace must be given: what one of them lets in, no other keeps out.
func LetsIn(policies []*networkingv1.NetworkPolicy, pod, peer Endpoint, protocol corev1.Protocol, port int32) Answer {
	isolating := Isolating(policies, pod, networkingv1.PolicyTypeIngress)
	if len(isolating) == 0 {
		return Yes
	}
	answer := No
	for _, policy := range isolating {
		for _, r := range policy.Spec.Ingress {
			answer = max3(answer, both(anyPeer(policy, r.From, peer), anyPort(r.Ports, pod, protocol, port)))
		}
	}
	return answer
}

// LetsOut tells whether the policies of a pod let it connect to a port of a peer.
func LetsOut(policies []*networkingv1.NetworkPolicy, pod, peer Endpoint, protocol corev1.Protocol, port int32) Answer {
	isolating := Isolating(policies, pod, networkingv1.PolicyTypeEgress)
	if len(isolating) == 0 {
		return Yes
	}
	answer := No
	for _, policy := range isolating {
		for _, r := range policy.Spec.Egress {
			answer = max3(answer, both(anyPeer(policy, r.To, peer), anyPort(r.Ports, peer, protocol, port)))
		}
	}
	return answer
}

// max3 is the answer of "or".
func max3(a, b Answer) Answer {
	switch {
	case a == Yes || b == Yes:
		return Yes
	case a == Unknown || b == Unknown:
		return Unknown
	}
	return No
}

// both is the answer of "and".
func both(a, b Answer) Answer {
	switch {
	case a == No || b == No:
		return No
	case a == Unknown || b == Unknown:
		return Unknown
	}
	return Yes
}

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// anyPeer tells whether a rule of a policy is for the peer; a rule without peers is for all.
func anyPeer(policy *networkingv1.NetworkPolicy, peers []networkingv1.NetworkPolicyPeer, peer Endpoint) Answer {
	if len(peers) == 0 {
		return Yes
	}
	found := No
	for i := range peers {
		found = max3(found, PeerMatches(policy.Namespace, &peers[i], peer))
	}
	return found
}

// PeerMatches tells whether one peer of a rule, in a policy of the namespace, is for an endpoint.
func PeerMatches(namespace string, rule *networkingv1.NetworkPolicyPeer, peer Endpoint) Answer {
	switch {
	case rule.IPBlock != nil:
		if peer.HostNetwork || len(peer.IPs) == 0 {
			return Unknown // it may come from any address of its node
		}
		for _, ip := range peer.IPs {
			if inBlock(rule.IPBlock, ip) {
				return Yes
			}
		}
		return No
	case peer.Namespace == "":
		return No
	case peer.HostNetwork:
		return Unknown // plugins differ
	}
	found := answer(rule.NamespaceSelector != nil || peer.Namespace == namespace)
	if rule.NamespaceSelector != nil {
		found = selectsNamespace(rule.NamespaceSelector, peer)
	}
	if rule.PodSelector != nil {
		found = both(found, answer(selects(rule.PodSelector, peer.Labels)))
	}
	return found
}

// selectsNamespace judges a namespace by its labels or, where they were not read, by its name, which the API
// server puts on it as a label.
func selectsNamespace(selector *metav1.LabelSelector, peer Endpoint) Answer {
	if peer.NamespaceRead {
		return answer(selects(selector, peer.NamespaceLabels))
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return Unknown
	}
	requirements, _ := s.Requirements()
	found := Yes
	for _, r := range requirements {
		if r.Key() != corev1.LabelMetadataName {
			found = both(found, Unknown)
			continue
		}
		found = both(found, answer(r.Matches(labels.Set{corev1.LabelMetadataName: peer.Namespace})))
	}
	return found
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	if selector != nil && len(selector.MatchExpressions) == 0 { // asked of each pod and policy
		for k, v := range selector.MatchLabels {
			if has, ok := set[k]; !ok || has != v {
				return false
			}
		}
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(set))
}

func inBlock(block *networkingv1.IPBlock, ip string) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	in := func(cidr string) bool {
		prefix, err := netip.ParsePrefix(cidr)
		return err == nil && prefix.Contains(addr)
	}
	return in(block.CIDR) && !slices.ContainsFunc(block.Except, in)
}

// anyPort tells whether a rule is for a port of the endpoint that is connected to; a rule without ports is
// for all.
func anyPort(ports []networkingv1.NetworkPolicyPort, to Endpoint, protocol corev1.Protocol, port int32) Answer {
	if len(ports) == 0 {
		return Yes
	}
	for i := range ports {
		if PortMatches(&ports[i], to, protocol, port) {
			return Yes
		}
	}
	return No
}

// PortMatches tells whether one port of a rule is for a port of the endpoint that is connected to. A name is
// looked up among the ports that its containers declare.
func PortMatches(rule *networkingv1.NetworkPolicyPort, to Endpoint, protocol corev1.Protocol, port int32) bool {
	want := corev1.ProtocolTCP
	if rule.Protocol != nil && *rule.Protocol != "" {
		want = *rule.Protocol
	}
	if want != protocol {
		return false
	}
	switch {
	case rule.Port == nil:
		return true
	case rule.Port.Type == intstr.String:
		return slices.ContainsFunc(to.Ports, func(cp corev1.ContainerPort) bool {
			declared := cp.Protocol
			if declared == "" {
				declared = corev1.ProtocolTCP
			}
			return cp.Name == rule.Port.StrVal && cp.ContainerPort == port && declared == protocol
		})
	case rule.EndPort != nil:
		return port >= rule.Port.IntVal && port <= *rule.EndPort
	}
	return port == rule.Port.IntVal
}
