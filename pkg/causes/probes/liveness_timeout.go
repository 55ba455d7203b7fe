package probes

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LivenessTimeout finds containers that liveness or startup kills because each answer takes longer
// than the probe waits.
var LivenessTimeout = rule.Cause{
	ID: "liveness-timeout", Title: "no answer comes within a probe's timeout", Doc: rule.ReadDoc(docs, "liveness_timeout.md"),
	Peers: map[string][]string{"popeye": {"POP-205"}},
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-slow-start", "startup-probe-failed"}, beaten...), On: rule.Pods,
	Wants: wantsOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.kill != nil && a.never(c) && tooLate.MatchString(a.says()) && !unconnected.MatchString(a.says()) {
					reportTimeout(p, c, a)
				}
			}
		}
	},
}

// tooLate is what the kubelet says of an answer that does not come. Source: Go's net/http, kubelet's probes, cri-client.
var tooLate = knowledge.Regexp(`while awaiting headers|context cancellation while reading body|command timed out|command ".{0,200}" timed out|timeout: health rpc did not complete`)

// unconnected is what it says where nobody took the connection in that time.
var unconnected = knowledge.Regexp(`dial tcp|while waiting for connection|failed to connect`)

// moreTime is what a probe is given that waits a second or little more.
const moreTime = 5

func reportTimeout(p *rule.Pass, c snapshot.Container, a asked) {
	probe := p.ContainerSetting(c).Child(a.field)
	setting := probe.Child("timeoutSeconds")
	timing := knowledge.TimingOf(a.probe)
	raised := int32(max(moreTime, 2*timing.Timeout/time.Second))
	f := rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: fmt.Sprint(int(timing.Timeout.Seconds())),
		Message: fmt.Sprintf("%s asks %s and has no answer within %s, not once: %s",
			strings.ToLower(a.kind), asks(a.probe), rule.Seconds(timing.Timeout), a.outcome(p, c)),
		Label:     "an answer that takes longer counts as none",
		Evidence:  a.evidence(p, c, p.LastLogLines(c, 1)...),
		Certainty: rule.Likely, // whether the answer is slow or never comes shows nowhere
		History:   a.past(),
		Stage:     a.stage(c),
		RuledOut:  []string{"a program that hung later: it has never answered in that life"},
	}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("allow the answer %d s, and see how long it takes", raised),
		Caution:       fmt.Sprintf("%d s is a first step and no measurement; one that hangs from the start is not helped by any: ask it from inside of the pod", raised),
		Applicability: rule.NeedsThought,
		Patch:         p.Change(setting, a.probe.TimeoutSeconds, raised),
	}
	if limit, cpu, ok := cpuLimit(p, c); ok && !limit.IsZero() && limit.MilliValue() <= knowledge.StarvingCPU {
		f.Message += fmt.Sprintf("; or is it the %s CPU limit? it runs %s", limit.String(), share(limit))
		if cpu.Object.Same(f.Object) {
			f.Marks = append(f.Marks, rule.Mark{Field: cpu.Path, Label: "makes every answer slower"})
		}
		f.Fix.Caution += fmt.Sprintf(". With %s of CPU every answer is slow: more CPU may be what it needs, and the usage of the container would tell", limit.String())
	}
	f.Fix.Command = p.ChangeCommand(setting.Object, f.Fix.Patch)
	p.Report(f)
}
