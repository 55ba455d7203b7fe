package exits

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DependencyUnreachable finds programs that end because what they connect to does not answer, or breaks off.
var DependencyUnreachable = logCause("dependency-unreachable", "what it connects to does not answer", "dependency_unreachable.md", wantsOfUnreachable, reportUnreachable)

const (
	// unreachableBack and unreachableOn are how far from the words of a failure its address may stand: an
	// exception names it lines before its cause, Node's in the fields after it.
	unreachableBack = 6
	unreachableOn   = 8
)

var unreachableReading = reading{
	words: knowledge.Regexp(`(?i)time[d-]?[ -]?out|timeout|expired|unreachable|no ?route|EHOST|ENET|reset|errno|os error|deadline|respond|\(11[05]\)`),
	read: func(lines []string, at int, _ int32) *reason {
		call, ok := knowledge.Unanswered(lines[at])
		if !ok {
			return nil
		}
		r := &reason{cause: "dependency-unreachable", what: call.Host, port: call.Port, ip: call.IP, more: string(call.How)}
		if call.Host == "" {
			r.what, r.port = addressNear(lines, at)
		}
		return r
	},
}

var (
	callsWords  = knowledge.Regexp(`(?i)connect|dial|attempt|calling|reach|address`)
	nodeAddress = knowledge.Regexp(`^\s*address: ['"]([0-9A-Fa-f:.]{3,45})['"],?$`)
	nodePort    = knowledge.Regexp(`^\s*port: ([0-9]{1,5}),?$`)
)

// addressNear is the address of a failure whose own line has none.
func addressNear(lines []string, at int) (host, port string) {
	for i := at + 1; i < len(lines) && i <= at+unreachableOn; i++ {
		if m := nodeAddress.FindStringSubmatch(lines[i]); m != nil {
			host = m[1]
		}
		if m := nodePort.FindStringSubmatch(lines[i]); m != nil && host != "" {
			return host, m[1]
		}
	}
	for i := at - 1; i >= 0 && i >= at-unreachableBack; i-- {
		if !callsWords.MatchString(lines[i]) || ownLevel.MatchString(lines[i]) {
			continue
		}
		if h, n, ok := knowledge.CallAddress(lines[i]); ok && n != "" {
			return h, n
		}
	}
	return host, ""
}

// peer is what is known of the other end of a call.
type peer struct {
	where   string // "service/db"
	service *snapshot.Object
	svc     *corev1.Service
	out     snapshot.Outcome
	pod     *snapshot.Object // where the address is that of a pod
}

// peerOf finds what an address means in this cluster: a Service by its name or address, or a pod. Ok is false for
// what is outside, or unknown.
func peerOf(p *rule.Pass, r *refusal) (peer, bool) {
	if ns, name, ok := r.service(p.Object.Namespace); ok {
		o := peer{where: "service/" + name}
		if ns != p.Object.Namespace {
			o.where += " in namespace " + ns
		}
		o.service, o.out = p.Lookup(snapshot.ServiceKind, ns, name)
		if o.service != nil {
			o.svc, _ = o.service.Typed.(*corev1.Service)
		}
		return o, true
	}
	for _, o := range p.List(snapshot.ServiceKind, "") {
		if svc, ok := o.Typed.(*corev1.Service); ok && slices.Contains(append(svc.Spec.ClusterIPs, svc.Spec.ClusterIP), r.host) {
			return peer{where: o.String(), service: o, svc: svc, out: snapshot.Outcome{State: snapshot.Present}}, true
		}
	}
	for _, o := range p.List(snapshot.PodKind, "") {
		if pod := o.Pod(); !pod.Spec.HostNetwork && slices.ContainsFunc(pod.Status.PodIPs, func(ip corev1.PodIP) bool { return ip.IP == r.host }) {
			return peer{where: o.String(), pod: o}, true
		}
	}
	return peer{}, false
}

func wantsOfUnreachable(p *rule.Pass, c snapshot.Container, e *ended) []snapshot.Want {
	r := e.host()
	wants := append(wantPlaces(p, c), wantNeighbour(p, c, r)...)
	if r.host == "" || r.local() {
		return wants
	}
	wants = append(wants, snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, ""))
	if ns, name, ok := r.service(p.Object.Namespace); ok {
		wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, ns, name))
	} else if addr, err := netip.ParseAddr(r.host); err == nil && addr.IsPrivate() {
		wants = append(wants, snapshot.WantList(snapshot.ServiceKind, p.Object.Namespace, ""), snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""))
	}
	if o, ok := peerOf(p, r); ok && o.service != nil {
		wants = append(wants, snapshot.WantEndpoints(o.service.Namespace, o.service.Name))
	}
	return wants
}

// unreachable is how each way of getting no answer is told: what happened, what that excludes, and what to do.
var unreachable = map[string]struct{ happened, excludes, fix string }{
	string(knowledge.TimedOut): {
		"%s does not answer: the connection times out, and the program ends",
		"a port on which nothing listens, and a name that does not resolve: those are answered at once",
		"see whether the address is right, and whether a firewall or a policy between the two drops what the pod sends",
	},
	string(knowledge.NoRoute): {
		"%s cannot be reached: there is no route to that host, and the program ends",
		"a port on which nothing listens: that is answered with a refusal",
		"see whether anything has this address: a machine or a pod that is gone, and a firewall that refuses, are told so",
	},
	string(knowledge.NoNetwork): {
		"%s cannot be reached: the network is unreachable from the pod, and the program ends",
		"the other side: nothing was sent, since the pod has no route for it",
		"see which networks the node routes for its pods",
	},
	string(knowledge.CutOff): {
		"%s takes the connection and breaks it off, and the program ends",
		"an address that is wrong, and a network that drops packets: something answered there",
		"read the log of the other side: plain text to a port that wants TLS, a mesh that wants mTLS, or a server that crashes are the usual reasons",
	},
}

func reportUnreachable(p *rule.Pass, c snapshot.Container, e *ended) {
	r, how := e.host(), unreachable[e.more]
	f := e.finding(p, c)
	f.RuledOut = []string{how.excludes}
	f.Fix = &rule.Fix{Title: how.fix, Applicability: rule.NeedsThought}
	if r.host == "" {
		f.Message = fmt.Sprintf(how.happened, "something that it connects to") + e.exit() + "; its log does not name the address"
		f.NoField = "the log does not say which address did not answer"
		if list := candidates(c); len(list) > 0 {
			f.NoField += "; of the settings these hold one: " + few(list)
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Text: "settings that hold an address: " + few(list)})
		} else if list := unreadPlaces(p, c); len(list) > 0 {
			f.NoField += "; it may stand in what was not read: " + few(list)
		}
		p.Report(f)
		return
	}
	f.Message = fmt.Sprintf(how.happened, r.address()) + e.exit()
	f.NoField = unnamed(p, c, r.address())
	at, named := placeOf(p, c, r, e.line)
	if named {
		at.pointAt(&f, r)
	}
	if r.local() {
		describeLocal(p, c, r, &f, at)
		p.Report(f)
		return
	}
	policiesOf(p, e, &f)
	if e.more == string(knowledge.NoNetwork) && strings.Contains(r.host+e.ip, ":") && onlyIPv4(p) {
		f.Message = fmt.Sprintf("%s cannot be reached: it is an IPv6 address and the pod has only IPv4, and the program ends%s", r.address(), e.exit())
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.podIPs", Text: "the pod's addresses: " + podIPs(p)})
		f.Fix.Title = "call it by an IPv4 address, have the name give one, or run a cluster that gives pods both"
		p.Report(f)
		return
	}
	if o, ok := peerOf(p, r); ok {
		o.describe(p, r, &f, at, named)
	} else {
		f.Message += outsideWords(p, r)
	}
	p.Report(f)
}

// candidates are the variables and arguments of a container that hold an address, as "env DB (db:5432)".
func candidates(c snapshot.Container) []string {
	var list []string
	for _, e := range c.Env {
		if host, port, ok := knowledge.CallAddress(e.Value); ok && port != "" && len(e.Value) < reasonLetters {
			list = append(list, fmt.Sprintf("env %s (%s)", e.Name, (&refusal{host, port}).address()))
		}
	}
	for _, w := range c.Args {
		if host, port, ok := knowledge.CallAddress(w); ok && port != "" && !strings.ContainsAny(w, " \n") {
			list = append(list, fmt.Sprintf("an argument (%s)", (&refusal{host, port}).address()))
		}
	}
	return list
}

func onlyIPv4(p *rule.Pass) bool {
	ips := p.Object.Pod().Status.PodIPs
	return len(ips) > 0 && !slices.ContainsFunc(ips, func(ip corev1.PodIP) bool { return strings.Contains(ip.IP, ":") })
}

func podIPs(p *rule.Pass) string {
	var list []string
	for _, ip := range p.Object.Pod().Status.PodIPs {
		list = append(list, ip.IP)
	}
	return few(list)
}

// policiesOf tells whether NetworkPolicies limit where the pod may connect to. Of an address alone can be told
// whether they let it out to there: a name and a Service have addresses that are not known here.
func policiesOf(p *rule.Pass, e *ended, f *rule.Finding) {
	if !p.ListRead(snapshot.NetworkPolicyKind, p.Object.Namespace) {
		return
	}
	var all []*networkingv1.NetworkPolicy
	for _, o := range p.List(snapshot.NetworkPolicyKind, p.Object.Namespace) {
		if t, ok := o.Typed.(*networkingv1.NetworkPolicy); ok && t.DeletionTimestamp == nil {
			all = append(all, t)
		}
	}
	pod := knowledge.EndpointOf(p.Object.Pod())
	limiting := knowledge.Isolating(all, pod, networkingv1.PolicyTypeEgress)
	port, _ := strconv.ParseInt(e.port, 10, 32)
	for _, ip := range []string{e.what, e.ip} {
		_, err := netip.ParseAddr(ip)
		if err == nil && len(limiting) > 0 && knowledge.LetsOut(all, pod, knowledge.Endpoint{IPs: []string{ip}}, corev1.ProtocolTCP, int32(port)) == knowledge.Yes {
			f.RuledOut = append(f.RuledOut, fmt.Sprintf("a NetworkPolicy of the pod's namespace: they let it out to %s, port %d", ip, port))
			return
		}
	}
	for _, policy := range limiting {
		ref := snapshot.Ref{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Namespace: policy.Namespace, Name: policy.Name}
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: ref, Field: "spec.egress", Text: ref.String() + " limits where the pod may connect to"})
		f.Fix.Title += "; " + ref.String() + " limits where the pod may connect to"
	}
	if len(limiting) == 0 {
		f.RuledOut = append(f.RuledOut, "a NetworkPolicy of the pod's namespace: none limits what it calls")
	}
}

// outsideWords is what is known of an address that is nothing in this cluster that was read.
func outsideWords(p *rule.Pass, r *refusal) string {
	addr, err := netip.ParseAddr(r.host)
	switch {
	case err != nil:
		return "; the name is none of this cluster"
	case !addr.IsPrivate():
		return "; the address is outside of the cluster"
	}
	for _, o := range p.List(snapshot.NodeKind, "") {
		node, ok := o.Typed.(*corev1.Node)
		if !ok {
			continue
		}
		for _, a := range node.Status.Addresses {
			if a.Address == r.host {
				return "; it is the address of " + o.String()
			}
		}
		for _, cidr := range append(node.Spec.PodCIDRs, node.Spec.PodCIDR) {
			if prefix, err := netip.ParsePrefix(cidr); err == nil && prefix.Contains(addr) {
				return fmt.Sprintf("; it lies among the addresses of pods on %s, and no pod that was read has it: a pod has another address after each start", o.String())
			}
		}
	}
	return "; no Service and no pod that was read has this address"
}

// describe adds what is known of the other end in this cluster.
func (o peer) describe(p *rule.Pass, r *refusal, f *rule.Finding, at place, named bool) {
	switch {
	case o.pod != nil:
		f.Message += fmt.Sprintf("; it is the address of %s: a pod has another one after each start", o.where)
		f.Fix.Title = "call a Service, whose address stays: a pod has another one after each start"
		if !rule.PodReady(o.pod.Pod()) {
			because := o.pod.Ref
			f.Because = &because
			f.Message += ", and it is not ready"
		}
		return
	case o.service == nil && o.out.State == snapshot.Absent:
		f.Message += fmt.Sprintf("; there is no %s: the name leads elsewhere", o.where)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Text: o.where + ": not found"})
		return
	case o.svc == nil:
		f.Fix.Title = fmt.Sprintf("see whether %s has ready pods and port %s (%s)", o.where, r.port, o.out.Reason)
		return
	}
	if o.where != "service/"+r.host && !strings.HasPrefix(r.host, o.service.Name) {
		f.Message += "; it is the address of " + o.where
	}
	if o.svc.Spec.Type == corev1.ServiceTypeExternalName {
		f.Message += fmt.Sprintf("; %s leads out of the cluster, to %s", o.where, o.svc.Spec.ExternalName)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.service.Ref, Field: "spec.externalName", Text: o.where + " leads to " + o.svc.Spec.ExternalName})
		return
	}
	if have := ports(o.svc); r.port != "" && len(have) > 0 && !slices.Contains(have, r.port) && o.svc.Spec.ClusterIP != corev1.ClusterIPNone {
		o.wrongPort(p, r, f, at, named, have)
		return
	}
	if len(o.svc.Spec.Selector) == 0 {
		o.byHand(p, f)
		return
	}
	switch ready, known := p.ReadyEndpoints(o.service); {
	case known && ready == 0:
		nothingBehind(p, f, o.service, o.where)
	case known:
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a Service without pods: %s has %s now", o.where, rule.Count(ready, "ready endpoint")))
		f.Message += fmt.Sprintf("; %s has that port and %s", o.where, rule.Count(ready, "ready endpoint"))
		if f.Field != nil {
			f.Label = "the address is right: " + o.where + " has this port"
		}
		f.Fix.Title = strings.Replace(f.Fix.Title, "whether the address is right, and ", "", 1)
	}
}

// wrongPort tells of a Service that does not have the port. An address of a Service answers on no other.
func (o peer) wrongPort(p *rule.Pass, r *refusal, f *rule.Finding, at place, named bool, have []string) {
	f.Message += fmt.Sprintf("; %s has no port %s, it has %s", o.where, r.port, strings.Join(have, ", "))
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.service.Ref, Field: "spec.ports", Text: fmt.Sprintf("ports of %s: %s", o.where, strings.Join(have, ", "))})
	f.Fix = &rule.Fix{Title: fmt.Sprintf("connect to a port that %s has: %s", o.where, strings.Join(have, ", ")), Applicability: rule.NeedsThought}
	address := r.address()
	if !named || len(have) != 1 || at.value == "" || strings.Count(at.value, address) != 1 || knowledge.Mask(at.value) != at.value || strings.ContainsRune(at.value, '\n') {
		return
	}
	f.Fix.Patch = at.setting.ReplaceValue(at.value, strings.Replace(at.value, address, (&refusal{r.host, have[0]}).address(), 1))
	f.Fix.Command = p.PatchCommand(at.setting.Object, f.Fix.Patch)
	f.Fix.Object = at.setting.Object
	f.Fix.Caution = "that this port is the one that is meant, only you know"
	if at.setting.Object.GroupKind() == snapshot.ConfigMapKind {
		f.Fix.Caution += "; its next start reads it, and what else uses the ConfigMap goes on with the old value until then"
	}
}

// byHand tells of a Service whose endpoints somebody keeps: the addresses in them are what does not answer.
func (o peer) byHand(p *rule.Pass, f *rule.Finding) {
	var list []string
	var slice snapshot.Ref
	for _, s := range p.EndpointSlices(o.service) {
		es, ok := s.Typed.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		slice = s.Ref
		for _, e := range es.Endpoints {
			list = append(list, e.Addresses...)
		}
	}
	if len(list) == 0 {
		f.Message += fmt.Sprintf("; %s has no selector, and no endpoint that was read", o.where)
		f.Fix.Title = fmt.Sprintf("give %s a selector, or an EndpointSlice with the address that is meant", o.where)
		return
	}
	f.Message += fmt.Sprintf("; %s has no selector: somebody keeps its endpoints by hand, and they are %s", o.where, few(list))
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: slice, Field: "endpoints", Text: slice.String() + ": " + few(list)})
	f.Fix.Title = fmt.Sprintf("see whether the addresses behind %s are still right, and whether the pod's network reaches them", o.where)
}
