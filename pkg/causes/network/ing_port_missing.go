package network

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngPortMissing finds Ingresses that ask a Service for a port which it does not have.
var IngPortMissing = rule.Cause{
	ID: "ing-port-missing", Title: "the Ingress asks for a port that the Service lacks", Doc: rule.ReadDoc(docs, "ing_port_missing.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.IngressKind),
	Wants: IngBackendMissing.Wants,
	Run: func(p *rule.Pass) {
		ing := ingressOf(p)
		if ing == nil {
			return
		}
		said := map[string]bool{}
		for _, b := range backends(ing) {
			key := b.Name + " " + portOfBackend(b.Port)
			o, _ := p.Lookup(snapshot.ServiceKind, p.Object.Namespace, b.Name)
			if o == nil || said[key] {
				continue
			}
			said[key] = true
			if svc, ok := o.Typed.(*corev1.Service); ok && lacksPort(svc, b.Port) {
				reportNoPort(p, o, svc, b)
			}
		}
	},
}

// lacksPort tells whether a Service has no port of that number or name. What an ExternalName or a headless
// Service without ports leads to is not for its ports to say.
func lacksPort(svc *corev1.Service, want networkingv1.ServiceBackendPort) bool {
	if svc.Spec.Type == corev1.ServiceTypeExternalName || len(svc.Spec.Ports) == 0 || want == (networkingv1.ServiceBackendPort{}) {
		return false
	}
	return !slices.ContainsFunc(svc.Spec.Ports, func(port corev1.ServicePort) bool {
		return want.Name != "" && port.Name == want.Name || want.Name == "" && port.Port == want.Number
	})
}

func reportNoPort(p *rule.Pass, o *snapshot.Object, svc *corev1.Service, b backend) {
	key := "number"
	if b.Port.Name != "" {
		key = "name"
	}
	setting := rule.Setting{Object: p.Object.Ref, Path: b.path.Child("port")}
	var have, names []string
	for _, port := range svc.Spec.Ports {
		text := fmt.Sprint(port.Port)
		if port.Name != "" {
			text, names = fmt.Sprintf("%d (%s)", port.Port, port.Name), append(names, port.Name)
		}
		have = append(have, text)
	}
	f := rule.Finding{
		Field: setting.Path.Child(key), Value: strings.Trim(portOfBackend(b.Port), `"`), Certainty: rule.Certain,
		Message:  fmt.Sprintf("leads %s to port %s of %s, which has no such port: it has %s", b.route, portOfBackend(b.Port), o.String(), some(have)),
		Label:    "the Service has " + some(have),
		Evidence: []rule.Evidence{{Source: rule.FromSpec, Object: o.Ref, Field: "spec.ports", Text: fmt.Sprintf("ports of %s: %s", o.String(), some(have))}},
		RuledOut: []string{fmt.Sprintf("a missing Service: %s is there", o.String())},
		Fix:      &rule.Fix{Title: "ask for a port that the Service has", Applicability: rule.NeedsThought},
	}
	meant := meantPort(svc, b.Port, names)
	if inner := strings.Trim(portOfBackend(b.Port), `"`); meant != nil && meant.TargetPort.String() == inner {
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("leads %s to port %s of %s, and %s is a port of its pods: the Service's own is %d", b.route, inner, o.String(), inner, meant.Port)
		f.Label = fmt.Sprintf("the Service's port is %d, and leads to %s", meant.Port, inner)
		if hasAddress(ingressOf(p)) { // a controller serves it, and some know what is meant
			f.Certainty = rule.Possible
			f.Message += ": does the controller take that? some do, such as ingress-nginx"
		}
	}
	if meant != nil {
		var to any = map[string]any{"number": meant.Port}
		if key == "name" && meant.Name != "" {
			to = map[string]any{"name": meant.Name}
		}
		seen := any(map[string]any{"number": b.Port.Number})
		if key == "name" {
			seen = map[string]any{"name": b.Port.Name}
		}
		f.Fix.Title = fmt.Sprintf("ask for port %d", meant.Port)
		if key == "name" && meant.Name != "" {
			f.Fix.Title = fmt.Sprintf("ask for port %q", meant.Name)
		}
		f.Fix.Caution = "that this port is the one that is meant, only you know"
		f.Fix.Patch = setting.ReplaceValue(seen, to)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
}

// meantPort is the port of a Service that is meant where one can tell: the one that leads to the number, that
// of the nearest name, the only one there is.
func meantPort(svc *corev1.Service, want networkingv1.ServiceBackendPort, names []string) *corev1.ServicePort {
	near := ""
	if want.Name != "" {
		near = knowledge.Slip(want.Name, names)
	}
	for i := range svc.Spec.Ports {
		port := &svc.Spec.Ports[i]
		if want.Name == "" && port.TargetPort.IntVal == want.Number || want.Name != "" && port.TargetPort.StrVal == want.Name {
			return port
		}
	}
	for i := range svc.Spec.Ports {
		if port := &svc.Spec.Ports[i]; near != "" && port.Name == near {
			return port
		}
	}
	if len(svc.Spec.Ports) == 1 {
		return &svc.Spec.Ports[0]
	}
	return nil
}
