package network

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// listsAgree is how old an object must be for a list that lacks what it names to count: lists are read at
// different moments.
const listsAgree = time.Minute

// absent tells whether an object is not there, and how sure that is: a server's own "not found" proves
// it; a list without it does nearly, where what names the object is no younger than the list may be.
func absent(p *rule.Pass, gk schema.GroupKind, namespace, name string) (rule.Certainty, bool) {
	o, out := p.Lookup(gk, namespace, name)
	switch {
	case o != nil || out.State != snapshot.Absent:
		return "", false
	case out.Proven:
		return rule.Certain, true
	case p.Age(p.Object.Meta.GetCreationTimestamp().Time) <= listsAgree:
		return "", false
	}
	return rule.Likely, true
}

// notFound is the evidence for an object that is not there: the server said so, or a list lacks it.
func notFound(gk schema.GroupKind, namespace, name string, certainty rule.Certainty) rule.Evidence {
	ref := snapshot.RefOf(gk.WithVersion("v1"), namespace, name)
	text := "the API has no " + ref.String()
	if certainty != rule.Certain {
		text = "the list has no " + ref.String()
	}
	if namespace != "" {
		text += " in namespace " + namespace
	}
	return rule.Evidence{Source: rule.FromStatus, Object: ref, Text: text}
}

// deleted tells whether the object of the Pass is on its way out: nothing of it needs mending.
func deleted(p *rule.Pass) bool { return p.Object.Meta.GetDeletionTimestamp() != nil }

// selectable is the Service of the Pass, where it has a selector and is meant to stay.
func selectable(p *rule.Pass) *corev1.Service {
	svc, ok := p.Object.Typed.(*corev1.Service)
	if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName || len(svc.Spec.Selector) == 0 || deleted(p) {
		return nil
	}
	return svc
}

// wantPods asks for the pods of a Service.
func wantPods(p *rule.Pass, svc *corev1.Service) snapshot.Want {
	return snapshot.WantList(snapshot.PodKind, p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector).String())
}

// headless tells whether a Service is only a name for its pods: nothing forwards what is sent to its ports.
func headless(svc *corev1.Service) bool { return svc.Spec.ClusterIP == corev1.ClusterIPNone }

// podsRead tells whether the pods of a Service are known: none found is none there.
func podsRead(p *rule.Pass, svc *corev1.Service) bool {
	if p.ListRead(snapshot.PodKind, p.Object.Namespace) {
		return true
	}
	out, asked := p.Outcome(wantPods(p, svc))
	return asked && out.State != snapshot.Blind
}

// alive are the pods that a selector finds, without those that have ended or are being deleted.
func alive(p *rule.Pass, namespace string, selector labels.Selector) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.SelectedPods(namespace, selector) {
		pod := o.Pod()
		if pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			list = append(list, o)
		}
	}
	return list
}

// of is the Pass of another object, for what is known of a pod.
func of(p *rule.Pass, o *snapshot.Object) *rule.Pass {
	return rule.NewPass(p.Snapshot, o, nil, nil, rule.Sink{})
}

// makerOf is the object in which a pod is changed: what made it, even where that was not read.
func makerOf(p *rule.Pass, pod *snapshot.Object) snapshot.Ref { return of(p, pod).PodSpec().Object }

// makers names what made the pods: "deployment/web", "deployment/web and deployment/api".
func makers(p *rule.Pass, pods []*snapshot.Object) string {
	var names []string
	for _, o := range pods {
		if name := makerOf(p, o).String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 3 {
		return rule.Few(names, 2)
	}
	return strings.Join(names, " and ")
}

// declared are the ports of the containers that run as long as the pod does.
func declared(pod *snapshot.Object) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for _, c := range pod.PodContainers() {
		if !c.Init {
			ports = append(ports, c.Ports...)
		}
	}
	return ports
}

// declareAll tells whether every container that is there from the template declares a TCP port. One that declares
// none may listen on any, beside a proxy that declares its own.
func declareAll(pod *snapshot.Object) bool {
	for _, c := range pod.PodContainers() {
		if c.Init || c.Beside {
			continue
		}
		if !slices.ContainsFunc(c.Ports, func(cp corev1.ContainerPort) bool { return protocolOf(cp.Protocol) == corev1.ProtocolTCP }) {
			return false
		}
	}
	return true
}

func protocolOf(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}

// some lists names, and counts those that would make the line too long.
func some(names []string) string { return rule.Few(names, 5) }
