package network

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngressLBError finds Ingresses whose load balancer could not open a port.
var IngressLBError = rule.Check{
	ID: "ingress-lb-error", Title: "load balancer of an Ingress reports an error", Doc: rule.ReadDoc(docs, "ingress_lb_error.md"),
	Dimension: rule.State, Severity: rule.High, On: rule.Kinds(snapshot.IngressKind),
	Applies: func(p *rule.Pass) bool {
		ing, ok := p.Object.Typed.(*networkingv1.Ingress)
		return ok && len(ing.Status.LoadBalancer.Ingress) > 0
	},
	Run: func(p *rule.Pass) {
		ing, ok := p.Object.Typed.(*networkingv1.Ingress)
		if !ok {
			return
		}
		for i, at := range ing.Status.LoadBalancer.Ingress {
			for j, port := range at.Ports {
				if port.Error == nil || *port.Error == "" {
					continue
				}
				p.Report(rule.Finding{
					Field: field.NewPath("status", "loadBalancer", "ingress").Index(i).Child("ports").Index(j).Child("error"), Value: *port.Error,
					Label:   "what its controller says",
					Message: fmt.Sprintf("port %d of its load balancer is not served: %s", port.Port, rule.Quote(*port.Error)),
				}).WithFix(rule.Fix{Title: "mend what the controller complains about; its log says more", Applicability: rule.NeedsThought})
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1400"}},
}
