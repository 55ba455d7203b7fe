package network

import (
	"fmt"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// classAnnotation is how an Ingress named its class before it had a field for it. Its value is compared by
// the controllers and names no object.
const classAnnotation = "kubernetes.io/ingress.class"

// addressing is how long a controller may take to give an Ingress its address: clouds take minutes.
const addressing = 5 * time.Minute

// ingressOf is the Ingress of the Pass, where it is meant to stay.
func ingressOf(p *rule.Pass) *networkingv1.Ingress {
	ing, ok := p.Object.Typed.(*networkingv1.Ingress)
	if !ok || deleted(p) {
		return nil
	}
	return ing
}

// backend is a Service that an Ingress leads to, and where it says so.
type backend struct {
	*networkingv1.IngressServiceBackend
	path  *field.Path // of the service
	route string      // "shop.example.com/cart"
}

// backends are the Services that an Ingress leads to. A controller of AWS takes a port of the name
// use-annotation for an action that an annotation describes: that is no Service.
func backends(ing *networkingv1.Ingress) []backend {
	var list []backend
	add := func(b *networkingv1.IngressBackend, path *field.Path, route string) {
		if b != nil && b.Service != nil && b.Service.Name != "" && b.Service.Port.Name != "use-annotation" {
			list = append(list, backend{b.Service, path.Child("service"), route})
		}
	}
	add(ing.Spec.DefaultBackend, field.NewPath("spec", "defaultBackend"), "all that no rule is for")
	for i, r := range ing.Spec.Rules {
		if r.HTTP == nil {
			continue
		}
		host := r.Host
		if host == "" {
			host = "any host"
		}
		for j := range r.HTTP.Paths {
			at := field.NewPath("spec", "rules").Index(i).Child("http", "paths").Index(j)
			add(&r.HTTP.Paths[j].Backend, at.Child("backend"), host+r.HTTP.Paths[j].Path)
		}
	}
	return list
}

// routes words the routes that lead to backends.
func routes(list []backend) string {
	var names []string
	for _, b := range list {
		names = append(names, b.route)
	}
	return some(rule.Distinct(names))
}

// portOfBackend words the port of a Service that an Ingress asks for.
func portOfBackend(port networkingv1.ServiceBackendPort) string {
	if port.Name != "" {
		return fmt.Sprintf("%q", port.Name)
	}
	return fmt.Sprint(port.Number)
}

// class is the class that an Ingress names, in its field or the older annotation; "" for none.
func class(ing *networkingv1.Ingress) string {
	if c := ing.Spec.IngressClassName; c != nil && *c != "" {
		return *c
	}
	return ing.Annotations[classAnnotation]
}

// hasAddress tells whether some controller has given the Ingress an address.
func hasAddress(ing *networkingv1.Ingress) bool { return len(ing.Status.LoadBalancer.Ingress) > 0 }

// taken is what shows that a controller has taken the Ingress on, or "": an address, a finalizer, an event.
func taken(p *rule.Pass, ing *networkingv1.Ingress) string {
	events := p.EventsOf(p.Object)
	switch {
	case hasAddress(ing):
		return "it has an address"
	case len(ing.Finalizers) > 0:
		return "it has the finalizer " + ing.Finalizers[0]
	case len(events) > 0:
		return "a controller has said something of it: " + events[len(events)-1].Reason
	}
	return ""
}

// defaultClass tells whether a class is for what names none.
func defaultClass(o *snapshot.Object) bool {
	return o.Meta.GetAnnotations()[networkingv1.AnnotationIsDefaultIngressClass] == "true"
}

// classNames words the classes that were read, for messages.
func classNames(p *rule.Pass) string {
	names := p.Names(snapshot.IngressClassKind, "")
	if len(names) == 0 {
		return "there is no IngressClass at all"
	}
	return "there is " + strings.ReplaceAll(some(names), ", ", " and ")
}
