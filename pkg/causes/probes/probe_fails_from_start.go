package probes

import (
	"fmt"
	"reflect"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProbeFailsFromStart finds containers that a probe kills which was told no from the first moment on, so that
// more time may be no help.
var ProbeFailsFromStart = rule.Cause{
	ID: "probe-fails-from-start", Title: "its probe is told no from the first moment on", Doc: rule.ReadDoc(docs, "probe_fails_from_start.md"),
	Stage: rule.StageProbeKill, Beats: beaten, On: rule.Pods,
	Wants: wantsOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.saysNo(p, c) {
					reportNo(p, c, a)
				}
			}
		}
	},
}

// isUp is how it is known that the program works although its probe says no; "" where it is not.
func isUp(p *rule.Pass, c snapshot.Container, a asked) string {
	if r := c.ReadinessProbe; r != nil && c.Status.Ready && !reflect.DeepEqual(r.ProbeHandler, a.probe.ProbeHandler) {
		return "a program that does not work: its readiness probe passes"
	}
	if a.probe.Exec == nil { // who listens need not have started
		if a.kill.lived >= patience {
			return fmt.Sprintf("a start that takes a little longer: it answered the same for %s", rule.Human(a.kill.lived))
		}
		return ""
	}
	for _, l := range tail(p.LogLines(c)) {
		if _, _, ok := knowledge.Listens(l); ok {
			return "a start that goes on: the log says that it listens"
		}
	}
	return ""
}

func reportNo(p *rule.Pass, c snapshot.Container, a asked) {
	probe := p.ContainerSetting(c).Child(a.field)
	f := rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: probe.Path, Value: asks(a.probe),
		Message:   fmt.Sprintf("%s from its start on: %s", a.no(), a.outcome(p, c)),
		Label:     fmt.Sprintf("is told no, and gives up %s after the start", rule.Seconds(a.kill.least)),
		Evidence:  a.evidence(p, c, telling(p, c)...),
		Certainty: rule.Possible,
		History:   a.past(),
		Stage:     a.stage(c),
		RuledOut:  []string{"a probe that asks where nobody listens: it was answered"},
		Fix: &rule.Fix{
			Title:         "find out why it is not well; no time is known to help",
			Applicability: rule.NeedsThought,
			Lines:         []string{a.kill.logs(p, c)},
		},
	}
	up := isUp(p, c, a)
	if up != "" {
		f.Certainty = rule.Likely
		f.RuledOut = append(f.RuledOut, up)
	}
	if a.probe.Exec != nil {
		reportCommand(p, c, a, probe, &f)
	} else {
		f.Fix.Title = fmt.Sprintf("find out why it answers %s; no time is known to help", a.kill.answer())
	}
	if up == "" {
		if a.probe.Exec == nil {
			f.Message += "; is it not well, or does it start for so long? its log would tell"
		}
		offerTime(a, &f)
	}
	p.Report(f)
}

// reportCommand tells of a command that ran in the container and failed.
func reportCommand(p *rule.Pass, c snapshot.Container, a asked, probe rule.Setting, f *rule.Finding) {
	command := a.probe.Exec.Command
	shown := strings.Join(command, " ")
	f.RuledOut[0] = "a program that the image lacks: the command ran"
	f.Label = fmt.Sprintf("fails each time, until the probe gives up %s after the start", rule.Seconds(a.kill.least))
	f.Fix.Title = "run the command in the container, and see why it fails; no time is known to help"
	if knowledge.Mask(shown) == shown { // what is drawn must hold no password
		f.Field, f.Value = probe.Child("exec", "command").Path, command[0]
		f.Fix.Caution = "it has to run for that: try again where it says that it is not running"
		f.Fix.Lines = append(f.Fix.Lines, p.Line(append([]string{"exec", p.Object.Name, "-c", c.Name, "--"}, command...)...))
	}
	if f.Certainty == rule.Possible {
		f.Message += "; does the command itself fail, or does the program start for so long? its log would tell"
	}
}

// offerTime offers a longer start for the case that it is one, and does not promise that it is.
func offerTime(a asked, f *rule.Finding) {
	if a.kind == "Startup" {
		f.Fix.YAML = fmt.Sprintf("# only if its log shows a start that goes on: %d minutes for it\n%s", startupFailures*startupPeriodSeconds/60,
			rule.Nest(fmt.Sprintf("{periodSeconds: %d, failureThreshold: %d}", startupPeriodSeconds, startupFailures), "startupProbe"))
		return
	}
	if text, err := yaml.Marshal(map[string]any{"startupProbe": rule.Plain(startupOf(a.probe))}); err == nil {
		f.Fix.YAML = fmt.Sprintf("# only if its log shows a start that goes on: %d minutes for it, beside livenessProbe\n%s", startupFailures*startupPeriodSeconds/60, strings.TrimSpace(string(text)))
	}
}
