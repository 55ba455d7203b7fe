package security

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PrivilegedPorts finds ports for which some nodes want root.
var PrivilegedPorts = rule.Check{
	ID: "privileged-ports", Title: "listens on a port below 1024", Doc: rule.ReadDoc(docs, "privileged_ports.md"),
	Dimension: rule.Security, Severity: rule.Info, Off: true, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || onWindows(t) || lowPortsOpen(t) {
				continue
			}
			for _, c := range t.Containers() {
				if root := ownIdentity(c).under(podIdentity(t)).root(); root || slices.Contains(addedCaps(c), netBindService) {
					continue
				}
				for i, port := range c.Ports {
					if port.ContainerPort < 1 || port.ContainerPort >= firstFree {
						continue
					}
					f := inContainer(p, c, c.Path.Child("ports").Index(i).Child("containerPort"))
					f.Value = fmt.Sprint(port.ContainerPort)
					f.Message = fmt.Sprintf("%s listens on %d: without root that takes a node whose runtime opens ports below 1024 to everybody", named(one(c)), port.ContainerPort)
					f.Fix = &rule.Fix{
						Title: "let the program listen on a port from 1024 on; the Service keeps its port, and gets the new targetPort", Applicability: rule.NeedsThought,
						Caution: "the port is the program's own: it has to be told first; probes, Services and network policies that name the number change with it",
					}
					p.Report(f)
					break
				}
			}
		}
	},
	Peers: map[string][]string{
		"kube-linter": {"privileged-ports"},
	},
}

// firstFree is the first port that Linux gives to everybody, unless told otherwise.
const firstFree = 1024

// lowPortsOpen tells a template that asks the kernel itself to let everybody have any port.
func lowPortsOpen(t snapshot.Template) bool {
	return t.Spec.SecurityContext != nil && slices.ContainsFunc(t.Spec.SecurityContext.Sysctls, func(s corev1.Sysctl) bool {
		return s.Name == "net.ipv4.ip_unprivileged_port_start"
	})
}
