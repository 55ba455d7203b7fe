package network

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcTargetPortName finds Services that lead to a port by a name that none of their pods has.
var SvcTargetPortName = rule.Cause{
	ID: "svc-targetport-name", Title: "leads to a port name that no container has", Doc: rule.ReadDoc(docs, "svc_targetport_name.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if svc := selectable(p); svc != nil && len(lostPorts(p, svc)) > 0 {
			return []snapshot.Want{wantPods(p, svc)}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		if svc := selectable(p); svc != nil {
			for _, i := range lostPorts(p, svc) {
				reportPortName(p, svc, i)
			}
		}
	},
}

// lostPorts are the ports of a Service with a named target that are in none of its EndpointSlices,
// although these have endpoints: the controller leaves out a port that it does not find in a pod.
func lostPorts(p *rule.Pass, svc *corev1.Service) []int {
	have, endpoints := map[string]bool{}, false
	for _, o := range p.EndpointSlices(p.Object) {
		slice, ok := o.Typed.(*discoveryv1.EndpointSlice)
		if !ok || len(slice.Endpoints) == 0 {
			continue
		}
		endpoints = true
		for _, port := range slice.Ports {
			if port.Name == nil {
				have[""] = true
			} else {
				have[*port.Name] = true
			}
		}
	}
	if !endpoints {
		return nil
	}
	var lost []int
	for i, port := range svc.Spec.Ports {
		if port.TargetPort.Type == intstr.String && !have[port.Name] {
			lost = append(lost, i)
		}
	}
	return lost
}

func reportPortName(p *rule.Pass, svc *corev1.Service, i int) {
	port := svc.Spec.Ports[i]
	name, protocol := port.TargetPort.StrVal, protocolOf(port.Protocol)
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "ports").Index(i).Child("targetPort")}
	pods := alive(p, p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector))
	who := "its pods"
	if len(pods) > 0 {
		who = makers(p, pods)
	}
	e := endpointsOf(p)
	f := rule.Finding{
		Field: setting.Path, Value: name, Certainty: rule.Certain,
		Message: fmt.Sprintf("sends port %d to the port %q, and no container of %s has a port of that name: what connects to it is refused or dropped", port.Port, name, who),
		Label:   "no container has a port of this name",
		Evidence: []rule.Evidence{{
			Source: rule.FromStatus, Object: e.slice, Field: "ports",
			Text: fmt.Sprintf("%s: %s, and among its ports none for port %d", e.slice.String(), rule.Count(e.ready+len(e.notReady), "endpoint"), port.Port),
		}},
		RuledOut: []string{"the selector: it finds pods"},
		Fix:      &rule.Fix{Title: "lead to a port that the containers have, by name or number", Applicability: rule.NeedsThought},
	}
	var names, numbers []string
	for _, o := range pods {
		for _, cp := range declared(o) {
			switch {
			case cp.Name == name && protocolOf(cp.Protocol) == protocol:
				return // the pods are newer than the slices: the controller will find it
			case cp.Name == name:
				f.Message = fmt.Sprintf("sends port %d to the port %q over %s, and the port of that name of %s is %s", port.Port, name, protocol, who, protocolOf(cp.Protocol))
				f.Label = fmt.Sprintf("the port of this name is %s", protocolOf(cp.Protocol))
				f.Fix.Title = "use one protocol on both sides, or a port name of that protocol"
			case protocolOf(cp.Protocol) != protocol:
			case cp.Name != "":
				names = append(names, cp.Name)
			default:
				numbers = append(numbers, fmt.Sprint(cp.ContainerPort))
			}
		}
	}
	for _, other := range svc.Spec.Ports { // what another port leads to already is hardly meant
		names = slices.DeleteFunc(names, func(n string) bool { return n == other.TargetPort.StrVal })
	}
	names, numbers = distinct(names), distinct(numbers)
	if len(pods) > 0 {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: pods[0].Ref, Field: "ports", Text: fmt.Sprintf("%s declares %s", pods[0].String(), portsInWords(pods[0]))})
	}
	change := func(to any, title string) {
		f.Label = fmt.Sprintf("no container has a port of this name; there is %v", to)
		f.Fix.Title = title
		f.Fix.Caution = "that this is the port that is meant, only you know; or give the container's port this name, in its template"
		f.Fix.Patch = setting.ReplaceValue(name, to)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	near := knowledge.Slip(name, names)
	if near == "" && len(names) == 1 {
		near = names[0]
	}
	switch {
	case near != "":
		change(near, fmt.Sprintf("lead to the port %q", near))
	case len(names) > 0:
		f.Label = "no container has a port of this name; there are " + strings.Join(names, ", ")
	case len(numbers) == 1:
		for _, cp := range declared(pods[0]) {
			if fmt.Sprint(cp.ContainerPort) == numbers[0] {
				change(cp.ContainerPort, "lead to port "+numbers[0]+", which has no name")
			}
		}
	}
	p.Report(f)
}

// portsInWords words the ports that a pod declares.
func portsInWords(pod *snapshot.Object) string {
	var list []string
	for _, cp := range declared(pod) {
		text := fmt.Sprintf("%d/%s", cp.ContainerPort, protocolOf(cp.Protocol))
		if cp.Name != "" {
			text = cp.Name + " " + text
		}
		list = append(list, text)
	}
	if len(list) == 0 {
		return "no port"
	}
	return some(list)
}
