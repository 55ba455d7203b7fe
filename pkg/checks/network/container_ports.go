package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ContainerPorts finds ports that two containers of a pod claim, or that are none.
var ContainerPorts = rule.Check{
	ID: "container-ports", Title: "containers of a pod claim the same port", Doc: rule.ReadDoc(docs, "container_ports.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				if len(c.Ports) > 0 {
					return true
				}
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			judgePortsOf(p, t)
		}
	},
	Peers: map[string][]string{"kube-score": {"container-ports-check"}},
}

// claim is a port that a container declares.
type claim struct {
	container string
	path      *field.Path
	port      *corev1.ContainerPort
}

func (c claim) words() string {
	return fmt.Sprintf("%d/%s", c.port.ContainerPort, protocolOf(c.port.Protocol))
}

func judgePortsOf(p *rule.Pass, t snapshot.Template) {
	var running, beside []claim
	for _, c := range t.Containers() {
		own := make([]claim, len(c.Ports))
		for i := range c.Ports {
			own[i] = claim{c.Name, c.Path.Child("ports").Index(i), &c.Ports[i]}
			judgeNumbers(p, t, own[i])
			if !c.Init && !c.Beside {
				judgeHostPort(p, beside, own[i])
				beside = append(beside, own[i])
			}
		}
		for i, one := range own {
			judgeTwice(p, own[:i], one)
			if !c.Init { // what has ended before the others start leaves them its port
				judgeOthers(p, t, running, one)
			}
		}
		if !c.Init {
			running = append(running, own...)
		}
	}
}

// judgeNumbers looks for ports that the API server refuses.
func judgeNumbers(p *rule.Pass, t snapshot.Template, c claim) {
	n, host := c.port.ContainerPort, c.port.HostPort
	switch {
	case n == 0:
		portReport(p, c.path.Child("containerPort"), "", fmt.Sprintf("a port of container %q names no containerPort", c.container))
	case !validNumber(n):
		portReport(p, c.path.Child("containerPort"), fmt.Sprint(n), fmt.Sprintf("containerPort %s", noPort(n)))
	case host != 0 && !validNumber(host):
		portReport(p, c.path.Child("hostPort"), fmt.Sprint(host), fmt.Sprintf("hostPort %s", noPort(host)))
	case host != 0 && host != n && t.Spec.HostNetwork:
		portReport(p, c.path.Child("hostPort"), fmt.Sprint(host), fmt.Sprintf("hostPort %d differs from containerPort %d, which the node's own network does not allow", host, n))
	}
}

// judgeHostPort compares a port of the node with those of earlier ports of the pod: the API server takes each once.
func judgeHostPort(p *rule.Pass, earlier []claim, c claim) {
	for _, e := range earlier {
		if c.port.HostPort != 0 && c.port.HostPort == e.port.HostPort && protocolOf(c.port.Protocol) == protocolOf(e.port.Protocol) && c.port.HostIP == e.port.HostIP {
			portReport(p, c.path.Child("hostPort"), fmt.Sprint(c.port.HostPort), fmt.Sprintf("hostPort %d of container %q is taken by an earlier port of container %q", c.port.HostPort, c.container, e.container))
			return
		}
	}
}

// judgeTwice compares a port with earlier ones of its container.
func judgeTwice(p *rule.Pass, earlier []claim, c claim) {
	for _, e := range earlier {
		switch {
		case c.port.Name != "" && c.port.Name == e.port.Name:
			portReport(p, c.path.Child("name"), c.port.Name, fmt.Sprintf("container %q has two ports of the name %q", c.container, c.port.Name))
			return
		case same(c.port, e.port) && c.port.HostPort == e.port.HostPort && c.port.Name == "" && e.port.Name == "":
			p.Report(rule.Finding{
				Field: c.path, Value: c.words(), Severity: rule.Low, Label: "the same port once more",
				Message: fmt.Sprintf("container %q declares %s twice", c.container, c.words()),
			}).WithFix(dropPort(p, c))
			return
		}
	}
}

// dropPort removes a declaration by what it says; places in the list move when another one goes.
func dropPort(p *rule.Pass, c claim) rule.Fix {
	patch := p.Drop(c.path)
	return rule.Fix{Title: "declare it once", Applicability: rule.Safe, Patch: patch, Command: p.Live(patch)}
}

// judgeOthers compares a port with those of the containers beside it, with which it shares the addresses.
func judgeOthers(p *rule.Pass, t snapshot.Template, running []claim, c claim) {
	for _, e := range running {
		switch {
		case same(c.port, e.port) && c.port.ContainerPort != 0:
			p.Report(rule.Finding{
				Field: c.path.Child("containerPort"), Value: fmt.Sprint(c.port.ContainerPort), Certainty: rule.Likely, Label: "taken by container " + e.container,
				Message: fmt.Sprintf("containers %q and %q both declare %s: they share the pod's addresses, so only the first to listen gets it", e.container, c.container, c.words()),
			}).WithFix(rule.Fix{
				Title: "have one of them listen on another port, and declare that", Applicability: rule.NeedsThought,
				Caution: "a declaration alone opens no port: if only one of them listens there, drop the other's declaration",
			})
			return
		case c.port.Name != "" && c.port.Name == e.port.Name:
			f := rule.Finding{
				Field: c.path.Child("name"), Value: c.port.Name, Severity: rule.Low, Label: "the name of a port of container " + e.container + " too",
				Message: fmt.Sprintf("containers %q and %q both have a port %q: a Service that names it leads to that of %q only", e.container, c.container, c.port.Name, e.container),
			}
			if svc := naming(p, t, c.port); svc != nil {
				f.Severity = rule.Medium
				f.Message = fmt.Sprintf("containers %q and %q both have a port %q: %s leads to that of %q only", e.container, c.container, c.port.Name, svc, e.container)
			}
			p.Report(f).WithFix(rule.Fix{Title: "give each port of the pod a name of its own", Applicability: rule.NeedsThought, Caution: "Services, probes and monitors that use the name must follow"})
			return
		}
	}
}

// same tells whether two ports cannot be had at the same time.
func same(a, b *corev1.ContainerPort) bool {
	return a.ContainerPort == b.ContainerPort && protocolOf(a.Protocol) == protocolOf(b.Protocol) && a.HostIP == b.HostIP
}

// naming is a Service of the pods that leads to a port by its name, or nil.
func naming(p *rule.Pass, t snapshot.Template, port *corev1.ContainerPort) *snapshot.Object {
	for _, o := range p.ServicesOf(p.Object, t) {
		svc, ok := o.Typed.(*corev1.Service)
		if !ok {
			continue
		}
		for _, sp := range svc.Spec.Ports {
			if sp.TargetPort.Type == intstr.String && sp.TargetPort.StrVal == port.Name && protocolOf(sp.Protocol) == protocolOf(port.Protocol) {
				return o
			}
		}
	}
	return nil
}
