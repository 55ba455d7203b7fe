package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcPortNumber finds targetPorts that are numbers although the port has a name.
var SvcPortNumber = rule.Check{
	ID: "svc-port-number", Title: "targetPort is a number, though the port has a name", Doc: rule.ReadDoc(docs, "svc_port_number.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ServiceKind),
	Applies: func(p *rule.Pass) bool {
		svc, ok := p.Object.Typed.(*corev1.Service)
		return ok && svc.Spec.Type != corev1.ServiceTypeExternalName && len(svc.Spec.Selector) > 0
	},
	Run: func(p *rule.Pass) {
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok {
			return
		}
		var found []snapshot.Selected
		for i := range svc.Spec.Ports {
			sp := &svc.Spec.Ports[i]
			if sp.TargetPort.Type != intstr.Int {
				continue
			}
			if found == nil {
				if found = selected(p, p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector)); len(found) == 0 {
					return
				}
			}
			target := sp.TargetPort.IntVal
			if target == 0 {
				target = sp.Port
			}
			name := nameOf(found, target, protocolOf(sp.Protocol))
			if name == "" {
				continue
			}
			path := field.NewPath("spec", "ports").Index(i).Child("targetPort")
			patch := p.Put(path, name)
			p.Report(rule.Finding{
				Field: path, Value: fmt.Sprint(target), Label: "the containers call it " + name,
				Message: fmt.Sprintf("targetPort %d is the port %q of %s: by its name it would follow when the number changes", target, name, holders(found)),
			}).WithFix(rule.Fix{
				Title: "lead to it by its name", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
				Caution: "pods of an older revision that have no port of that name get no traffic until they are replaced",
			})
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1102"}},
}

// nameOf is the name that all templates have for a port, or "".
func nameOf(found []snapshot.Selected, number int32, protocol corev1.Protocol) string {
	name := ""
	for i, s := range found {
		own := ""
		for _, cp := range declared(s.Template) {
			if cp.ContainerPort == number && protocolOf(cp.Protocol) == protocol {
				own = cp.Name
			}
		}
		if own == "" || i > 0 && own != name {
			return ""
		}
		name = own
	}
	return name
}
