package reliability

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProbePortNumber finds probes that repeat the number of a port which has a name.
var ProbePortNumber = rule.Check{
	ID: "probe-port-number", Title: "a probe repeats the number of a named port", Doc: rule.ReadDoc(docs, "probe_port_number.md"),
	Dimension: rule.Reliability, Severity: rule.Info, Off: true, On: rule.Workloads,
	Applies: ProbePort.Applies,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				for _, q := range questions(c) {
					name := portName(c, q.port)
					if name == "" || q.handler == "grpc" { // gRPC takes numbers only
						continue
					}
					patch := p.Put(q.path(c), name)
					p.Report(rule.Finding{
						Seen: p.Object.In(c.Name), Field: q.path(c), Value: q.port.String(), Label: "the port is called " + name,
						Message: fmt.Sprintf("container %q: %s asks port %s by its number, and the port has the name %s", c.Name, q.name, q.port.String(), name),
					}).WithFix(rule.Fix{
						Title: "ask it by its name", Applicability: rule.Safe, Caution: "the change rolls all pods once", Patch: patch, Command: p.Live(patch),
					})
				}
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-105"}},
}

// portName is the name under which a container declares a port that is given as a number.
func portName(c snapshot.Container, port intstr.IntOrString) string {
	if port.Type != intstr.Int {
		return ""
	}
	for _, cp := range c.Ports {
		if cp.ContainerPort == port.IntVal && cp.Name != "" {
			return cp.Name
		}
	}
	return ""
}
