package probes

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// A startup probe that allows five minutes, as Kubernetes' own documentation has it.
const (
	startupPeriodSeconds = 10
	startupFailures      = 30
)

// LivenessSlowStart finds containers that the liveness probe kills before they have started.
var LivenessSlowStart = rule.Cause{
	ID: "liveness-slow-start", Title: "liveness kills it while it starts", Doc: rule.ReadDoc(docs, "liveness_slow_start.md"),
	Stage: rule.StageProbeKill, Beats: beaten, On: rule.Pods,
	Wants: wantsOfLiveness,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			k := killedBy(p, c, "Liveness", c.LivenessProbe)
			if k == nil || !k.unproven(c) || k.answered() || killedNo(p, c, "Liveness") {
				continue
			}
			reportSlowStart(p, c, k)
		}
	},
}

func reportSlowStart(p *rule.Pass, c snapshot.Container, k *kill) {
	container := p.ContainerSetting(c)
	probe := container.Child("livenessProbe")
	budget := k.timing.InitialDelay + k.timing.Period*time.Duration(k.timing.Failures-1)
	f := rule.Finding{
		Object: probe.Object,
		Seen:   p.Object.In(c.Name),
		Field:  probe.Path,
		Value:  fmt.Sprintf("gives up after %s", rule.Seconds(budget)),
		Message: fmt.Sprintf("liveness kills it while it starts: killed %s after start, without ever answering, %s",
			rule.Human(k.death.Ran()), rule.Count(int(k.death.Restarts), "restart")),
		Label: fmt.Sprintf("%s + %d x %s = %s until the kill, and no startupProbe holds it back",
			rule.Seconds(k.timing.InitialDelay), k.timing.Failures-1, rule.Seconds(k.timing.Period), rule.Seconds(budget)),
		Marks:     marks(probe, c.LivenessProbe),
		Evidence:  k.evidence(p, c),
		Certainty: rule.Likely,
		History:   k.death.Over,
	}
	if k.unsure {
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("ended (exit %d) %s after start, when its liveness probe gives up: did that kill it? the pod's events, not read, would tell", k.death.ExitCode, rule.Human(k.death.Ran()))
	}
	if exec := c.LivenessProbe.Exec != nil; exec && !k.unsure {
		f.Message = fmt.Sprintf("liveness kills it while it starts: killed %s after start, and its command never succeeded, %s",
			rule.Human(k.death.Ran()), rule.Count(int(k.death.Restarts), "restart"))
		if k.message() == "" { // what the command said is not known: it may fail by itself
			f.Certainty = rule.Possible
			f.Message += "; does it start for so long, or does the command fail by itself?"
		}
	}
	f.RuledOut = append(f.RuledOut, fmt.Sprintf("an application that hung later: its last life was not longer than the %s within which the probe gives up on one that never answers", rule.Seconds(k.most+k.held)))
	f.Evidence = append(f.Evidence, telling(p, c)...)
	f.Fix = startupProbeFix(p, container, c)
	if c.StartupProbe != nil {
		reportOtherStart(container, c, k, &f)
	}
	if port := probePort(c.LivenessProbe); port != "" { // that the container declares it would prove nothing
		f.Fix.Caution += fmt.Sprintf(". If nothing ever listens on port %s, or only on 127.0.0.1, no time is enough: see its log", port)
	}
	p.Report(f)
}

// reportOtherStart tells of a startup probe that passes before the program answers what liveness asks: all that it
// has proven is what it asks itself.
func reportOtherStart(container rule.Setting, c snapshot.Container, k *kill, f *rule.Finding) {
	startup := container.Child("startupProbe")
	f.Field, f.Value = startup.Path, asks(c.StartupProbe)
	f.Label = fmt.Sprintf("passes without liveness' own question: %s", asks(c.LivenessProbe))
	f.Marks = []rule.Mark{{Field: container.Child("livenessProbe").Path, Label: fmt.Sprintf("asked from then on, and kills after %s in a row", rule.Count(k.timing.Failures, "failure"))}}
	if !k.unsure {
		f.Message += "; its startupProbe passes too early, since it asks something else"
	}
	if k.bound && !k.unsure {
		f.Certainty = rule.Possible
		f.Message += "; or did it answer for a time before? its log would tell"
	}
	f.Fix.Title = "have the startupProbe ask what liveness asks; liveness stays as strict as it is" // to add a field that is there replaces it
}

// probePort is the port that a probe asks; "" for one that asks none.
func probePort(probe *corev1.Probe) string {
	h := probe.ProbeHandler
	switch {
	case h.HTTPGet != nil:
		return h.HTTPGet.Port.String()
	case h.TCPSocket != nil:
		return h.TCPSocket.Port.String()
	case h.GRPC != nil:
		return fmt.Sprint(h.GRPC.Port)
	}
	return ""
}

// startupOf asks what liveness asks, and allows five minutes.
func startupOf(liveness *corev1.Probe) corev1.Probe {
	return corev1.Probe{ProbeHandler: liveness.ProbeHandler, PeriodSeconds: startupPeriodSeconds, FailureThreshold: startupFailures, TimeoutSeconds: liveness.TimeoutSeconds}
}

func startupProbeFix(p *rule.Pass, container rule.Setting, c snapshot.Container) *rule.Fix {
	body := rule.Plain(startupOf(c.LivenessProbe))
	patch := &rule.Patch{Type: "json", Body: []rule.Op{
		{Op: "test", Path: container.Child("name").Pointer(), Value: c.Name},
		{Op: "add", Path: container.Child("startupProbe").Pointer(), Value: body},
	}}
	return &rule.Fix{
		Title:         "give it time to start with a startupProbe; liveness stays as strict as it is",
		Caution:       fmt.Sprintf("%d x %ds allows 5 minutes; measure the start and lower it. If the start got slow of late, look at its CPU limit and at what it waits for", startupFailures, startupPeriodSeconds),
		Applicability: rule.NeedsThought,
		Patch:         patch,
		Command:       p.PatchCommand(container.Object, patch),
	}
}
