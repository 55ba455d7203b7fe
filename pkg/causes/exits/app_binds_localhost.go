package exits

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AppBindsLocalhost finds programs that listen on the loopback address, where no probe reaches them.
var AppBindsLocalhost = rule.Cause{
	ID: "app-binds-localhost", Title: "listens on localhost, out of the probes' reach", Doc: rule.ReadDoc(docs, "app_binds_localhost.md"),
	Stage: rule.StageExit, On: rule.Pods,
	Beats: []string{"app-exit", "exit0-restart-always", "restart-after-long-run", "liveness-slow-start", "liveness-deadlock", "startup-probe-failed", "cpu-starved-start", "readiness-failing"},
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			if refusedProbe(p, c) != nil {
				wants = append(wants, snapshot.WantLog(p.Object.Namespace, p.Object.Name, c.Name, false), p.DeathLog(c))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if r := refusedProbe(p, c); r != nil {
				if line, address := loopbackLine(p, c, r.port); line != "" {
					reportLocalhost(p, c, r, line, address)
				}
			}
		}
	},
}

// probeRefused is a probe of which the kubelet says that nothing listens on the pod's address.
type probeRefused struct {
	kind  string // "Liveness", "Readiness", "Startup"
	port  string
	event *corev1.Event
}

// refusedProbe is the probe of a container that is refused now, while the container is not well; nil
// without one. What asks another host than the pod is not the pod's affair.
func refusedProbe(p *rule.Pass, c snapshot.Container) *probeRefused {
	pod := p.Object.Pod()
	if c.Status == nil || c.Init || c.Status.Ready || pod.DeletionTimestamp != nil {
		return nil
	}
	for _, probe := range []struct {
		kind  string
		probe *corev1.Probe
	}{{"Startup", c.StartupProbe}, {"Liveness", c.LivenessProbe}, {"Readiness", c.ReadinessProbe}} {
		port := probePort(c, probe.probe)
		if port == "" {
			continue
		}
		event := p.ContainerEvent(c.Name, "Unhealthy", probe.kind+" probe failed", ":"+port+": connect: connection refused")
		if event != nil {
			return &probeRefused{probe.kind, port, event}
		}
	}
	return nil
}

// probePort is the number of the port that a probe of the pod's own address asks; "" for other probes.
func probePort(c snapshot.Container, probe *corev1.Probe) string {
	var port intstr.IntOrString
	switch {
	case probe == nil:
		return ""
	case probe.HTTPGet != nil && probe.HTTPGet.Host == "":
		port = probe.HTTPGet.Port
	case probe.TCPSocket != nil && probe.TCPSocket.Host == "":
		port = probe.TCPSocket.Port
	case probe.GRPC != nil:
		return strconv.Itoa(int(probe.GRPC.Port))
	default:
		return ""
	}
	if port.Type == intstr.Int {
		return port.String()
	}
	for _, named := range c.Ports {
		if named.Name == port.StrVal {
			return strconv.Itoa(int(named.ContainerPort))
		}
	}
	return ""
}

// loopbackLine is the line in which the program says that it listens on the port at the loopback
// address, and nowhere that it does at others.
func loopbackLine(p *rule.Pass, c snapshot.Container, port string) (line, address string) {
	lines := p.CurrentLogLines(c)
	if len(lines) == 0 {
		lines = p.LogLines(c)
	}
	for _, l := range lines {
		host, n, ok := knowledge.Listens(l)
		switch {
		case !ok || strconv.Itoa(n) != port:
		case knowledge.Loopback(host):
			line, address = l, host
		default:
			return "", ""
		}
	}
	return line, address
}

func reportLocalhost(p *rule.Pass, c snapshot.Container, r *probeRefused, line, address string) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object:   container.Object,
		Seen:     p.Object.In(c.Name),
		Message:  fmt.Sprintf("listens on %s:%s only, and the kubelet asks at the pod's address: %s probe refused", address, r.port, strings.ToLower(r.kind)),
		Evidence: []rule.Evidence{p.LogEvidence(c, line), rule.EventEvidence(r.event)},
		RuledOut: []string{
			fmt.Sprintf("a wrong port: the program says itself that it listens on %s", r.port),
			"a slow start: it listens, and only the pod itself can reach it there",
		},
		Certainty: rule.Likely,
		NoField:   fmt.Sprintf("no argument and no literal env value of the container holds the address %s", address),
		Fix: &rule.Fix{
			Title: "have it listen on all addresses (0.0.0.0, or :: for both families)", Applicability: rule.NeedsThought,
			Caution: "it can then be reached from other pods, as the probe and a Service need; keep it so if only a sidecar is to reach it, and probe with exec",
		},
	}
	if r.kind == "Readiness" {
		f.Stage = rule.StageNotReady
	}
	for _, word := range []string{address + ":" + r.port, address} { // an argument with both comes first
		s, value, ok := wordSetting(p, c, word, line)
		if !ok {
			continue
		}
		point(&f, s, value, "only the pod itself reaches this address")
		if at := wordIn(value, address); at >= 0 && strings.Count(value, address) == 1 && knowledge.Mask(value) == value {
			all := "0.0.0.0"
			if strings.Contains(address, ":") {
				all = "::"
			}
			patch := s.ReplaceValue(value, value[:at]+all+value[at+len(address):])
			f.Fix.Patch, f.Fix.Command = patch, p.PatchCommand(s.Object, patch)
		}
		break
	}
	p.Report(f)
}
