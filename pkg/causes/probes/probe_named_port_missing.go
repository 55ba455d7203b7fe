package probes

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProbeNamedPortMissing finds probes that name a port that their container does not declare.
var ProbeNamedPortMissing = rule.Cause{
	ID: "probe-named-port-missing", Title: "a probe names a port that its container lacks", Doc: rule.ReadDoc(docs, "probe_named_port_missing.md"),
	Stage: rule.StageNotReady, Beats: append([]string{"liveness-slow-start", "startup-probe-failed", "liveness-deadlock", "readiness-failing"}, beaten...), On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.unknownPort(c) {
					return []snapshot.Want{snapshot.WantEvents(p.Object.Ref)}
				}
			}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.unknownPort(c) {
					reportNamedPort(p, c, a)
				}
			}
		}
	},
}

// unknownPort tells whether the probe of a running container names a port that the kubelet cannot find. It
// looks among the ports of that container and no other.
func (a *asked) unknownPort(c snapshot.Container) bool {
	handler, port := knowledge.ProbePort(a.probe)
	if handler == "" || handler == "grpc" || port.Type != intstr.String || c.Status.State.Running == nil {
		return false
	}
	_, _, ok := resolve(c, port)
	return !ok
}

func reportNamedPort(p *rule.Pass, c snapshot.Container, a asked) {
	container := p.ContainerSetting(c)
	handler, port := knowledge.ProbePort(a.probe)
	setting := container.Child(a.field, handler, "port")
	f := rule.Finding{
		Object: container.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: port.StrVal,
		Evidence:  a.evidence(p, c),
		Certainty: rule.Likely,
		Stage:     a.stage(c),
		RuledOut:  []string{"an application that is not well: the probe has not asked it"},
	}
	if a.event != nil {
		f.Certainty = rule.Certain
	}
	switch {
	case a.holdsBack(c) && a.kind == "Startup":
		f.Message = fmt.Sprintf("its startup probe asks port %q, which its container does not declare: it neither passes nor kills, %s", port.StrVal, a.outcome(p, c))
	case a.holdsBack(c):
		f.Message = fmt.Sprintf("its readiness probe asks port %q, which its container does not declare: %s", port.StrVal, a.outcome(p, c))
	case a.kind == "Liveness":
		f.Message = fmt.Sprintf("its liveness probe asks port %q, which its container does not declare: it never fails, and guards nothing", port.StrVal)
		f.Stage, f.Severity = rule.StageHistory, rule.Medium
	default:
		return
	}
	f.Label, f.Fix = namedPortFix(p, c, setting, port.StrVal)
	p.Report(f)
}

// namedPortFix has the probe ask a port that there is. The label says what there is.
func namedPortFix(p *rule.Pass, c snapshot.Container, setting rule.Setting, name string) (string, *rule.Fix) {
	fix := &rule.Fix{Title: "name a port that the container declares, or give its number", Applicability: rule.Placeholders}
	label := "the container declares no port of that name"
	var to any = "<PORT>"
	var names []string
	ports := tcpPorts(c)
	for _, cp := range ports {
		if cp.Name != "" {
			names = append(names, cp.Name)
		}
	}
	near := knowledge.Nearest(name, names)
	switch {
	case len(ports) == 0:
		label = "the container declares no ports"
	case near != "":
		label = fmt.Sprintf("the container declares %q", near)
		to, fix.Title, fix.Applicability = near, fmt.Sprintf("ask port %s, which the container declares", near), rule.NeedsThought
		fix.Caution = "where the port's own name is misspelled, mend it there: Services may ask for it too"
	case len(ports) == 1:
		label = fmt.Sprintf("the container declares port %d, and not by that name", ports[0].ContainerPort)
		to, fix.Title, fix.Applicability = ports[0].ContainerPort, fmt.Sprintf("ask port %d, the only one that the container declares", ports[0].ContainerPort), rule.NeedsThought
		fix.Caution = fmt.Sprintf("or give that port the name %s: Services may ask for it too", name)
	}
	for _, other := range p.Object.PodContainers() {
		for _, cp := range other.Ports {
			if cp.Name == name && other.Name != c.Name {
				label += fmt.Sprintf("; container %s does", other.Name)
			}
		}
	}
	fix.Patch = p.Change(setting, name, to)
	fix.Command = p.ChangeCommand(setting.Object, fix.Patch, "<PORT>")
	return label, fix
}
