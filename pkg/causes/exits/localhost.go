package exits

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// neighbour is the other container of a pod that should listen on a port which the program calls.
type neighbour struct {
	snapshot.Container
	port string
	why  string // what says that it should: "declares port 5432"
}

// neighbourAt is the container beside c that should listen on a port of the pod: it declares the port, or has it
// in its spec, or is known for it. Where nothing says so and there is only one, it is that one.
func neighbourAt(p *rule.Pass, c snapshot.Container, port string) *neighbour {
	var beside []snapshot.Container
	for _, other := range p.Object.PodContainers() {
		if other.Name != c.Name && !other.Init {
			beside = append(beside, other)
		}
	}
	if port == "" || len(beside) == 0 {
		return nil
	}
	for _, other := range beside {
		for _, declared := range other.Ports {
			if strconv.Itoa(int(declared.ContainerPort)) == port {
				return &neighbour{other, port, "declares port " + port}
			}
		}
	}
	for _, other := range beside {
		if _, _, ok := wordSetting(p, other, port, ""); ok {
			return &neighbour{other, port, "has port " + port + " in its spec"}
		}
	}
	for _, other := range beside {
		if knowledge.SidecarListens(other.Image, port) {
			return &neighbour{other, port, "is of an image that listens on port " + port}
		}
	}
	if len(beside) == 1 {
		return &neighbour{beside[0], port, "is the only other one of the pod"}
	}
	return nil
}

// wantNeighbour asks for the logs of the container that should listen where the program calls.
func wantNeighbour(p *rule.Pass, c snapshot.Container, r *refusal) []snapshot.Want {
	n := neighbourAt(p, c, r.port)
	if !r.local() || n == nil {
		return nil
	}
	wants := []snapshot.Want{snapshot.WantLog(p.Object.Namespace, p.Object.Name, n.Name, false)}
	if d := failed(p, n.Container); d != nil {
		wants = append(wants, p.DeathLog(n.Container))
	}
	return wants
}

// down words why the neighbour cannot answer; "" where it runs and is ready.
func (n *neighbour) down(p *rule.Pass) string {
	s := n.Status
	switch {
	case s == nil:
		return "has not been started"
	case s.State.Terminated != nil:
		return fmt.Sprintf("has ended (exit %d)", s.State.Terminated.ExitCode)
	case s.State.Waiting != nil:
		if d := p.LastDeath(n.Container); d != nil {
			return fmt.Sprintf("keeps ending itself (exit %d%s)", d.ExitCode, restarts(d))
		}
		return "has not been started: " + s.State.Waiting.Reason
	case s.State.Running == nil:
		return "does not run"
	}
	if d := p.LastDeath(n.Container); d != nil && !d.Over {
		return fmt.Sprintf("keeps ending itself (exit %d%s)", d.ExitCode, restarts(d))
	}
	switch {
	case s.Started != nil && !*s.Started:
		return "runs and has not passed its startup probe"
	case !s.Ready:
		return "runs and is not ready"
	}
	return ""
}

func restarts(d *rule.Death) string {
	if d.Restarts == 0 {
		return ""
	}
	return ", " + rule.Count(int(d.Restarts), "restart")
}

// hears is the port on which the neighbour says in its log that it listens, and the line; 0 where it says
// nothing of that, or that it listens where it should.
func (n *neighbour) hears(p *rule.Pass) (port int, line string) {
	for _, l := range p.CurrentLogLines(n.Container) {
		_, at, ok := knowledge.Listens(l)
		switch {
		case !ok:
		case strconv.Itoa(at) == n.port:
			return 0, ""
		case port == 0:
			port, line = at, l
		}
	}
	return port, line
}

// describeLocal adds what is known of the container that should listen where the program calls its own pod.
func describeLocal(p *rule.Pass, c snapshot.Container, r *refusal, f *rule.Finding, at place) {
	f.Message += "; the address is the pod itself"
	f.Fix.Title = "have the program connect to the other's own name: in a pod, localhost is the pod itself"
	n := neighbourAt(p, c, r.port)
	if n == nil {
		return
	}
	down := n.down(p)
	port, line := n.hears(p)
	guessed := n.why == "is the only other one of the pod"
	if guessed && down == "" {
		return
	}
	setting := p.ContainerSetting(n.Container)
	blame := func(s rule.Setting, value, label string) {
		if f.Field != nil && f.Object.Same(s.Object) {
			f.Marks = append(f.Marks, rule.Mark{Field: f.Field, Label: "where the program connects to"})
		}
		point(f, s, value, label)
	}
	switch {
	case down != "":
		because := p.Object.In(n.Name)
		f.Because = &because
		blame(setting.Child("name"), n.Name, down)
		f.Message += fmt.Sprintf(", where container %s should listen, and it %s", n.Name, down)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: because, Field: "status", Text: fmt.Sprintf("container %s %s, and it %s", n.Name, n.why, down)})
		f.Fix.Title = fmt.Sprintf("mend container %s; this one then starts by itself", n.Name)
		f.Fix.Lines = readLog(p, n.Container, "").Lines
		if n.Status == nil || n.Status.State.Waiting != nil && p.LastDeath(n.Container) == nil {
			f.Fix.Lines = nil // it has written nothing
		}
	case port != 0:
		heard := strconv.Itoa(port)
		f.Message += fmt.Sprintf(", where container %s %s; its log says that it listens on %s", n.Name, n.why, heard)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromLog, Object: p.Object.In(n.Name), Text: fmt.Sprintf("container %s: %s", n.Name, rule.Quote(line))})
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a neighbour that ends: %s runs", n.Name))
		f.Fix.Title = fmt.Sprintf("have the program connect to %s, or container %s listen on %s", heard, n.Name, r.port)
		if s, value, ok := wordSetting(p, n.Container, heard, ""); ok {
			blame(s, value, "it listens here, and is called on port "+r.port)
			if knowledge.Mask(at.value) == at.value && strings.Count(at.value, ":"+r.port) == 1 && !strings.ContainsRune(at.value, '\n') { // the neighbour's spec has the number too
				f.Fix.Object, f.Fix.Patch = at.setting.Object, at.setting.ReplaceValue(at.value, strings.Replace(at.value, ":"+r.port, ":"+heard, 1))
				f.Fix.Command = p.PatchCommand(f.Fix.Object, f.Fix.Patch)
				f.Fix.Caution = "which of the two ports is meant, only you know"
			}
		}
	default:
		f.Message += fmt.Sprintf(", where container %s %s", n.Name, n.why)
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a neighbour that ends: %s runs", n.Name))
		f.Fix.Title = fmt.Sprintf("see in the log of container %s whether and where it listens; if it only starts later, make it a sidecar with a startupProbe", n.Name)
		f.Fix.Lines = []string{p.Line("logs", p.Object.Name, "-c", n.Name)}
	}
}
