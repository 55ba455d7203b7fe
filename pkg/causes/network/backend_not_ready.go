package network

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// BackendNotReady finds Ingresses and routes that lead to a Service which has nowhere to send requests to. Why that is, is
// the Service's own finding.
var BackendNotReady = rule.Cause{
	ID: "backend-not-ready", Title: "leads to a Service that has no ready pod", Doc: rule.ReadDoc(docs, "backend_not_ready.md"),
	Stage: rule.StageRoute, On: rule.Kinds(append([]schema.GroupKind{snapshot.IngressKind}, routeKinds...)...),
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, b := range leadsTo(p) {
			wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, b.namespace, b.name))
			if svc, _ := p.Lookup(snapshot.ServiceKind, b.namespace, b.name); svc != nil {
				wants = append(wants, snapshot.WantEndpoints(b.namespace, b.name))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if deleted(p) {
			return
		}
		list := leadsTo(p)
		for i, b := range list {
			if slices.ContainsFunc(list[:i], func(other destination) bool { return other.namespace == b.namespace && other.name == b.name }) {
				continue
			}
			if o, _ := p.Lookup(snapshot.ServiceKind, b.namespace, b.name); o != nil {
				judgeBackend(p, o, list)
			}
		}
	},
}

// destination is a Service that an Ingress or a route leads to, and from where.
type destination struct{ namespace, name, route string }

// leadsTo are the Services that the Ingress or route of the Pass leads to.
func leadsTo(p *rule.Pass) []destination {
	var list []destination
	if ing := ingressOf(p); ing != nil {
		for _, b := range backends(ing) {
			list = append(list, destination{p.Object.Namespace, b.Name, b.route})
		}
		return list
	}
	for _, r := range backendRefs(p) {
		list = append(list, destination{r.namespace, r.name, ""})
	}
	return list
}

func judgeBackend(p *rule.Pass, o *snapshot.Object, list []destination) {
	svc, ok := o.Typed.(*corev1.Service)
	if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName || svc.Spec.PublishNotReadyAddresses || len(svc.Spec.Selector) == 0 {
		return
	}
	its := of(p, o)
	e := endpointsOf(its)
	if !e.read || e.ready > 0 || young(its, e.notReady) || len(e.notReady) == 0 && meantToBeEmpty(its, svc) {
		return
	}
	var from []string
	for _, b := range list {
		if b.namespace == o.Namespace && b.name == o.Name && b.route != "" {
			from = append(from, b.route)
		}
	}
	what := "requests"
	if len(from) > 0 {
		what = some(rule.Distinct(from))
	}
	who := "none of its pods is ready"
	if len(e.notReady) == 0 {
		who = "it has no pod at all"
	}
	because := o.Ref
	f := rule.Finding{
		Because: &because, Certainty: rule.Certain,
		NoField:  "it is as it should be: the Service is there, and has the port",
		Message:  fmt.Sprintf("leads %s to %s, and %s: they get an error, usually 503", what, o.String(), who),
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: o.Ref, Field: "endpoints", Text: fmt.Sprintf("%s: 0 ready of %s", o.String(), rule.Count(len(e.notReady), "endpoint"))}},
		RuledOut: []string{fmt.Sprintf("a missing Service: %s is there", o.String())},
		Fix:      &rule.Fix{Title: fmt.Sprintf("mend %s: this needs nothing then", o.String()), Applicability: rule.NeedsThought, Lines: []string{p.Explain(o.Ref)}},
	}
	p.Report(f)
}

// meantToBeEmpty tells whether a Service has no pods since its workload is scaled to zero, or may be: only
// a workload that was read and wants pods, or that none was found, tells otherwise.
func meantToBeEmpty(p *rule.Pass, svc *corev1.Service) bool {
	behind := p.SelectedTemplates(p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector))
	for _, b := range behind {
		var replicas *int32
		switch t := b.Object.Typed.(type) {
		case *appsv1.Deployment:
			replicas = t.Spec.Replicas
		case *appsv1.StatefulSet:
			replicas = t.Spec.Replicas
		default:
			continue
		}
		if replicas == nil || *replicas > 0 {
			return p.Age(b.Object.Meta.GetCreationTimestamp().Time) < starting
		}
	}
	return len(behind) > 0 || !p.ListRead(snapshot.PodKind, p.Object.Namespace) || !p.ListRead(snapshot.DeploymentKind, p.Object.Namespace)
}
