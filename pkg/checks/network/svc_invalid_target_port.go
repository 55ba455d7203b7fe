package network

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcInvalidTargetPort finds ports whose name or number is none.
var SvcInvalidTargetPort = rule.Check{
	ID: "svc-invalid-target-port", Title: "port name or number that the API refuses", Doc: rule.ReadDoc(docs, "svc_invalid_target_port.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Everything,
	Applies: func(p *rule.Pass) bool {
		_, service := p.Object.Typed.(*corev1.Service)
		return service || workload(p)
	},
	Run: func(p *rule.Pass) {
		if svc, ok := p.Object.Typed.(*corev1.Service); ok {
			judgeServicePorts(p, svc)
			return
		}
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				judgeContainerNames(p, c)
				judgeProbePort(p, c, "livenessProbe", c.LivenessProbe)
				judgeProbePort(p, c, "readinessProbe", c.ReadinessProbe)
				judgeProbePort(p, c, "startupProbe", c.StartupProbe)
			}
		}
	},
	Peers: map[string][]string{"kube-linter": {"invalid-target-ports"}},
}

// longestPortName is what a name of a port may have. Source: RFC 6335, section 5.1, which the API holds names of
// container ports to.
const longestPortName = 15

func judgeServicePorts(p *rule.Pass, svc *corev1.Service) {
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	for i := range svc.Spec.Ports {
		port, path := &svc.Spec.Ports[i], field.NewPath("spec", "ports").Index(i)
		if !validNumber(port.Port) {
			portReport(p, path.Child("port"), fmt.Sprint(port.Port), "port "+noPort(port.Port))
		}
		if port.Name != "" && len(validation.IsDNS1123Label(port.Name)) > 0 {
			portReport(p, path.Child("name"), port.Name, fmt.Sprintf("port name %q: a Service's may hold a-z, 0-9 and - only, 63 letters at most, and neither start nor end with -", port.Name))
		}
		if port.Name == "" && len(svc.Spec.Ports) > 1 {
			portReport(p, path.Child("name"), "", fmt.Sprintf("port %d has no name, which a Service with %d ports must give to each", port.Port, len(svc.Spec.Ports)))
		}
		judgePort(p, path.Child("targetPort"), "targetPort", port.TargetPort)
	}
}

// judgePort looks at a port that may be a number or a name; neither is for the default.
func judgePort(p *rule.Pass, path *field.Path, what string, port intstr.IntOrString) {
	switch {
	case port == (intstr.IntOrString{}) || port == intstr.FromString(""):
	case port.Type == intstr.Int:
		if !validNumber(port.IntVal) {
			portReport(p, path, fmt.Sprint(port.IntVal), what+" "+noPort(port.IntVal))
		}
	case len(validation.IsValidPortName(port.StrVal)) > 0:
		if n, err := strconv.ParseInt(port.StrVal, 10, 32); err == nil && validNumber(int32(n)) {
			patch := p.Put(path, n)
			portReport(p, path, port.StrVal, fmt.Sprintf("%s %q stands in quotes, so it is a name, and a name needs a letter", what, port.StrVal)).
				WithFix(rule.Fix{Title: "write the number without quotes", Applicability: rule.Safe, Patch: patch, Command: p.Live(patch)})
			return
		}
		portReport(p, path, port.StrVal, fmt.Sprintf("%s %q: a port's name %s", what, port.StrVal, nameFault(port.StrVal)))
	}
}

func judgeContainerNames(p *rule.Pass, c snapshot.Container) {
	for i, port := range c.Ports {
		if port.Name != "" && len(validation.IsValidPortName(port.Name)) > 0 {
			portReport(p, c.Path.Child("ports").Index(i).Child("name"), port.Name, fmt.Sprintf("port %q of container %q: a port's name %s", port.Name, c.Name, nameFault(port.Name)))
		}
	}
}

func judgeProbePort(p *rule.Pass, c snapshot.Container, name string, probe *corev1.Probe) {
	switch {
	case probe == nil:
	case probe.HTTPGet != nil:
		judgePort(p, c.Path.Child(name, "httpGet", "port"), name+" port", probe.HTTPGet.Port)
	case probe.TCPSocket != nil:
		judgePort(p, c.Path.Child(name, "tcpSocket", "port"), name+" port", probe.TCPSocket.Port)
	}
}

func portReport(p *rule.Pass, path *field.Path, value, message string) *rule.Finding {
	return p.Report(rule.Finding{Field: path, Value: value, Label: "the API server refuses this", Message: message})
}

func validNumber(n int32) bool { return len(validation.IsValidPortNum(int(n))) == 0 }

func noPort(n int32) string { return fmt.Sprintf("%d is no port: they go from 1 to 65535", n) }

// nameFault says what is wrong with the name of a port.
func nameFault(name string) string {
	switch {
	case len(name) > longestPortName:
		return fmt.Sprintf("has %d letters at most, and this one %d", longestPortName, len(name))
	case strings.ToLower(name) != name:
		return "is in lower case"
	case strings.Trim(name, "-") != name:
		return "neither starts nor ends with -"
	case strings.Contains(name, "--"):
		return "has no two - in a row"
	case strings.Trim(name, "0123456789-") == "":
		return "needs a letter"
	}
	return "may hold a-z, 0-9 and - only"
}
