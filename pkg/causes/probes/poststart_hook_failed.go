package probes

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PostStartHookFailed finds containers that are killed because their postStart hook failed.
var PostStartHookFailed = rule.Cause{
	ID: "poststart-hook-failed", Title: "its postStart hook fails", Doc: rule.ReadDoc(docs, "poststart_hook_failed.md"),
	Stage: rule.StageExit, Beats: append([]string{"dependency-refused"}, beaten...), On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return p.DeathLogs(func(c snapshot.Container) bool { return hookFailed(p, c) != nil })
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if h := hookFailed(p, c); h != nil {
				reportPostStart(p, c, h)
			}
		}
	},
}

// hook is a postStart hook that failed.
type hook struct {
	status string // the kubelet's words in the status, which hold the hook's own; "" while it waits to start it again
	event  *corev1.Event
}

// hookFailed finds a postStart hook that failed in the last life of a container; nil for none.
func hookFailed(p *rule.Pass, c snapshot.Container) *hook {
	if c.Lifecycle == nil || c.Lifecycle.PostStart == nil || c.Status == nil || p.Object.Pod().DeletionTimestamp != nil {
		return nil
	}
	h := &hook{}
	if w := c.Status.State.Waiting; w != nil && w.Reason == "PostStartHookError" {
		h.status = w.Message
	}
	d := p.LastDeath(c)
	if d != nil && !d.Over {
		if e := p.ContainerEvent(c.Name, "FailedPostStartHook"); e != nil && !snapshot.EventTime(e).Before(d.StartedAt.Add(-knowledge.StopSlack)) {
			h.event = e
		}
	}
	if h.status == "" && h.event == nil {
		return nil
	}
	return h
}

// hookExit is how the kubelet words that the command of a hook failed.
var hookExit = knowledge.Regexp(`exited with (\d{1,3})\b`)

func reportPostStart(p *rule.Pass, c snapshot.Container, h *hook) {
	setting := p.ContainerSetting(c).Child("lifecycle", "postStart")
	post := c.Lifecycle.PostStart
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path,
		Message:   "its postStart hook fails, and the kubelet kills the container for it",
		Label:     "must pass each time the container starts, while the program starts",
		Certainty: rule.Certain,
		RuledOut:  []string{"the program: it is killed before its own end, whatever its exit code"},
		Fix:       &rule.Fix{Title: "mend the hook; what must be done once before the program starts belongs in an init container", Applicability: rule.NeedsThought},
	}
	f.Fix.Caution = "without the hook the container starts, and what the hook should do is not done"
	_, says, found := strings.Cut(h.status, "failed - error: ")
	if found {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: "PostStartHookError: " + rule.Quote(says)})
	}
	if h.event != nil {
		f.Evidence = append(f.Evidence, rule.EventEvidence(h.event))
	}
	switch {
	case post.Exec != nil && len(post.Exec.Command) > 0:
		f.Field = setting.Child("exec", "command").Path
		f.Value = rule.Quote(strings.Join(post.Exec.Command, " "))
		if m := hookExit.FindStringSubmatch(says); m != nil {
			f.Message = fmt.Sprintf("its postStart hook exits %s, and the kubelet kills the container for it", m[1])
		}
		if noRun.MatchString(says) && noProgram.MatchString(says) {
			f.Field = setting.Child("exec", "command").Index(0).Path
			f.Value = post.Exec.Command[0]
			f.Message = fmt.Sprintf("its postStart hook runs %s, which cannot be run in its image: the kubelet kills the container for it", rule.Quote(post.Exec.Command[0]))
			f.Label = "cannot be run in this image"
			f.Fix.Title = "run a program that the image has, or do it in an init container with an image that has it"
		}
	case post.HTTPGet != nil:
		f.Field = setting.Child("httpGet").Path
		f.Value = fmt.Sprintf("%s on port %s", pathOf(post.HTTPGet), post.HTTPGet.Port.String())
		f.Message = fmt.Sprintf("its postStart hook asks %s and fails: the kubelet kills the container for it", f.Value)
		if nobody.MatchString(says) {
			f.Message = fmt.Sprintf("its postStart hook asks %s before anybody listens there: the kubelet kills the container for it", f.Value)
			f.Label = "asked once, at the very start, and not again"
			f.Fix.Title = "have something that waits do this: an exec hook that tries again, a sidecar, or the program itself"
		}
	}
	if d := p.LastDeath(c); d != nil {
		f.Message += ", " + rule.Count(int(d.Restarts), "restart")
		f.Evidence = append(f.Evidence, p.DeathEvidence(c, d))
		f.History = d.Over
	}
	if c.Init || c.Beside {
		f.Stage = rule.StageInit
	}
	p.Report(f)
}
