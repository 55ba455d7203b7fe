package network

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// classAnnotation is how an Ingress named its class before it had a field for it.
const classAnnotation = "kubernetes.io/ingress.class"

// classOf is the class that an Ingress names; "" for none.
func classOf(ing *networkingv1.Ingress) string {
	if c := ing.Spec.IngressClassName; c != nil && *c != "" {
		return *c
	}
	return ing.Annotations[classAnnotation]
}

// backend is a Service that an Ingress leads to.
type backend struct {
	service *networkingv1.IngressServiceBackend
	path    *field.Path // of the backend
}

func backendsOf(ing *networkingv1.Ingress) []backend {
	var list []backend
	if b := ing.Spec.DefaultBackend; b != nil && b.Service != nil {
		list = append(list, backend{b.Service, field.NewPath("spec", "defaultBackend")})
	}
	for i, r := range ing.Spec.Rules {
		if r.HTTP == nil {
			continue
		}
		for j := range r.HTTP.Paths {
			if b := r.HTTP.Paths[j].Backend.Service; b != nil {
				list = append(list, backend{b, field.NewPath("spec", "rules").Index(i).Child("http", "paths").Index(j).Child("backend")})
			}
		}
	}
	return list
}

// challenge tells whether an Ingress answers the questions of a certificate authority, which come over HTTP.
// Source: cert-manager's label of the Ingresses that it makes.
func challenge(ing *networkingv1.Ingress) bool {
	return ing.Labels["acme.cert-manager.io/http01-solver"] == "true"
}

// covers tells whether a name of a certificate, or of a rule, is for a host: a * stands for one label.
func covers(name, host string) bool {
	name, host = strings.ToLower(name), strings.ToLower(host)
	if name == host {
		return true
	}
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		_, parent, dotted := strings.Cut(host, ".")
		return dotted && parent == rest
	}
	return false
}
