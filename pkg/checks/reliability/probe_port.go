package reliability

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProbePort finds probes and hooks that ask a port which their container does not have.
var ProbePort = rule.Check{
	ID: "probe-port", Title: "a probe asks a port that its container lacks", Doc: rule.ReadDoc(docs, "probe_port.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				if len(questions(c)) > 0 {
					return true
				}
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				var numbers []portQuestion
				for _, q := range questions(c) {
					switch {
					// What is no name of a port is svc-invalid-target-port's to report.
					case q.port.Type == intstr.String && len(validation.IsValidPortName(q.port.StrVal)) == 0:
						judgePortName(p, t, c, q)
					case q.port.Type == intstr.Int:
						numbers = append(numbers, q)
					}
				}
				judgePortNumbers(p, t, c, numbers)
			}
		}
	},
	Peers: map[string][]string{"kube-linter": {"liveness-port", "readiness-port", "startup-port"}},
}

// portQuestion is what asks a port of a container: a probe or a hook.
type portQuestion struct {
	name, handler string
	port          intstr.IntOrString
	fails         string // what comes of it when the port cannot be found
}

// path is where the port is written.
func (q portQuestion) path(c snapshot.Container) *field.Path {
	path := c.Path
	for step := range strings.SplitSeq(q.name, ".") {
		path = path.Child(step)
	}
	return path.Child(q.handler, "port")
}

// questions are the probes and hooks of a container that ask a port.
func questions(c snapshot.Container) []portQuestion {
	var list []portQuestion
	for _, x := range []struct {
		name, fails string
		probe       *corev1.Probe
	}{
		{"startupProbe", "the container is killed over and over, and never counts as started", c.StartupProbe},
		{"livenessProbe", "the container is killed over and over", c.LivenessProbe},
		{"readinessProbe", "the container never gets ready", c.ReadinessProbe},
	} {
		if x.probe == nil {
			continue
		}
		if handler, port := knowledge.ProbePort(x.probe); handler != "" {
			list = append(list, portQuestion{x.name, handler, port, x.fails})
		}
	}
	if c.Lifecycle == nil {
		return list
	}
	if h := c.Lifecycle.PostStart; h != nil && h.HTTPGet != nil {
		list = append(list, portQuestion{"lifecycle.postStart", "httpGet", h.HTTPGet.Port, "the container is killed each time it starts"})
	}
	if h := c.Lifecycle.PreStop; h != nil && h.HTTPGet != nil {
		list = append(list, portQuestion{"lifecycle.preStop", "httpGet", h.HTTPGet.Port, "the hook never runs"})
	}
	return list
}

// judgePortName looks at a port by name: the kubelet looks for it among the ports of that very container.
func judgePortName(p *rule.Pass, t snapshot.Template, c snapshot.Container, q portQuestion) {
	name := q.port.StrVal
	var others []string
	for _, cp := range c.Ports {
		if cp.Name == name {
			return
		}
		if cp.Name != "" && protocol(cp.Protocol) == corev1.ProtocolTCP {
			others = append(others, cp.Name)
		}
	}
	at := q.path(c)
	f := rule.Finding{
		Seen: p.Object.In(c.Name), Field: at, Value: name, Label: "not a port of this container",
		Message: fmt.Sprintf("container %q: %s asks port %q, and the container has no port of that name: %s", c.Name, q.name, name, q.fails),
	}
	fix := rule.Fix{Title: "name the port in the container's ports, or ask it by its number", Applicability: rule.NeedsThought}
	set := func(title, caution string, value any) {
		fix.Title, fix.Caution, fix.Patch = title, caution, p.Put(at, value)
		fix.Command = p.Live(fix.Patch)
	}
	near := knowledge.Nearest(name, others)
	if near == "" && len(others) == 1 {
		near = others[0]
	}
	holder, number := portHolder(t, name)
	switch {
	case near != "":
		f.Message += "; it has " + strings.Join(others, ", ")
		set(fmt.Sprintf("ask the port %q", near), "that this is the port that was meant, only you know", near)
	case holder != "":
		f.Message += fmt.Sprintf("; container %q has", holder)
		set(fmt.Sprintf("ask port %d by its number: the containers of a pod share their ports", number),
			fmt.Sprintf("the question then is answered by container %q, and a failure strikes %q", holder, c.Name), int64(number))
	}
	p.Report(f).WithFix(fix)
}

// portHolder is another container of the pod that has a port of that name.
func portHolder(t snapshot.Template, name string) (container string, number int32) {
	for _, c := range t.Containers() {
		for _, cp := range c.Ports {
			if cp.Name == name && !c.Init {
				return c.Name, cp.ContainerPort
			}
		}
	}
	return "", 0
}

// judgePortNumbers looks at ports by number. Nothing makes a container declare its ports, so one that it
// does not declare is a hint, and only where it declares others and no neighbour has it.
func judgePortNumbers(p *rule.Pass, t snapshot.Template, c snapshot.Container, list []portQuestion) {
	if len(c.Ports) == 0 {
		return
	}
	list = slices.DeleteFunc(list, func(q portQuestion) bool {
		return slices.ContainsFunc(declared(t), func(cp corev1.ContainerPort) bool { return cp.ContainerPort == q.port.IntVal })
	})
	var have []string
	for _, cp := range c.Ports {
		have = append(have, fmt.Sprint(cp.ContainerPort))
	}
	for len(list) > 0 { // what several ask is said once
		first := list[0]
		f := rule.Finding{
			Seen: p.Object.In(c.Name), Field: first.path(c), Value: first.port.String(), Severity: rule.Info, Certainty: rule.Possible,
			Label: "not among the declared ports",
		}
		who, verb := first.name, "asks"
		list = slices.DeleteFunc(list[1:], func(q portQuestion) bool {
			if q.port != first.port {
				return false
			}
			f.Marks = append(f.Marks, rule.Mark{Field: q.path(c)})
			who, verb = who+", "+q.name, "ask"
			return true
		})
		f.Message = fmt.Sprintf("container %q: %s %s port %s, which is not among the ports that it declares: %s", c.Name, who, verb, first.port.String(), strings.Join(have, ", "))
		p.Report(f).WithFix(rule.Fix{
			Title:         "ask a port that the container listens on, and declare it with a name",
			Caution:       "containers may listen on ports that they do not declare: then nothing is wrong",
			Applicability: rule.NeedsThought,
		})
	}
}
