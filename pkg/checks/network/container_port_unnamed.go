package network

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ContainerPortUnnamed finds ports of containers that have no name.
var ContainerPortUnnamed = rule.Check{
	ID: "container-port-unnamed", Title: "container port without a name", Doc: rule.ReadDoc(docs, "container_port_unnamed.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, Off: true, On: rule.Workloads,
	Applies: ContainerPorts.Applies,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				for i, port := range c.Ports {
					if port.Name != "" {
						continue
					}
					path := c.Path.Child("ports").Index(i).Child("name")
					patch := p.Put(path, "<NAME>")
					p.Report(rule.Finding{
						Field: path, Label: "has no name",
						Message: fmt.Sprintf("port %d of container %q has no name, so that Services, probes and monitors must repeat the number", port.ContainerPort, c.Name),
					}).WithFix(rule.Fix{Title: "give it a name: http, grpc, metrics", Applicability: rule.Placeholders, Patch: patch, YAML: fmt.Sprintf("ports:\n- name: <NAME>\n  containerPort: %d\n", port.ContainerPort)})
				}
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-108"}},
}
