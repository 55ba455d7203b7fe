package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngressPortNumber finds backends of Ingresses that name a port by number although it has a name.
var IngressPortNumber = rule.Check{
	ID: "ingress-port-number", Title: "Ingress leads to a port by its number", Doc: rule.ReadDoc(docs, "ingress_port_number.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.IngressKind),
	Run: func(p *rule.Pass) {
		ing, ok := p.Object.Typed.(*networkingv1.Ingress)
		if !ok {
			return
		}
		for _, b := range backendsOf(ing) {
			if b.service.Port.Number == 0 {
				continue
			}
			o, _ := p.Lookup(snapshot.ServiceKind, p.Object.Namespace, b.service.Name)
			if o == nil {
				continue
			}
			svc, ok := o.Typed.(*corev1.Service)
			if !ok {
				continue
			}
			for _, sp := range svc.Spec.Ports {
				if sp.Port != b.service.Port.Number || sp.Name == "" {
					continue
				}
				path := b.path.Child("service", "port")
				patch := p.Put(path, map[string]any{"name": sp.Name})
				p.Report(rule.Finding{
					Field: path.Child("number"), Value: fmt.Sprint(sp.Port), Label: o.String() + " calls it " + sp.Name,
					Message: fmt.Sprintf("leads to port %d of %s, which has the name %q", sp.Port, o, sp.Name),
				}).WithFix(rule.Fix{
					Title: "name the port", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
					Caution: "the name must stay with the Service from now on",
				})
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1403"}},
}
