package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// passedOn are the causes that only pass on what a log says of a call that gets no answer.
var passedOn = []string{"app-exit", "app-panic", "init-failing", "init-blocking", "readiness-failing", "restart-after-long-run", "dependency-unreachable"}

// NetpolBlocksIngress finds Services and callers to whom NetworkPolicies close the pods that they are for.
var NetpolBlocksIngress = rule.Cause{
	ID: "netpol-blocks-ingress", Title: "a NetworkPolicy lets nobody in, or not this caller", Doc: rule.ReadDoc(docs, "netpol_blocks_ingress.md"),
	Stage: rule.StageRoute, Beats: passedOn, On: rule.Kinds(snapshot.ServiceKind, snapshot.NetworkPolicyKind, snapshot.PodKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		switch t := p.Object.Typed.(type) {
		case *corev1.Pod:
			return wantCalls(p)
		case *networkingv1.NetworkPolicy:
			return []snapshot.Want{
				snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, ""), snapshot.WantList(snapshot.ServiceKind, p.Object.Namespace, ""),
				snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""),
			}
		case *corev1.Service:
			if selectable(p) == nil {
				return nil
			}
			wants := []snapshot.Want{wantPods(p, t), snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, "")}
			if policies, _ := policiesIn(p, p.Object.Namespace); len(policies) > 0 {
				wants = append(wants, snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""))
			}
			return wants
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		switch t := p.Object.Typed.(type) {
		case *corev1.Pod:
			for _, c := range calls(p) {
				judgeCall(p, c, networkingv1.PolicyTypeIngress)
			}
		case *corev1.Service:
			if selectable(p) != nil {
				judgeService(p, p.Object, t, nil)
			}
		case *networkingv1.NetworkPolicy:
			if deleted(p) {
				return
			}
			for _, o := range p.List(snapshot.ServiceKind, p.Object.Namespace) {
				if svc, ok := o.Typed.(*corev1.Service); ok && len(svc.Spec.Selector) > 0 && svc.Spec.Type != corev1.ServiceTypeExternalName {
					judgeService(p, o, svc, t)
				}
			}
		}
	},
}

// NetpolBlocksEgress finds callers that NetworkPolicies keep from what they call.
var NetpolBlocksEgress = rule.Cause{
	ID: "netpol-blocks-egress", Title: "a NetworkPolicy does not let its calls out", Doc: rule.ReadDoc(docs, "netpol_blocks_egress.md"),
	Stage: rule.StageRoute, Beats: passedOn, On: rule.Pods,
	Wants: wantCalls,
	Run: func(p *rule.Pass) {
		for _, c := range calls(p) {
			judgeCall(p, c, networkingv1.PolicyTypeEgress)
		}
	},
}

// judgeCall looks whether policies explain a call that got no answer, in one direction.
func judgeCall(p *rule.Pass, c call, direction networkingv1.PolicyType) {
	port := c.to(p)
	if port == nil {
		if direction == networkingv1.PolicyTypeEgress {
			judgeOutside(p, c)
		}
		return
	}
	at, what, peers := c.service.Namespace, "ingress", "from"
	if direction == networkingv1.PolicyTypeEgress {
		at, what, peers = p.Object.Namespace, "egress", "to"
	}
	policies, ok := policiesIn(p, at)
	pods := running(p, c)
	if !ok || len(pods) == 0 {
		return // without a ready pod it would get no answer anyway
	}
	src := endpoint(p, p.Object)
	var limiting []*networkingv1.NetworkPolicy
	var number int32
	for _, o := range pods {
		dst := endpoint(p, o)
		number = targetOn(*port, o)
		if number == 0 {
			return
		}
		answer := knowledge.LetsIn(policies, dst, src, corev1.ProtocolTCP, number)
		limiting = knowledge.Isolating(policies, dst, direction)
		if direction == networkingv1.PolicyTypeEgress {
			answer = knowledge.LetsOut(policies, src, dst, corev1.ProtocolTCP, number)
			limiting = knowledge.Isolating(policies, src, direction)
		}
		if answer != knowledge.No {
			return
		}
	}
	if len(limiting) == 0 || !before(limiting, c.container) {
		return
	}
	policy := limiting[0]
	f := rule.Finding{
		Object: policyRef(policy), Seen: p.Object.In(c.container.Name), Field: field.NewPath("spec", what), Certainty: rule.Likely,
		Evidence: []rule.Evidence{
			p.LogEvidence(c.container, c.line),
			{Source: rule.FromSpec, Object: policyRef(policy), Field: "spec." + what, Text: fmt.Sprintf("%s limits it, and no rule is for %s and port %d", policyNames(limiting), c.service.String(), number)},
		},
		RuledOut: []string{fmt.Sprintf("a Service without pods: %s has %s", c.service.String(), rule.Count(len(pods), "ready pod"))},
		Fix:      &rule.Fix{Applicability: rule.NeedsThought},
	}
	who := makerOf(p, p.Object).String()
	peer := p.Object
	if direction == networkingv1.PolicyTypeIngress {
		f.Message = fmt.Sprintf("gets no answer from %s: %s does not let it in to port %d of its pods", c.service.String(), policyNames(limiting), number)
		f.Label = fmt.Sprintf("no rule lets in %s to port %d", pairs(identity(p.Object)), number)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "metadata.labels", Text: fmt.Sprintf("%s: labels %s", p.Object.String(), pairs(own(p.Object.Meta.GetLabels())))})
		f.Fix.Title = fmt.Sprintf("let %s in to port %d", pairs(identity(p.Object)), number)
		f.Fix.Caution = opens(fmt.Sprintf("port %d of the pods behind %s to %s", number, c.service.String(), who)) + "; " + othersPolicies
	} else {
		peer = pods[0]
		f.Message = fmt.Sprintf("gets no answer from %s: %s does not let it out to port %d of its pods", c.service.String(), policyNames(limiting), number)
		f.Label = fmt.Sprintf("no rule lets out to %s and port %d", pairs(identity(peer)), number)
		f.Fix.Title = fmt.Sprintf("let it out to %s, port %d", pairs(identity(peer)), number)
		f.Fix.Caution = opens(fmt.Sprintf("the way from %s to %s", who, c.service.String())) + "; " + othersPolicies
	}
	f.Fix.Patch = ruleFor(what, peers, peerOf(peer, at), corev1.ProtocolTCP, number, policy)
	if path, owner := outerPort(limiting, direction, c.port); path != nil && c.port != number {
		f.Object, f.Field, f.Value = policyRef(owner), path, fmt.Sprint(c.port)
		f.Message += fmt.Sprintf(", only to port %d, that of the Service", c.port)
		f.Label = fmt.Sprintf("%s leads to port %d of the pods", c.service.String(), number)
		f.Fix.Title = fmt.Sprintf("name port %d, the one of the pods: rules are not about the ports of Services", number)
		f.Fix.Patch = rule.Setting{Object: f.Object, Path: path}.ReplaceValue(c.port, number)
	}
	f.Fix.Command = p.PatchCommand(f.Object, f.Fix.Patch)
	p.Report(f)
}

// outerPort is where one of the policies names a port by the number that only the Service has.
func outerPort(policies []*networkingv1.NetworkPolicy, direction networkingv1.PolicyType, number int32) (*field.Path, *networkingv1.NetworkPolicy) {
	for _, policy := range policies {
		var lists [][]networkingv1.NetworkPolicyPort
		at := field.NewPath("spec", "ingress")
		for _, r := range policy.Spec.Ingress {
			lists = append(lists, r.Ports)
		}
		if direction == networkingv1.PolicyTypeEgress {
			at, lists = field.NewPath("spec", "egress"), nil
			for _, r := range policy.Spec.Egress {
				lists = append(lists, r.Ports)
			}
		}
		for i, list := range lists {
			for j, port := range list {
				if port.Port != nil && port.Port.Type == intstr.Int && port.Port.IntVal == number && port.EndPort == nil {
					return at.Index(i).Child("ports").Index(j).Child("port"), policy
				}
			}
		}
	}
	return nil, nil
}

// judgeService looks for a port of a Service to which policies let nobody in. With only it speaks of nothing
// that this policy has no part in.
func judgeService(p *rule.Pass, o *snapshot.Object, svc *corev1.Service, only *networkingv1.NetworkPolicy) {
	policies, ok := policiesIn(p, o.Namespace)
	if !ok || len(policies) == 0 {
		return
	}
	pods := alive(p, o.Namespace, labels.SelectorFromSet(svc.Spec.Selector))
	for _, port := range svc.Spec.Ports {
		var shut *closed
		for _, pod := range pods {
			number := targetOn(port, pod)
			if number == 0 {
				continue
			}
			if shut = closedTo(p, policies, pod, protocolOf(port.Protocol), number, port.Port); shut == nil {
				break
			}
		}
		if shut == nil || only != nil && !contains(shut.policies, only) {
			continue
		}
		reportClosed(p, o, port, shut)
	}
}

func contains(list []*networkingv1.NetworkPolicy, policy *networkingv1.NetworkPolicy) bool {
	for _, one := range list {
		if one.Name == policy.Name {
			return true
		}
	}
	return false
}

// closed is why nobody is let in to a port of a pod.
type closed struct {
	policies []*networkingv1.NetworkPolicy
	pod      *snapshot.Object
	number   int32

	// What comes nearest to letting somebody in, where something does.
	policy *networkingv1.NetworkPolicy
	path   *field.Path       // of the port that is the Service's, or of the selector that finds nobody
	labels map[string]string // that selector
}

// closedTo tells why nobody is let in to a port of a pod; nil where somebody is, or may be.
func closedTo(p *rule.Pass, policies []*networkingv1.NetworkPolicy, pod *snapshot.Object, protocol corev1.Protocol, number, outer int32) *closed {
	dst := endpoint(p, pod)
	shut := &closed{policies: knowledge.Isolating(policies, dst, networkingv1.PolicyTypeIngress), pod: pod, number: number}
	if len(shut.policies) == 0 {
		return nil
	}
	for _, policy := range shut.policies {
		for i, r := range policy.Spec.Ingress {
			at := field.NewPath("spec", "ingress").Index(i)
			fits := len(r.Ports) == 0
			for j := range r.Ports {
				fits = fits || knowledge.PortMatches(&r.Ports[j], dst, protocol, number)
				if port := r.Ports[j].Port; port != nil && port.Type == intstr.Int && port.IntVal == outer && r.Ports[j].EndPort == nil && outer != number && shut.path == nil {
					shut.policy, shut.path, shut.labels = policy, at.Child("ports").Index(j).Child("port"), nil
				}
			}
			if !fits {
				continue
			}
			if len(r.From) == 0 {
				return nil
			}
			for j := range r.From {
				if !findsNobody(p, pod.Namespace, &r.From[j]) {
					return nil
				}
				if shut.labels == nil && len(r.From[j].PodSelector.MatchLabels) > 0 && len(r.From[j].PodSelector.MatchExpressions) == 0 {
					shut.policy, shut.path, shut.labels = policy, at.Child("from").Index(j).Child("podSelector", "matchLabels"), r.From[j].PodSelector.MatchLabels
				}
			}
		}
	}
	return shut
}

// findsNobody tells whether a peer is for pods of the policy's own namespace and finds none there, nor a
// template that would make one.
func findsNobody(p *rule.Pass, namespace string, peer *networkingv1.NetworkPolicyPeer) bool {
	if peer.IPBlock != nil || peer.NamespaceSelector != nil || peer.PodSelector == nil || !p.ListRead(snapshot.PodKind, namespace) {
		return false
	}
	selector, err := selectorOf(peer.PodSelector)
	return err == nil && !p.SelectsPod(namespace, selector) && len(p.SelectedTemplates(namespace, selector)) == 0
}

func reportClosed(p *rule.Pass, svc *snapshot.Object, port corev1.ServicePort, shut *closed) {
	policy := shut.policies[0]
	if shut.policy != nil {
		policy = shut.policy
	}
	ref := policyRef(policy)
	f := rule.Finding{
		Object: ref, Seen: p.Object.Ref, Field: field.NewPath("spec", "ingress"), Certainty: rule.Possible,
		Message: fmt.Sprintf("%s lets nobody in to port %d of the pods behind %s: is that meant?", policyNames(shut.policies), shut.number, svc.String()),
		Label:   fmt.Sprintf("no rule is for port %d", shut.number),
		Evidence: []rule.Evidence{
			{Source: rule.FromSpec, Object: ref, Field: "spec.podSelector", Text: fmt.Sprintf("%s: %s, and no rule of them lets anybody in to port %d", shut.pod.String(), policyNames(shut.policies), shut.number)},
			{Source: rule.FromSpec, Object: svc.Ref, Field: "spec.ports", Text: fmt.Sprintf("%s sends port %d to port %d of its pods", svc.String(), port.Port, shut.number)},
		},
		Fix: &rule.Fix{Title: fmt.Sprintf("add a rule for those that may connect to port %d", shut.number), Caution: othersPolicies, Applicability: rule.NeedsThought},
	}
	setting := rule.Setting{Object: ref, Path: shut.path}
	switch {
	case shut.labels != nil:
		f.Field, f.Value = shut.path, pairs(shut.labels)
		f.Message = fmt.Sprintf("lets only %s in to port %d of the pods behind %s, and no pod of the namespace has that: is one meant to come?", pairs(shut.labels), shut.number, svc.String())
		f.Label = "no pod has these labels"
		f.Fix.Title = "select labels that those who may connect carry"
		if n := nearest(shut.labels, p.List(snapshot.PodKind, svc.Namespace)); n != nil && len(n.wrong) == 1 && n.alike == 1 {
			key, have := n.wrong[0], n.pod.Meta.GetLabels()
			if value, ok := have[key]; ok {
				who := makerOf(p, n.pod).String()
				f.Certainty = rule.Likely
				f.Field, f.Value = shut.path.Key(key), shut.labels[key]
				f.Message = fmt.Sprintf("lets only %s in to port %d of the pods behind %s, and no pod has that: %s has %s=%s", pairs(shut.labels), shut.number, svc.String(), who, key, value)
				f.Label = fmt.Sprintf("%s has %s=%s", who, key, value)
				f.Fix.Title = fmt.Sprintf("let in %s=%s", key, value)
				f.Fix.Caution = opens(fmt.Sprintf("port %d of the pods behind %s to %s", shut.number, svc.String(), who))
				f.Fix.Patch = rule.Setting{Object: ref, Path: f.Field}.ReplaceValue(shut.labels[key], value)
				f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
			}
		}
	case shut.path != nil:
		f.Certainty = rule.Likely
		f.Field, f.Value = shut.path, fmt.Sprint(port.Port)
		f.Message = fmt.Sprintf("lets in to port %d, that of %s, and its pods listen on %d: a NetworkPolicy is about the ports of pods, so nobody is let in", port.Port, svc.String(), shut.number)
		f.Label = fmt.Sprintf("%s leads to port %d of the pods", svc.String(), shut.number)
		f.Fix.Title = fmt.Sprintf("let in to port %d", shut.number)
		f.Fix.Caution = opens(fmt.Sprintf("port %d of the pods to those whom the rule names", shut.number))
		f.Fix.Patch = setting.ReplaceValue(port.Port, shut.number)
		f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
	}
	p.Report(f)
}
