package network

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcTargetPortNumber finds Services that lead to a port on which their pods do not listen.
var SvcTargetPortNumber = rule.Cause{
	ID: "svc-targetport-number", Title: "leads to a port on which its pods do not listen", Doc: rule.ReadDoc(docs, "svc_targetport_number.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		svc := selectable(p)
		if svc == nil || !slices.ContainsFunc(svc.Spec.Ports, func(port corev1.ServicePort) bool { return port.TargetPort.Type == intstr.Int }) {
			return nil
		}
		wants := []snapshot.Want{wantPods(p, svc)}
		for i := range svc.Spec.Ports {
			if pod := undeclared(p, svc, i); pod != nil {
				for _, c := range pod.PodContainers() {
					if !c.Init {
						wants = append(wants, snapshot.WantLog(pod.Namespace, pod.Name, c.Name, false))
					}
				}
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		svc := selectable(p)
		if svc == nil {
			return
		}
		for i := range svc.Spec.Ports {
			if pod := undeclared(p, svc, i); pod != nil {
				reportPortNumber(p, svc, i, pod)
			}
		}
	},
}

// target is the number that a port of a Service leads to; without a targetPort it is the port itself.
func target(port corev1.ServicePort) int32 {
	if port.TargetPort.IntVal == 0 {
		return port.Port
	}
	return port.TargetPort.IntVal
}

// undeclared is a ready pod behind a port that leads to a number which no container of the Service's pods
// declares, although each of them declares ports, and which no probe that passes asks; else nil. What is
// not declared works as well, so this alone is only a reason to look.
func undeclared(p *rule.Pass, svc *corev1.Service, i int) *snapshot.Object {
	port := svc.Spec.Ports[i]
	if port.TargetPort.Type != intstr.Int || protocolOf(port.Protocol) != corev1.ProtocolTCP {
		return nil
	}
	var ready *snapshot.Object
	for _, o := range alive(p, p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector)) {
		if !declareAll(o) || answers(o, target(port)) {
			return nil
		}
		for _, cp := range declared(o) {
			if protocolOf(cp.Protocol) == corev1.ProtocolTCP && cp.ContainerPort == target(port) {
				return nil
			}
		}
		if ready == nil && rule.PodReady(o.Pod()) {
			ready = o
		}
	}
	return ready
}

// answers tells whether a probe that passes asks a port of the pod: then something listens there.
func answers(o *snapshot.Object, number int32) bool {
	for _, c := range o.PodContainers() {
		if c.Status == nil || !c.Status.Ready {
			continue
		}
		for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
			if probe == nil {
				continue
			}
			if _, port := knowledge.ProbePort(probe); port.Type == intstr.Int && port.IntVal == number {
				return true
			}
		}
	}
	return false
}

func reportPortNumber(p *rule.Pass, svc *corev1.Service, i int, pod *snapshot.Object) {
	port, number := svc.Spec.Ports[i], target(svc.Spec.Ports[i])
	at := field.NewPath("spec", "ports").Index(i).Child("targetPort")
	setting := rule.Setting{Object: p.Object.Ref, Path: at}
	who := makerOf(p, pod).String()
	f := rule.Finding{
		Field: at, Value: fmt.Sprint(number), Certainty: rule.Possible,
		Message:  fmt.Sprintf("sends port %d to port %d, and no container of %s declares that, only %s: does one listen on %d?", port.Port, number, who, portsInWords(pod), number),
		Label:    "not among the ports that the containers declare",
		Evidence: []rule.Evidence{{Source: rule.FromSpec, Object: pod.Ref, Field: "ports", Text: fmt.Sprintf("%s declares %s, and not %d", pod.String(), portsInWords(pod), number)}},
		RuledOut: []string{"the selector: it finds pods, and one is ready"},
		Fix: &rule.Fix{
			Title:         "lead to the port on which the container listens",
			Caution:       "a container may listen on a port that it does not declare: try it first",
			Applicability: rule.NeedsThought,
			Lines:         []string{p.Line("port-forward", pod.String(), fmt.Sprintf("%d:%d", 30000+number%10000, number))},
		},
	}
	heard := 0
	for _, c := range pod.PodContainers() {
		if c.Init {
			continue
		}
		for _, line := range of(p, pod).CurrentLogLines(c) {
			host, listens, ok := knowledge.Listens(line)
			if !ok {
				continue
			}
			if listens == int(number) {
				return // it listens there, declared or not
			}
			if heard != 0 || knowledge.Loopback(host) || !slices.ContainsFunc(declared(pod), func(cp corev1.ContainerPort) bool { return int(cp.ContainerPort) == listens }) {
				continue
			}
			heard = listens
			f.Evidence = append([]rule.Evidence{of(p, pod).LogEvidence(c, line)}, f.Evidence...)
		}
	}
	if headless(svc) {
		f.Message = fmt.Sprintf("is headless, so nothing forwards its port %d to port %d: who uses its name asks the pods themselves, and %s declares %s; does anything read the port from it, as an Ingress or a lookup of SRV records does?", port.Port, number, who, portsInWords(pod))
		f.Fix.Title, f.Fix.Caution, f.Fix.Lines = "name the port on which the container listens", "", nil
		p.Report(f)
		return
	}
	if heard != 0 {
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("sends port %d to port %d, and %s listens on %d: it declares that port, and its log says so", port.Port, number, who, heard)
		f.Label = fmt.Sprintf("%s listens on %d", strings.TrimPrefix(who, "pod/"), heard)
		f.Fix.Title = fmt.Sprintf("lead to port %d", heard)
		f.Fix.Caution = "if it should listen on a second port, change the program instead"
		f.Fix.Lines = nil
		f.Fix.Patch = p.Put(at, heard)
		f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
	}
	p.Report(f)
}
