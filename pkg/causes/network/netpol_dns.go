package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NetpolBlocksDNS finds pods that NetworkPolicies keep from the cluster's name server.
var NetpolBlocksDNS = rule.Cause{
	ID: "netpol-blocks-dns", Title: "a NetworkPolicy keeps it from the name server", Doc: rule.ReadDoc(docs, "netpol_blocks_dns.md"),
	Stage: rule.StageRoute, Beats: append([]string{"dependency-dns"}, passedOn...), On: rule.Kinds(snapshot.PodKind, snapshot.NetworkPolicyKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		switch t := p.Object.Typed.(type) {
		case *corev1.Pod:
			for _, w := range troubled(p) {
				wants = append(wants, w)
			}
			if len(unheard(p)) == 0 {
				return wants
			}
		case *networkingv1.NetworkPolicy:
			if !limitsEgress(t) {
				return nil
			}
			wants = append(wants, snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""))
		}
		return append(wants, snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, ""),
			snapshot.WantList(snapshot.PodKind, dnsNamespace, dnsPods), snapshot.WantGet(snapshot.NamespaceKind, "", dnsNamespace))
	},
	Run: func(p *rule.Pass) {
		switch t := p.Object.Typed.(type) {
		case *corev1.Pod:
			for _, u := range unheard(p) {
				if limiting := keepsFromDNS(p, p.Object); limiting != nil && before(limiting, u.container) {
					reportDNSClosed(p, limiting, &u)
				}
			}
		case *networkingv1.NetworkPolicy:
			if !limitsEgress(t) || deleted(p) {
				return
			}
			for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
				if knowledge.PolicySelects(t, knowledge.EndpointOf(o.Pod())) && usesClusterDNS(o.Pod()) {
					if limiting := keepsFromDNS(p, o); limiting != nil && limiting[0].Name == t.Name {
						reportDNSClosed(p, limiting, nil)
						return
					}
				}
			}
		}
	},
}

// Where the cluster's name server runs, and under which label and port, whichever program it is.
// Source: kubernetes/kubernetes, cluster/addons/dns.
const (
	dnsNamespace = "kube-system"
	dnsPods      = "k8s-app=kube-dns"
	dnsPort      = 53
)

var dnsSelector = labels.SelectorFromSet(labels.Set{"k8s-app": "kube-dns"}) // dnsPods

func limitsEgress(policy *networkingv1.NetworkPolicy) bool {
	for _, t := range knowledge.PolicyTypes(policy) {
		if t == networkingv1.PolicyTypeEgress {
			return true
		}
	}
	return false
}

// usesClusterDNS tells whether a pod asks the cluster's name server: by default it does, and one of the host's
// network only where it says so.
func usesClusterDNS(pod *corev1.Pod) bool {
	switch pod.Spec.DNSPolicy {
	case corev1.DNSClusterFirstWithHostNet:
		return true
	case corev1.DNSClusterFirst, "":
		return !pod.Spec.HostNetwork
	}
	return false
}

// question is a name that a container could not look up since nobody answered.
type question struct {
	container snapshot.Container
	line      string
}

// noResolver is how programs say that the name server did not answer: not that it does not know the name.
var noResolver = knowledge.Regexp(`(?i)temporary failure in name resolution|EAI_AGAIN|no servers could be reached|\blookup \S{1,253}(?: on \S{1,60})?: [^\n]{0,120}(?:i/o timeout|timed out|network is unreachable|operation not permitted)|resolving timed out`)

// unheard are the questions to the name server that the Pod's troubled containers got no answer to, the
// last of each.
func unheard(p *rule.Pass) []question {
	if pod := p.Object.Pod(); pod == nil || !usesClusterDNS(pod) {
		return nil
	}
	logs := troubled(p)
	var list []question
	for _, c := range p.Object.PodContainers() {
		w, ok := logs[c.Name]
		if !ok {
			continue
		}
		lines := lastLines(p, w, c)
		for i := len(lines) - 1; i >= 0; i-- {
			if noResolver.MatchString(lines[i]) {
				list = append(list, question{c, lines[i]})
				break
			}
		}
	}
	return list
}

// keepsFromDNS are the policies that limit the calls of a pod, where none lets it ask the name server; nil
// where it can, or may be able to. A rule for a block of addresses may be meant for it.
func keepsFromDNS(p *rule.Pass, o *snapshot.Object) []*networkingv1.NetworkPolicy {
	policies, ok := policiesIn(p, o.Namespace)
	if !ok {
		return nil
	}
	src := endpoint(p, o)
	limiting := knowledge.Isolating(policies, src, networkingv1.PolicyTypeEgress)
	if len(limiting) == 0 {
		return nil
	}
	var servers []knowledge.Endpoint
	for _, pod := range p.SelectedPods(dnsNamespace, dnsSelector) {
		servers = append(servers, endpoint(p, pod))
	}
	if len(servers) == 0 {
		out, asked := p.Outcome(snapshot.WantList(snapshot.PodKind, dnsNamespace, dnsPods))
		if p.ListRead(snapshot.PodKind, dnsNamespace) || asked && out.State != snapshot.Blind {
			return nil // it runs elsewhere, and who knows what it is called there
		}
		servers = append(servers, knowledge.Endpoint{Namespace: dnsNamespace, Labels: map[string]string{"k8s-app": "kube-dns"}, Ports: []corev1.ContainerPort{{Name: "dns", ContainerPort: dnsPort, Protocol: corev1.ProtocolUDP}}})
	}
	for _, server := range servers {
		server.IPs = nil
		if knowledge.LetsOut(policies, src, server, corev1.ProtocolUDP, dnsPort) != knowledge.No {
			return nil
		}
	}
	return limiting
}

func reportDNSClosed(p *rule.Pass, limiting []*networkingv1.NetworkPolicy, u *question) {
	policy := limiting[0]
	f := rule.Finding{
		Object: policyRef(policy), Field: field.NewPath("spec", "egress"), Certainty: rule.Possible,
		Message: fmt.Sprintf("%s lets the pods that it selects out, but not to the name server: names do not resolve in them; is that meant?", policyNames(limiting)),
		Label:   "no rule is for port 53 of the name server",
		Evidence: []rule.Evidence{{
			Source: rule.FromSpec, Object: policyRef(policy), Field: "spec.egress",
			Text: fmt.Sprintf("no rule of %s is for %s in namespace %s and port 53 over UDP", policyNames(limiting), dnsPods, dnsNamespace),
		}},
		Fix: &rule.Fix{Title: "let it ask the name server: port 53, over UDP and TCP", Applicability: rule.NeedsThought, Caution: opens("the way to the name server, and nothing else") + "; " + othersPolicies},
	}
	if len(policy.Spec.Egress) == 0 {
		f.Message = fmt.Sprintf("%s lets nothing out of the pods that it selects, not even to the name server: is that meant?", policyNames(limiting))
	}
	if u != nil {
		f.Seen, f.Certainty = p.Object.In(u.container.Name), rule.Likely
		f.Message = fmt.Sprintf("cannot look up names: %s does not let it ask the name server", policyNames(limiting))
		f.Evidence = append([]rule.Evidence{p.LogEvidence(u.container, u.line)}, f.Evidence...)
		f.RuledOut = []string{"a misspelled name: the answer to that would be that there is none"}
	}
	port := func(protocol corev1.Protocol) any {
		return map[string]any{"port": dnsPort, "protocol": string(protocol)}
	}
	item := map[string]any{
		"to":    []any{map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{corev1.LabelMetadataName: dnsNamespace}}, "podSelector": map[string]any{"matchLabels": map[string]any{"k8s-app": "kube-dns"}}}},
		"ports": []any{port(corev1.ProtocolUDP), port(corev1.ProtocolTCP)},
	}
	ops := []rule.Op{{Op: "test", Path: "/spec/podSelector", Value: rule.Plain(policy.Spec.PodSelector)}}
	if len(policy.Spec.Egress) > 0 {
		ops = append(ops, rule.Op{Op: "add", Path: "/spec/egress/-", Value: item})
	} else {
		ops = append(ops, rule.Op{Op: "add", Path: "/spec/egress", Value: []any{item}})
	}
	f.Fix.Patch = &rule.Patch{Type: "json", Body: ops}
	f.Fix.Command = p.PatchCommand(f.Object, f.Fix.Patch)
	p.Report(f)
}

func selectorOf(s *metav1.LabelSelector) (labels.Selector, error) {
	return snapshot.SelectorOf(s)
}
