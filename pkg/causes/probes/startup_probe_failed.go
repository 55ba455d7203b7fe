package probes

import (
	"fmt"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// StartupProbeFailed finds containers whose startup probe gave up before they had started.
var StartupProbeFailed = rule.Cause{
	ID: "startup-probe-failed", Title: "its startup probe gives up first", Doc: rule.ReadDoc(docs, "startup_probe_failed.md"),
	Stage: rule.StageProbeKill, Beats: beaten, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return p.DeathLogs(func(c snapshot.Container) bool { return killedBy(p, c, "Startup", c.StartupProbe) != nil })
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			k := killedBy(p, c, "Startup", c.StartupProbe)
			if k == nil || wrongQuestion.MatchString(k.message()) || killedNo(p, c, "Startup") {
				continue
			}
			reportStartup(p, c, k)
		}
	},
}

func reportStartup(p *rule.Pass, c snapshot.Container, k *kill) {
	probe := p.ContainerSetting(c).Child("startupProbe")
	setting := probe.Child("failureThreshold")
	if c.StartupProbe.FailureThreshold == 0 {
		setting = probe
	}
	f := rule.Finding{
		Object: probe.Object,
		Seen:   p.Object.In(c.Name),
		Field:  setting.Path,
		Value:  fmt.Sprint(k.timing.Failures),
		Message: fmt.Sprintf("its startup probe gives up before it has started: killed %s after start, without ever passing, %s",
			rule.Human(k.death.Ran()), rule.Count(int(k.death.Restarts), "restart")),
		Label: fmt.Sprintf("%s + %d x %s = %s until the kill", rule.Seconds(k.timing.InitialDelay), k.timing.Failures-1,
			rule.Seconds(k.timing.Period), rule.Seconds(k.least)),
		Evidence:  k.evidence(p, c),
		Certainty: rule.Likely,
		History:   k.death.Over,
	}
	if k.unsure {
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("ended (exit %d) %s after start, when its startup probe gives up: did that kill it? the pod's events, not read, would tell", k.death.ExitCode, rule.Human(k.death.Ran()))
	}
	for _, m := range marks(probe, c.StartupProbe) {
		if m.Field.String() != setting.Path.String() {
			f.Marks = append(f.Marks, m)
		}
	}
	if c.Init || c.Beside {
		f.Stage = rule.StageInit
	}
	if k.event != nil && k.failed != nil {
		f.Certainty = rule.Certain
	}
	f.RuledOut = append(f.RuledOut, "the liveness probe: it is not asked before the startup probe has passed")
	f.Evidence = append(f.Evidence, telling(p, c)...)
	more := int32((5*time.Minute + k.timing.Period - 1) / k.timing.Period)
	if int(more) <= k.timing.Failures {
		more = int32(2 * k.timing.Failures)
	}
	patch := setting.ReplaceValue(c.StartupProbe.FailureThreshold, more)
	if c.StartupProbe.FailureThreshold == 0 {
		patch = &rule.Patch{Type: "json", Body: []rule.Op{
			{Op: "test", Path: p.ContainerSetting(c).Child("name").Pointer(), Value: c.Name},
			{Op: "add", Path: probe.Child("failureThreshold").Pointer(), Value: more},
		}}
	}
	f.Fix = &rule.Fix{
		Title:         "let it try for longer; nothing else gets slower by that",
		Caution:       fmt.Sprintf("%d x %s allows %s; measure the start and lower it. If nothing ever listens on that port, no time is enough: see its log", more, rule.Seconds(k.timing.Period), rule.Human(time.Duration(more)*k.timing.Period)),
		Applicability: rule.NeedsThought,
		Patch:         patch,
		Command:       p.PatchCommand(probe.Object, patch),
	}
	p.Report(f)
}
