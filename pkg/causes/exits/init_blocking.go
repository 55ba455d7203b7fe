package exits

import (
	"fmt"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// An init container that still runs is worth a question after initPatience, and more likely stuck
// than at work after initOverdue.
const (
	initPatience = 10 * time.Second
	initOverdue  = 5 * time.Minute
)

// InitBlocking finds init containers that run and do not end.
var InitBlocking = rule.Cause{
	ID: "init-blocking", Title: "an init container does not end", Doc: rule.ReadDoc(docs, "init_blocking.md"),
	Stage: rule.StageInit, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			if _, ok := blocks(p, c); ok {
				wants = append(wants, snapshot.WantLog(p.Object.Namespace, p.Object.Name, c.Name, false))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if since, ok := blocks(p, c); ok {
				reportBlocking(p, c, since)
			}
		}
	},
}

// blocks tells since when an init container runs, where that is long enough to ask why.
func blocks(p *rule.Pass, c snapshot.Container) (since time.Time, ok bool) {
	if !c.Init || c.Status == nil || c.Status.State.Running == nil || p.Object.Pod().DeletionTimestamp != nil {
		return time.Time{}, false
	}
	since = c.Status.State.Running.StartedAt.Time
	return since, !since.IsZero() && p.Age(since) >= initPatience
}

func reportBlocking(p *rule.Pass, c snapshot.Container, since time.Time) {
	setting := programSetting(p, c)
	others := waiting(p, c)
	if others == "" {
		others = "the pod"
	}
	age := rule.Human(p.Age(since))
	f := rule.Finding{
		Object:    setting.Object,
		Seen:      p.Object.In(c.Name),
		Field:     setting.Path,
		Message:   fmt.Sprintf("init container has been running for %s and %s waits: is it at work or stuck? its log decides", age, others),
		Label:     others + " starts when this has exited 0",
		Evidence:  []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Time: since, Text: "state: running since " + age + ", " + rule.Count(int(c.Status.RestartCount), "restart")}},
		Certainty: rule.Possible,
	}
	if p.Age(since) > initOverdue {
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("init container has been running for %s without an end, and %s waits for it", age, others)
	}
	lines := p.CurrentLogLines(c)
	for _, l := range lines[max(0, len(lines)-2):] {
		f.Evidence = append(f.Evidence, p.LogEvidence(c, l))
	}
	if c.Status.RestartCount == 0 {
		f.RuledOut = append(f.RuledOut, "a failure: it has not ended once")
	}
	f.Fix = &rule.Fix{
		Title:         "see what it waits for, and bound the wait with a time-out of its own",
		Applicability: rule.NeedsThought,
		Lines:         []string{p.Line("logs", p.Object.Name, "-c", c.Name, "-f")},
	}
	p.Report(f)
}
