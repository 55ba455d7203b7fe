package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// othersPolicies is what keeps a verdict on NetworkPolicies from being certain.
const othersPolicies = "a network plugin may heed no NetworkPolicy, and its own kinds of policies may let in what these do not"

// policiesIn are the NetworkPolicies of a namespace; ok is false where they were not read, since one of
// them may let in what the others do not.
func policiesIn(p *rule.Pass, namespace string) (list []*networkingv1.NetworkPolicy, ok bool) {
	if !p.ListRead(snapshot.NetworkPolicyKind, namespace) {
		return nil, false
	}
	for _, o := range p.List(snapshot.NetworkPolicyKind, namespace) {
		if t, typed := o.Typed.(*networkingv1.NetworkPolicy); typed && t.DeletionTimestamp == nil {
			list = append(list, t)
		}
	}
	return list, true
}

func policyRef(policy *networkingv1.NetworkPolicy) snapshot.Ref {
	return snapshot.Ref{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Namespace: policy.Namespace, Name: policy.Name}
}

// policyNames words which policies these are.
func policyNames(list []*networkingv1.NetworkPolicy) string {
	var names []string
	for _, policy := range list {
		names = append(names, policyRef(policy).String())
	}
	return some(names)
}

// endpoint is a pod as NetworkPolicies see it, with the labels of its namespace where these were read.
func endpoint(p *rule.Pass, o *snapshot.Object) knowledge.Endpoint {
	e := knowledge.EndpointOf(o.Pod())
	if ns, _ := p.Lookup(snapshot.NamespaceKind, "", o.Namespace); ns != nil {
		e.NamespaceLabels, e.NamespaceRead = ns.Meta.GetLabels(), true
	}
	return e
}

// targetOn is the number that a port of a Service leads to in a pod; 0 for a name that the pod lacks.
func targetOn(port corev1.ServicePort, pod *snapshot.Object) int32 {
	if port.TargetPort.Type == intstr.Int {
		return target(port)
	}
	for _, cp := range declared(pod) {
		if cp.Name == port.TargetPort.StrVal && protocolOf(cp.Protocol) == protocolOf(port.Protocol) {
			return cp.ContainerPort
		}
	}
	return 0
}

// identity are the labels by which a policy best knows the pods of a program.
func identity(pod *snapshot.Object) map[string]string {
	have := own(pod.Meta.GetLabels())
	for _, k := range []string{"app.kubernetes.io/name", "app", "k8s-app", "name"} {
		if v := have[k]; v != "" {
			return map[string]string{k: v}
		}
	}
	return have
}

// call is a connection that a program tried to make and got no answer to.
type call struct {
	container snapshot.Container
	line      string
	host      string
	ip        string // where the line has it beside a name
	port      int32
	service   *snapshot.Object
	svc       *corev1.Service
}

const (
	callLines   = 40  // how far from the end of a log a call without an answer is looked for
	callLetters = 600 // how much of a line
)

// troubled are the containers of the Pod that do not do what they should, with the log that may say why.
func troubled(p *rule.Pass) map[string]snapshot.Want {
	pod := p.Object.Pod()
	logs := map[string]snapshot.Want{}
	if pod == nil || pod.DeletionTimestamp != nil || pod.Status.Reason != "" {
		return logs
	}
	for _, c := range p.Object.PodContainers() {
		if c.Status == nil {
			continue
		}
		run := c.Status.State.Running
		switch d, failed := p.Failed(c); {
		case failed && !d.Over && d.ExitCode != 0:
			logs[c.Name] = p.DeathLog(c)
		case run != nil && p.Age(run.StartedAt.Time) >= settling+starting && (c.Init || !c.Status.Ready):
			logs[c.Name] = snapshot.WantLog(p.Object.Namespace, p.Object.Name, c.Name, false)
		}
	}
	return logs
}

// lastLines are the last lines of a log that was wanted, bounded.
func lastLines(p *rule.Pass, w snapshot.Want, c snapshot.Container) []string {
	text, ok := p.LogOf(w.Namespace, w.Name, w.Container, w.Previous)
	if !ok && c.Status.State.Running == nil {
		text, _ = p.LogOf(w.Namespace, w.Name, w.Container, !w.Previous)
	}
	lines := rule.Lines(text)
	lines = lines[max(0, len(lines)-callLines):]
	for i, l := range lines {
		lines[i] = l[:min(len(l), callLetters)]
	}
	return lines
}

// calls are the last connections of the Pod's troubled containers that got no answer, one for each.
func calls(p *rule.Pass) []call {
	logs := troubled(p)
	var list []call
	for _, c := range p.Object.PodContainers() {
		w, ok := logs[c.Name]
		if !ok {
			continue
		}
		lines := lastLines(p, w, c)
		for i := len(lines) - 1; i >= 0; i-- {
			found, ok := knowledge.Unanswered(lines[i])
			if !ok || found.Host == "" || found.How == knowledge.CutOff || found.How == knowledge.NoNetwork {
				continue // what was answered, or never sent, no policy has dropped
			}
			if port, err := strconv.ParseInt(found.Port, 10, 32); err == nil {
				list = append(list, call{container: c, line: lines[i], host: found.Host, ip: found.IP, port: int32(port)})
				break
			}
		}
	}
	return list
}

// isAddress tells an IPv4 address from a name.
func isAddress(host string) bool { return strings.Trim(host, "0123456789.") == "" }

// serviceName is the Service that a host name means in a namespace; ok is false for names outside of the
// cluster and for addresses.
func serviceName(host, namespace string) (ns, name string, ok bool) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	switch {
	case isAddress(host) || host == "localhost" || strings.Contains(host, ":") || parts[0] == "":
		return "", "", false
	case len(parts) == 1:
		return namespace, parts[0], true
	case len(parts) > 2 && parts[2] == "svc":
		return parts[1], parts[0], true
	case len(parts) > 3 && parts[3] == "svc": // one pod of a headless Service
		return parts[2], parts[1], true
	}
	return "", "", false
}

// calledService is the Service that a host name may mean when it is called: a name of two parts is one of another
// namespace, or of the world outside. Which, only its being there tells.
func calledService(host, namespace string) (ns, name string, ok bool) {
	if parts := strings.Split(host, "."); len(parts) == 2 && !isAddress(host) && parts[0] != "" && parts[1] != "" {
		return parts[1], parts[0], true
	}
	return serviceName(host, namespace)
}

// to finds the Service that a call is for, and its port.
func (c *call) to(p *rule.Pass) (port *corev1.ServicePort) {
	if ns, name, ok := calledService(c.host, p.Object.Namespace); ok {
		c.service, _ = p.Lookup(snapshot.ServiceKind, ns, name)
	} else if isAddress(c.host) {
		for _, o := range p.List(snapshot.ServiceKind, "") {
			if svc, ok := o.Typed.(*corev1.Service); ok && slices.Contains(append(svc.Spec.ClusterIPs, svc.Spec.ClusterIP), c.host) {
				c.service = o
			}
		}
	}
	if c.service == nil {
		return nil
	}
	svc, ok := c.service.Typed.(*corev1.Service)
	if !ok || len(svc.Spec.Selector) == 0 {
		return nil
	}
	c.svc = svc
	for i := range svc.Spec.Ports {
		if svc.Spec.Ports[i].Port == c.port && protocolOf(svc.Spec.Ports[i].Protocol) == corev1.ProtocolTCP {
			return &svc.Spec.Ports[i]
		}
	}
	return nil
}

// wantCalls asks for all that decides whether policies keep a call from being answered.
func wantCalls(p *rule.Pass) []snapshot.Want {
	var wants []snapshot.Want
	for _, w := range troubled(p) {
		wants = append(wants, w)
	}
	for _, c := range calls(p) {
		if ns, name, ok := calledService(c.host, p.Object.Namespace); ok {
			wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, ns, name))
		} else if isAddress(c.host) {
			wants = append(wants, snapshot.WantList(snapshot.ServiceKind, p.Object.Namespace, ""))
		}
		if c.to(p) == nil {
			wants = append(wants, c.wantOutside(p)...)
			continue
		}
		wants = append(wants,
			snapshot.WantList(snapshot.NetworkPolicyKind, c.service.Namespace, ""), snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, ""),
			snapshot.WantList(snapshot.PodKind, c.service.Namespace, labels.SelectorFromSet(c.svc.Spec.Selector).String()))
		if c.service.Namespace != p.Object.Namespace {
			wants = append(wants, snapshot.WantGet(snapshot.NamespaceKind, "", p.Object.Namespace), snapshot.WantGet(snapshot.NamespaceKind, "", c.service.Namespace))
		}
	}
	slices.SortFunc(wants, func(a, b snapshot.Want) int { return strings.Compare(a.String(), b.String()) })
	return wants
}

// running are the ready pods behind a Service, in a stable order.
func running(p *rule.Pass, c call) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range alive(p, c.service.Namespace, labels.SelectorFromSet(c.svc.Spec.Selector)) {
		if rule.PodReady(o.Pod()) {
			list = append(list, o)
		}
	}
	return list
}

// before tells whether a policy was there when the container called: one that is younger than the line of
// the log has nothing to do with it.
func before(policies []*networkingv1.NetworkPolicy, c snapshot.Container) bool {
	end := time.Time{}
	if t := c.Status.State.Terminated; t != nil {
		end = t.FinishedAt.Time
	} else if t := c.Status.LastTerminationState.Terminated; t != nil && c.Status.State.Running == nil {
		end = t.FinishedAt.Time
	}
	return end.IsZero() || slices.ContainsFunc(policies, func(policy *networkingv1.NetworkPolicy) bool { return policy.CreationTimestamp.Time.Before(end) })
}

// ruleFor is a rule of a policy that lets labels in or out on a port, for patches.
func ruleFor(direction, peers string, peer map[string]any, protocol corev1.Protocol, port int32, policy *networkingv1.NetworkPolicy) *rule.Patch {
	item := map[string]any{peers: []any{peer}, "ports": []any{map[string]any{"port": port, "protocol": string(protocol)}}}
	selector := rule.Plain(policy.Spec.PodSelector)
	ops := []rule.Op{{Op: "test", Path: "/spec/podSelector", Value: selector}}
	there := direction == "ingress" && len(policy.Spec.Ingress) > 0 || direction == "egress" && len(policy.Spec.Egress) > 0
	if there {
		ops = append(ops, rule.Op{Op: "add", Path: "/spec/" + direction + "/-", Value: item})
	} else {
		ops = append(ops, rule.Op{Op: "add", Path: "/spec/" + direction, Value: []any{item}})
	}
	return &rule.Patch{Type: "json", Body: ops}
}

// peerOf is a pod as the peer of a rule in a policy of the namespace.
func peerOf(pod *snapshot.Object, namespace string) map[string]any {
	peer := map[string]any{"podSelector": map[string]any{"matchLabels": rule.Plain(identity(pod))}}
	if pod.Namespace != namespace {
		peer["namespaceSelector"] = map[string]any{"matchLabels": map[string]any{corev1.LabelMetadataName: pod.Namespace}}
	}
	return peer
}

// opens is the caution of every fix that lets more through.
func opens(what string) string {
	return fmt.Sprintf("it opens %s: let whoever wrote the policy decide", what)
}
