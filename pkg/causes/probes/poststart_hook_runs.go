package probes

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// hookPatience is for how long a postStart hook may run before that it does is worth a word.
const hookPatience = time.Minute

// PostStartHookRuns finds containers that count as not created, since their postStart hook has not ended.
var PostStartHookRuns = rule.Cause{
	ID: "poststart-hook-runs", Title: "its postStart hook does not end", Doc: rule.ReadDoc(docs, "poststart_hook_runs.md"),
	Stage: rule.StageInit, On: rule.Pods,
	Run: func(p *rule.Pass) {
		if p.Object.Pod().DeletionTimestamp != nil {
			return
		}
		for _, c := range p.Object.PodContainers() {
			if c.Status == nil || c.Lifecycle == nil || c.Lifecycle.PostStart == nil {
				continue
			}
			w := c.Status.State.Waiting
			if w == nil || w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
				continue
			}
			started := p.ContainerEvent(c.Name, "Started")
			if started == nil || p.ContainerEvent(c.Name, "FailedPostStartHook") != nil {
				continue
			}
			since := snapshot.EventTime(started)
			if d := p.LastDeath(c); d != nil && !since.After(d.FinishedAt.Add(knowledge.StopSlack)) {
				continue
			}
			if p.Age(since) >= hookPatience {
				reportRuns(p, c, since, rule.EventEvidence(started))
			}
		}
	},
}

func reportRuns(p *rule.Pass, c snapshot.Container, since time.Time, started rule.Evidence) {
	setting := p.ContainerSetting(c).Child("lifecycle", "postStart")
	post := c.Lifecycle.PostStart
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path,
		Message:   fmt.Sprintf("its postStart hook has not ended for %s, and until it has the container counts as not created", rule.Human(p.Age(since))),
		Label:     "until this has ended nothing else of the pod goes on",
		Certainty: rule.Likely,
		Evidence: []rule.Evidence{started, {
			Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: "waiting: " + c.Status.State.Waiting.Reason,
		}},
		RuledOut: []string{"its image, its volumes and its network: the container was started"},
		Fix: &rule.Fix{
			Title:         "end the hook soon: what takes long belongs into the program, an init container or a sidecar",
			Caution:       "a hook has no time limit of its own; probes are not asked and no later container is started before it has ended",
			Applicability: rule.NeedsThought,
		},
	}
	switch {
	case post.Exec != nil && len(post.Exec.Command) > 0:
		f.Field = setting.Child("exec", "command").Path
		f.Value = rule.Quote(strings.Join(post.Exec.Command, " "))
	case post.Sleep != nil:
		f.Field = setting.Child("sleep", "seconds").Path
		f.Value = fmt.Sprint(post.Sleep.Seconds)
	case post.HTTPGet != nil:
		f.Field = setting.Child("httpGet").Path
		f.Value = fmt.Sprintf("%s on port %s", pathOf(post.HTTPGet), post.HTTPGet.Port.String())
	}
	p.Report(f)
}
