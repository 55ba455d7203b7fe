package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
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
			return append([]snapshot.Want{
				snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, ""), snapshot.WantList(snapshot.ServiceKind, p.Object.Namespace, ""),
				snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""),
			}, wantNamespaces(p)...)
		case *corev1.Service:
			if selectable(p) == nil {
				return nil
			}
			wants := []snapshot.Want{wantPods(p, t), snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, "")}
			if policies, _ := policiesIn(p, p.Object.Namespace); len(policies) > 0 {
				wants = append(wants, snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""))
				wants = append(wants, wantNamespaces(p)...)
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
	named  string            // the port at path is a name that no container of the pod has
	spaces labels.Selector   // the selector at path is for namespaces, and finds none
}

// wantNamespaces asks for all namespaces where a policy lets in some of them by their labels.
func wantNamespaces(p *rule.Pass) []snapshot.Want {
	policies, _ := policiesIn(p, p.Object.Namespace)
	for _, policy := range policies {
		for _, r := range policy.Spec.Ingress {
			for _, peer := range r.From {
				if peer.NamespaceSelector != nil && len(peer.NamespaceSelector.MatchLabels)+len(peer.NamespaceSelector.MatchExpressions) > 0 {
					return []snapshot.Want{snapshot.WantList(snapshot.NamespaceKind, "", "")}
				}
			}
		}
	}
	return nil
}

// findsNoNamespace is the selector of a peer that is for namespaces of which there are none; nil where there is
// one, or where not all were read: each cluster has kube-system.
func findsNoNamespace(p *rule.Pass, peer *networkingv1.NetworkPolicyPeer) labels.Selector {
	if peer.NamespaceSelector == nil || !p.ListRead(snapshot.NamespaceKind, "") {
		return nil
	}
	selector, err := selectorOf(peer.NamespaceSelector)
	if err != nil {
		return nil
	}
	whole := false
	for _, o := range p.List(snapshot.NamespaceKind, "") {
		whole = whole || o.Name == metav1.NamespaceSystem
		if selector.Matches(labels.Set(o.Meta.GetLabels())) {
			return nil
		}
	}
	if !whole {
		return nil
	}
	return selector
}

// hasPort tells whether a container of the pod has a port of a name.
func hasPort(pod *snapshot.Object, name string) bool {
	for _, cp := range declared(pod) {
		if cp.Name == name {
			return true
		}
	}
	return false
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
				if port := r.Ports[j].Port; port != nil && port.Type == intstr.String && !hasPort(pod, port.StrVal) && shut.path == nil {
					shut.policy, shut.path, shut.named = policy, at.Child("ports").Index(j).Child("port"), port.StrVal
				}
			}
			if !fits {
				continue
			}
			if len(r.From) == 0 {
				return nil
			}
			for j := range r.From {
				if spaces := findsNoNamespace(p, &r.From[j]); spaces != nil {
					if shut.path == nil {
						shut.policy, shut.path, shut.spaces = policy, at.Child("from").Index(j).Child("namespaceSelector"), spaces
					}
					continue
				}
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
	case shut.spaces != nil:
		shutToSpaces(p, &f, shut, svc)
	case shut.named != "":
		f.Certainty = rule.Likely
		f.Field, f.Value = shut.path, shut.named
		f.Message = fmt.Sprintf("lets in to the port %q, and no container of %s has a port of that name: nobody is let in to port %d, to which %s leads", shut.named, makerOf(p, shut.pod).String(), shut.number, svc.String())
		f.Label = fmt.Sprintf("its containers have %s", portsInWords(shut.pod))
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: shut.pod.Ref, Field: "ports", Text: fmt.Sprintf("%s declares %s", shut.pod.String(), portsInWords(shut.pod))})
		f.Fix.Title = fmt.Sprintf("let in to port %d", shut.number)
		f.Fix.Caution = opens(fmt.Sprintf("port %d of the pods to those whom the rule names", shut.number))
		f.Fix.Patch = setting.ReplaceValue(shut.named, shut.number)
		f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
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

// shutToSpaces words that a policy is for namespaces of which there are none. One that selects a namespace by a
// label "name" mostly means the label that the API gives each.
func shutToSpaces(p *rule.Pass, f *rule.Finding, shut *closed, svc *snapshot.Object) {
	n := len(p.List(snapshot.NamespaceKind, ""))
	f.Field, f.Value = shut.path, shut.spaces.String()
	f.Message = fmt.Sprintf("lets only namespaces with %s in to port %d of the pods behind %s, and none of %s has that: is one meant to come?", shut.spaces.String(), shut.number, svc.String(), rule.Count(n, "namespace"))
	f.Label = "no namespace has these labels"
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: fmt.Sprintf("0 of %s match %s", rule.Count(n, "namespace"), shut.spaces.String())})
	f.Fix.Title = "select labels that the namespaces of those who may connect carry"
	requirements, _ := shut.spaces.Requirements()
	if len(requirements) != 1 || requirements[0].Operator() != selection.Equals {
		return
	}
	key, value := requirements[0].Key(), requirements[0].ValuesUnsorted()[0]
	if o, _ := p.Lookup(snapshot.NamespaceKind, "", value); o == nil || o.Meta.GetLabels()[corev1.LabelMetadataName] != value {
		return
	}
	at := shut.path.Child("matchLabels")
	f.Certainty = rule.Likely
	f.Field, f.Value = at.Key(key), value
	f.Message = fmt.Sprintf("lets only namespaces with %s=%s in to port %d of the pods behind %s, and none has that label: namespace %s has %s=%s", key, value, shut.number, svc.String(), value, corev1.LabelMetadataName, value)
	f.Label = fmt.Sprintf("namespace %s has %s instead", value, corev1.LabelMetadataName)
	f.Fix.Title = fmt.Sprintf("let in %s=%s", corev1.LabelMetadataName, value)
	f.Fix.Caution = opens(fmt.Sprintf("port %d of the pods to namespace %s", shut.number, value))
	setting := rule.Setting{Object: f.Object, Path: at}
	f.Fix.Patch = setting.ReplaceValue(map[string]string{key: value}, map[string]string{corev1.LabelMetadataName: value})
	f.Fix.Command = p.PatchCommand(f.Object, f.Fix.Patch)
}
