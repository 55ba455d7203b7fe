package probes

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// wrongQuestion are answers that do not change with the health of the program: the probe asks for
// what is not there or not for it.
var wrongQuestion = knowledge.Regexp(`statuscode: (?:3\d\d|400|401|403|404|405)\b|malformed HTTP response|executable file not found|no such file or directory`)

// LivenessDeadlock finds containers that answered their liveness probe for a time and then did not.
var LivenessDeadlock = rule.Cause{
	ID: "liveness-deadlock", Title: "stops answering its liveness probe", Doc: rule.ReadDoc(docs, "liveness_deadlock.md"),
	Stage: rule.StageProbeKill, Beats: beaten, On: rule.Pods,
	Wants: wantsOfLiveness,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			k := killedBy(p, c, "Liveness", c.LivenessProbe)
			if k == nil || k.unsure || k.unproven(c) {
				continue
			}
			a := asked{kind: "Liveness", probe: c.LivenessProbe, kill: k}
			if wrongQuestion.MatchString(k.message()) && a.never(c) {
				continue
			}
			reportDeadlock(p, c, k)
		}
	},
}

func wantsOfLiveness(p *rule.Pass) []snapshot.Want {
	return p.DeathLogs(func(c snapshot.Container) bool { return killedBy(p, c, "Liveness", c.LivenessProbe) != nil })
}

// failure words what the probe saw last.
func (k *kill) failure() string {
	switch m := k.message(); {
	case m == "":
		return "fails its liveness probe"
	case strings.Contains(m, "statuscode: "):
		_, code, _ := strings.Cut(m, "statuscode: ")
		code, _, _ = strings.Cut(code, " ")
		return "answers its liveness probe with HTTP " + code
	case strings.Contains(m, "deadline exceeded"), strings.Contains(m, "timed out"), strings.Contains(m, "Timeout"):
		return "hangs: its liveness probe times out after " + rule.Seconds(k.timing.Timeout)
	case strings.Contains(m, "connection refused"):
		return "does not listen any more: its liveness probe is refused"
	}
	return "fails its liveness probe"
}

// message is what the probe saw last, in the kubelet's words; in a loop, where the kubelet has stopped
// sending events, what it saw in an earlier life.
func (k *kill) message() string {
	switch {
	case k.failed != nil:
		return k.failed.Message
	case k.loop != nil:
		return k.loop.Message
	}
	return ""
}

func reportDeadlock(p *rule.Pass, c snapshot.Container, k *kill) {
	container := p.ContainerSetting(c)
	probe := container.Child("livenessProbe")
	good := max(0, k.lived-time.Duration(k.timing.Failures)*k.timing.Period)
	f := rule.Finding{
		Object: probe.Object,
		Seen:   p.Object.In(c.Name),
		Field:  probe.Path,
		Value:  fmt.Sprintf("gives up after %d failures in a row, %s apart", k.timing.Failures, rule.Seconds(k.timing.Period)),
		Message: fmt.Sprintf("answered for about %s, then %s: killed %s after start, %s",
			rule.Human(good), k.failure(), rule.Human(k.death.Ran()), rule.Count(int(k.death.Restarts), "restart")),
		Label:     "it did its work here: it found a program that no longer answers",
		Evidence:  k.evidence(p, c),
		Certainty: rule.Likely,
		History:   k.death.Over,
	}
	if k.event != nil && k.failed != nil {
		f.Certainty = rule.Certain
	}
	if !k.early() {
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a slow start: what never answers is killed within %s, and it lived %s", rule.Seconds(k.most), rule.Seconds(k.lived)))
	} else {
		f.RuledOut = append(f.RuledOut, "a slow start: its startupProbe, which reaches the same, had passed, or liveness would not have been asked")
	}
	f.Evidence = append(f.Evidence, p.LastLogLines(c, 1)...)
	f.Fix = &rule.Fix{
		Title:         "find out what it waits for before it is killed; leave the probe as it is",
		Caution:       "a looser probe only makes the outage longer; if the probe asks for a dependency, move that to readiness",
		Applicability: rule.NeedsThought,
		Lines: []string{
			k.logs(p, c),
			p.Line("debug", p.Object.Name, "-it", "--target="+c.Name, "--image=busybox", "--profile=general"),
		},
	}
	p.Report(f)
}
