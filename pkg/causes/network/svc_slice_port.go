package network

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcSlicePort finds Services without a selector whose EndpointSlices call the port something else.
var SvcSlicePort = rule.Cause{
	ID: "svc-slice-port", Title: "its EndpointSlices do not have the Service's port", Doc: rule.ReadDoc(docs, "svc_slice_port.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Run: func(p *rule.Pass) {
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName || len(svc.Spec.Selector) > 0 || headless(svc) || deleted(p) {
			return
		}
		ports := slicePorts(p)
		if len(ports) == 0 || endpointsOf(p).ready == 0 {
			return
		}
		for i, port := range svc.Spec.Ports {
			if !joined(ports, port) {
				reportSlicePort(p, svc, i, ports)
				return
			}
		}
	},
}

// slicePort is a port of an EndpointSlice that holds endpoints.
type slicePort struct {
	slice *snapshot.Object
	i     int
	discoveryv1.EndpointPort
}

func slicePorts(p *rule.Pass) []slicePort {
	var list []slicePort
	for _, o := range p.EndpointSlices(p.Object) {
		slice, ok := o.Typed.(*discoveryv1.EndpointSlice)
		if !ok || len(slice.Endpoints) == 0 {
			continue
		}
		for i, port := range slice.Ports {
			list = append(list, slicePort{o, i, port})
		}
	}
	return list
}

func (sp slicePort) protocol() corev1.Protocol {
	if sp.Protocol == nil {
		return corev1.ProtocolTCP
	}
	return protocolOf(*sp.Protocol)
}

// String words a port of a slice: "db 5432/TCP".
func (sp slicePort) String() string {
	text := string(sp.protocol())
	if sp.Port != nil {
		text = fmt.Sprintf("%d/%s", *sp.Port, text)
	}
	if name := portName(sp.EndpointPort); name != "" {
		text = name + " " + text
	}
	return text
}

// joined tells whether a slice has a port of the Service: name and protocol are what the two are known by.
func joined(ports []slicePort, port corev1.ServicePort) bool {
	for _, sp := range ports {
		if portName(sp.EndpointPort) == port.Name && sp.protocol() == protocolOf(port.Protocol) {
			return true
		}
	}
	return false
}

// nameless words the name of a port.
func nameless(name string) string {
	if name == "" {
		return "without a name"
	}
	return fmt.Sprintf("under the name %q", name)
}

func reportSlicePort(p *rule.Pass, svc *corev1.Service, i int, ports []slicePort) {
	port := svc.Spec.Ports[i]
	at := field.NewPath("spec", "ports").Index(i)
	slice := ports[0].slice
	var words []string
	var loose []slicePort // those that belong to no port of the Service
	for _, sp := range ports {
		words = append(words, sp.String())
		meant := false
		for _, other := range svc.Spec.Ports {
			meant = meant || joined([]slicePort{sp}, other)
		}
		if !meant {
			loose = append(loose, sp)
		}
	}
	e := endpointsOf(p)
	f := rule.Finding{
		Field: at.Child("name"), Value: port.Name, Certainty: rule.Certain,
		Message: fmt.Sprintf("has port %d over %s %s, and its EndpointSlice has %s: the two are joined by name and protocol, so nothing is forwarded from it",
			port.Port, protocolOf(port.Protocol), nameless(port.Name), some(rule.Distinct(words))),
		Label: "no EndpointSlice of it has a port of this name",
		Evidence: []rule.Evidence{
			{Source: rule.FromStatus, Object: slice.Ref, Field: "ports", Text: fmt.Sprintf("%s: %s ready, ports %s", slice.String(), rule.Count(e.ready, "endpoint"), some(rule.Distinct(words)))},
		},
		RuledOut: []string{fmt.Sprintf("endpoints that are missing: %s has %s", slice.String(), rule.Count(e.ready, "endpoint"))},
		Fix:      &rule.Fix{Title: fmt.Sprintf("name the port of the EndpointSlice %q, as the Service does", port.Name), Applicability: rule.NeedsThought},
	}
	if port.Name == "" {
		f.Label = "it has no name here, and one in the EndpointSlice"
		f.Fix.Title = "leave the name of the EndpointSlice's port empty, as the Service does"
	}
	by := slice.Meta.GetLabels()[discoveryv1.LabelManagedBy]
	switch {
	case strings.HasPrefix(by, "endpointslicemirroring-controller"):
		f.Fix.Title = fmt.Sprintf("name the port the same in endpoints/%s, of which the EndpointSlice is a copy, and in the Service", p.Object.Name)
	case by != "" && strings.Contains(by, "controller"):
		f.Fix.Title = "name the port of the Service as the EndpointSlice does: a controller keeps that"
		f.Fix.Caution = "what names this port, as an Ingress may, has to follow"
	case len(loose) == 1:
		sp := loose[0]
		setting := rule.Setting{Object: sp.slice.Ref, Path: field.NewPath("ports").Index(sp.i).Child("name")}
		seen, value := any(portName(sp.EndpointPort)), any(port.Name)
		if seen == value {
			f.Fix.Title = fmt.Sprintf("use one protocol on both sides: %s over %s", sp.slice.String(), protocolOf(port.Protocol))
			f.Field, f.Value = at.Child("protocol"), string(protocolOf(port.Protocol))
			f.Label = fmt.Sprintf("the EndpointSlice has it over %s", sp.protocol())
			setting.Path, seen, value = field.NewPath("ports").Index(sp.i).Child("protocol"), string(sp.protocol()), string(protocolOf(port.Protocol))
		}
		f.Fix.Patch = setting.ReplaceValue(seen, value)
		f.Fix.Command = p.PatchCommand(sp.slice.Ref, f.Fix.Patch)
		f.Fix.Caution = "that this is the port that is meant, only you know; what writes the EndpointSlice, a file or a program, has to follow"
	}
	p.Report(f)
}
