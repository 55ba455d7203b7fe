package network

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngressClassMissing finds Ingresses that no controller feels responsible for.
var IngressClassMissing = rule.Check{
	ID: "ingress-class-missing", Title: "Ingress of no known class", Doc: rule.ReadDoc(docs, "ingress_class_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.IngressKind),
	// On a cluster it shows whether a controller has taken the Ingress on, and causes say so.
	Applies: func(p *rule.Pass) bool {
		return p.Files && (p.Closed || len(p.List(snapshot.IngressClassKind, "")) > 0)
	},
	Run: func(p *rule.Pass) {
		ing, ok := p.Object.Typed.(*networkingv1.Ingress)
		if !ok {
			return
		}
		path := field.NewPath("spec", "ingressClassName")
		if name := ing.Spec.IngressClassName; name != nil && *name != "" {
			ref := snapshot.RefOf(snapshot.IngressClassKind.WithVersion("v1"), "", *name)
			if a := p.Absent(path, ref); a != nil {
				p.Report(a.Finding("is of class %s, which %s: no controller serves it", *name, a.Where)).
					WithFix(a.Fix(p, "name class", "name a class that exists, or install the controller that brings this one"))
			}
			return
		}
		if ing.Annotations[classAnnotation] != "" {
			return // controllers compare it with a name of their own, of which there need be no object
		}
		classes := p.List(snapshot.IngressClassKind, "")
		for _, o := range classes {
			if o.Meta.GetAnnotations()[networkingv1.AnnotationIsDefaultIngressClass] == "true" {
				return
			}
		}
		names := p.Names(snapshot.IngressClassKind, "")
		f := rule.Finding{
			Field: path, Certainty: certaintyHere(p), Label: "no class",
			Message: "names no class, and no IngressClass of the input is the default one: no controller need serve it",
		}
		fix := rule.Fix{Title: "name the class that is to serve it", Applicability: rule.NeedsThought, Caution: "some controllers also serve what names no class, and are told so by a flag of theirs"}
		if len(names) > 0 {
			f.Message += fmt.Sprintf("; there is %s", some(names))
		}
		if len(names) == 1 {
			fix.Title = fmt.Sprintf("name class %s, the only one that there is", names[0])
			fix.Patch = p.Put(path, names[0])
		}
		p.Report(f).WithFix(fix)
	},
}
