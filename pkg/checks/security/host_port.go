package security

import (
	"fmt"
	"strconv"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HostPort finds containers that take a port of their node.
var HostPort = rule.Check{
	ID: "host-port", Title: "takes a port of the node", Doc: rule.ReadDoc(docs, "host_port.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads, Applies: ofUser,
	Run: standard(hostPort, "hostNamespaces", "hostPorts"),
	Peers: map[string][]string{
		"polaris":   {"hostPortSet"},
		"kubescape": {"container-hostPort"},
	},
}

func hostPort(p *rule.Pass, t snapshot.Template) []rule.Finding {
	if t.Spec.HostNetwork { // the API writes a hostPort beside every containerPort there, and host-namespaces speaks of it
		return nil
	}
	var found []rule.Finding
	for _, c := range containers(t) {
		var f *rule.Finding
		var taken string
		patch := &rule.Patch{Type: "json", Body: []rule.Op{}}
		for i, port := range c.Ports {
			if port.HostPort == 0 {
				continue
			}
			field := c.Path.Child("ports").Index(i).Child("hostPort")
			patch = patch.And(p.Drop(field))
			if f != nil {
				taken += fmt.Sprintf(", %d", port.HostPort)
				f.Marks = append(f.Marks, rule.Mark{Field: field})
				continue
			}
			first := inContainer(p, c, field)
			first.Value = strconv.Itoa(int(port.HostPort))
			taken = first.Value
			f = &first
		}
		if f == nil {
			continue
		}
		f.Message = fmt.Sprintf("%s takes hostPort %s: open on the node's own address, and one such pod per node", named(one(c)), taken)
		f.Fix = harden(p, "take hostPort out and reach the pods through a Service",
			"clients that come by the node's address need the Service's instead", patch, "")
		found = append(found, *f)
	}
	return found
}
