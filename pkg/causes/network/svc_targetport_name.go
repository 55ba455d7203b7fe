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
		if svc := selectable(p); svc != nil && (len(lostPorts(p, svc)) > 0 || !headless(svc) && halfPort(p, svc) != nil) {
			return []snapshot.Want{wantPods(p, svc)}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		svc := selectable(p)
		if svc == nil {
			return
		}
		lost := lostPorts(p, svc)
		for _, i := range lost {
			if podsRead(p, svc) {
				reportPortName(p, svc, i)
			} else {
				reportPortUnread(p, svc, i)
			}
		}
		if h := halfPort(p, svc); h != nil && len(lost) == 0 && !headless(svc) {
			reportHalf(p, svc, h)
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
			have[portName(port)] = true
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
	if len(pods) == 0 {
		return // all that the slices hold has ended or is going
	}
	who := makers(p, pods)
	e := endpointsOf(p)
	f := rule.Finding{
		Field: setting.Path, Value: name, Certainty: rule.Certain,
		Message:  fmt.Sprintf("sends port %d to the port %q, and no container of %s has a port of that name: what connects to it is refused or dropped", port.Port, name, who),
		Label:    "no container has a port of this name",
		Evidence: []rule.Evidence{noSlicePort(e, port)},
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
	names, numbers = rule.Distinct(names), rule.Distinct(numbers)
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: pods[0].Ref, Field: "ports", Text: fmt.Sprintf("%s declares %s", pods[0].String(), portsInWords(pods[0]))})
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
	if headless(svc) {
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("is headless, and no container of %s has the port %q for its port %d: its name leads to the pods all the same; does anything read the port from it, as an Ingress or a lookup of SRV records does?", who, name, port.Port)
	}
	p.Report(f)
}

// noSlicePort is the evidence for a port that the slices of a Service do not have.
func noSlicePort(e endpoints, port corev1.ServicePort) rule.Evidence {
	return rule.Evidence{
		Source: rule.FromStatus, Object: e.slice, Field: "ports",
		Text: fmt.Sprintf("%s: %s, and among its ports none for port %d", e.slice.String(), rule.Count(e.ready+len(e.notReady), "endpoint"), port.Port),
	}
}

// reportPortUnread tells of a lost port where nobody could look into the pods: the slices alone do not say
// whether the name is wrong, or its protocol, or the controller has not caught up.
func reportPortUnread(p *rule.Pass, svc *corev1.Service, i int) {
	port := svc.Spec.Ports[i]
	name, protocol := port.TargetPort.StrVal, protocolOf(port.Protocol)
	if headless(svc) {
		return // its name leads to the pods all the same
	}
	p.Report(rule.Finding{
		Field: field.NewPath("spec", "ports").Index(i).Child("targetPort"), Value: name, Certainty: rule.Likely,
		Message:  fmt.Sprintf("has no endpoint for port %d, which leads to the port %q over %s; pods were not read", port.Port, name, protocol),
		Label:    fmt.Sprintf("the EndpointSlice has no such port over %s", protocol),
		Evidence: []rule.Evidence{noSlicePort(endpointsOf(p), port)},
		RuledOut: []string{"the selector: it finds pods"},
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("have somebody who may read the pods look for a container port named %q and its protocol, and lead to one that is there", name),
			Applicability: rule.NeedsThought,
		},
	})
}

// half is a port of a Service that some of its ready pods have, while others have none of its ports.
type half struct {
	i          int
	have, lack []string // pods, or addresses where an endpoint is none
}

// halfPort is the first port with a named target that leaves pods out which no other port of the Service leads
// to; nil where there is none. One Service may well lead to one program by one name and to a second by another.
func halfPort(p *rule.Pass, svc *corev1.Service) *half {
	all, reached := map[string]bool{}, map[string]bool{}
	byPort := map[string]map[string]bool{}
	for _, o := range p.EndpointSlices(p.Object) {
		slice, ok := o.Typed.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		for _, ep := range slice.Endpoints {
			if !rule.EndpointReady(&ep) || len(ep.Addresses) == 0 {
				continue
			}
			who := ep.Addresses[0]
			if ep.TargetRef != nil && ep.TargetRef.Kind == "Pod" {
				who = ep.TargetRef.Name
			}
			all[who] = true
			for _, port := range slice.Ports {
				reached[who] = true
				name := portName(port)
				if byPort[name] == nil {
					byPort[name] = map[string]bool{}
				}
				byPort[name][who] = true
			}
		}
	}
	for i, port := range svc.Spec.Ports {
		if port.TargetPort.Type != intstr.String || len(byPort[port.Name]) == 0 {
			continue
		}
		h := &half{i: i}
		for who := range all {
			switch {
			case byPort[port.Name][who]:
				h.have = append(h.have, who)
			case !reached[who]:
				h.lack = append(h.lack, who)
			}
		}
		if len(h.lack) > 0 {
			slices.Sort(h.have)
			slices.Sort(h.lack)
			return h
		}
	}
	return nil
}

// reportHalf tells of pods that get no traffic since they do not have the port that others have. That alone may be
// meant: where they run the same program, or listen on the same number under another name, it hardly is.
func reportHalf(p *rule.Pass, svc *corev1.Service, h *half) {
	port := svc.Spec.Ports[h.i]
	name, protocol := port.TargetPort.StrVal, protocolOf(port.Protocol)
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "ports").Index(h.i).Child("targetPort")}
	e := endpointsOf(p)
	reached := fmt.Sprintf("%d of %d pods", len(h.have), len(h.have)+len(h.lack))
	is := "are"
	if len(h.have) == 1 {
		is = "is"
	}
	f := rule.Finding{
		Field: setting.Path, Value: name, Certainty: rule.Possible,
		Message:  fmt.Sprintf("%s %s reachable on port %d: the EndpointSlices have no port %q for the others, and pods were not read: is an update under way, or are those not meant?", reached, is, port.Port, name),
		Label:    "only some of the pods have a port of this name",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: e.slice, Field: "ports", Text: fmt.Sprintf("EndpointSlices of %s: no port %d for %s", p.Object.String(), port.Port, some(h.lack))}},
		RuledOut: []string{"pods that are not ready: those without the port are"},
		Fix:      &rule.Fix{Title: fmt.Sprintf("give all pods a port named %q, or select only those that have it", name), Applicability: rule.NeedsThought},
	}
	if !podsRead(p, svc) {
		p.Report(f)
		return
	}
	have, lack := lookPods(p, h.have), lookPods(p, h.lack)
	if len(have) == 0 || len(lack) == 0 {
		return
	}
	number := targetOn(port, have[0])
	same := number != 0
	alike := true
	for _, o := range lack {
		if targetOn(port, o) != 0 || slices.ContainsFunc(have, func(other *snapshot.Object) bool { return makerOf(p, other).Same(makerOf(p, o)) }) {
			return // the slices are behind, or an update renames the port
		}
		same = same && slices.ContainsFunc(declared(o), func(cp corev1.ContainerPort) bool {
			return cp.ContainerPort == number && protocolOf(cp.Protocol) == protocol
		})
		alike = alike && shareImage(o, have[0])
	}
	for _, o := range have {
		same = same && targetOn(port, o) == number
	}
	who := makers(p, lack)
	f.Message = fmt.Sprintf("%s %s reachable on port %d: those of %s have no port %q, and get no traffic: are they meant to?", reached, is, port.Port, who, name)
	f.Label = fmt.Sprintf("%s has no port of this name", who)
	for _, o := range []*snapshot.Object{have[0], lack[0]} {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "ports", Text: fmt.Sprintf("%s declares %s", o.String(), portsInWords(o))})
	}
	if same || alike {
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("%s %s reachable on port %d: those of %s have no port %q, only %s, and get no traffic", reached, is, port.Port, who, name, portsInWords(lack[0]))
	}
	if same {
		f.Label = fmt.Sprintf("%s calls port %d by another name", who, number)
		f.Fix.Title = fmt.Sprintf("lead to port %d by its number, which all of them declare", number)
		f.Fix.Caution = fmt.Sprintf("%s then gets its share of the traffic: if it is not meant to, select a label that it does not have", who)
		f.Fix.Patch = setting.ReplaceValue(name, number)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
}

// lookPods are those of the named pods that were read and are to stay.
func lookPods(p *rule.Pass, names []string) []*snapshot.Object {
	var list []*snapshot.Object
	for _, name := range names {
		if o, _ := p.Lookup(snapshot.PodKind, p.Object.Namespace, name); o != nil && o.Meta.GetDeletionTimestamp() == nil {
			list = append(list, o)
		}
	}
	return list
}

// shareImage tells whether containers of two pods run the same program.
func shareImage(a, b *snapshot.Object) bool {
	for _, c := range a.PodContainers() {
		if c.Init || c.Beside {
			continue
		}
		for _, other := range b.PodContainers() {
			if !other.Init && !other.Beside && repository(c.Image) == repository(other.Image) {
				return true
			}
		}
	}
	return false
}

// portName is the name of a port in an EndpointSlice, by which it belongs to one of the Service.
func portName(port discoveryv1.EndpointPort) string {
	if port.Name == nil {
		return ""
	}
	return *port.Name
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
