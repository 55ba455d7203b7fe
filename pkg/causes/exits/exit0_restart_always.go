package exits

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Exit0RestartAlways finds programs that end well in a pod that wants them to run for ever.
var Exit0RestartAlways = rule.Cause{
	ID: "exit0-restart-always", Title: "the program ends, and is meant to run for ever", Doc: rule.ReadDoc(docs, "exit0_restart_always.md"),
	Stage: rule.StageExit, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return p.DeathLogs(func(c snapshot.Container) bool { return endedWell(p, c) != nil })
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d := endedWell(p, c)
			if d == nil || d.Over || killed(p, c, d) != nil {
				continue
			}
			probed := c.LivenessProbe != nil || c.StartupProbe != nil
			if probed && !p.EventsCover(d.FinishedAt.Time) {
				continue // it may have obeyed a probe's SIGTERM, and nobody can know
			}
			reportEndedWell(p, c, d)
		}
	},
}

// endedWell is the last end of a container with exit code 0 that the kubelet answers by starting it
// again. Containers with a restart policy of their own are left alone: it says what is wanted.
func endedWell(p *rule.Pass, c snapshot.Container) *rule.Death {
	pod := p.Object.Pod()
	d := p.LastDeath(c)
	if pod == nil || d == nil || c.Init || c.Beside || c.RestartPolicy != nil || takenAway(p) || d.Restarts == 0 && d.Reason != "Completed" {
		return nil
	}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil // such a pod never ends by itself: somebody ended it
	}
	always := pod.Spec.RestartPolicy == corev1.RestartPolicyAlways || pod.Spec.RestartPolicy == ""
	if d.ExitCode != 0 || d.Reason != "Completed" || !always {
		return nil
	}
	return d
}

func reportEndedWell(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	container := p.ContainerSetting(c)
	setting := container
	switch {
	case len(c.Args) > 0:
		setting = container.Child("args")
	case len(c.Command) > 0:
		setting = container.Child("command")
	default:
		setting = container.Child("image")
	}
	f := rule.Finding{
		Object:  setting.Object,
		Seen:    p.Object.In(c.Name),
		Field:   setting.Path,
		Message: fmt.Sprintf("ends well (exit 0) %s after start, and restartPolicy Always starts it again, %s", rule.Human(d.Ran()), rule.Count(int(d.Restarts), "restart")),
		Label:   "what runs here comes to its end; a service must stay in the foreground",
		Evidence: append([]rule.Evidence{p.DeathEvidence(c, d)},
			p.LastWords(c, d, 1)...),
		RuledOut:  []string{"a failure: it says itself, with exit 0, that all went well"},
		Certainty: rule.Certain,
		History:   d.Over,
		Fix: &rule.Fix{
			Title:         "make it a Job or CronJob if it is to end; else start it in the foreground",
			Caution:       "a daemon that goes to the background, a shell without a terminal and a script without exec all end like this",
			Applicability: rule.NeedsThought,
		},
	}
	if c.LivenessProbe != nil || c.StartupProbe != nil {
		f.RuledOut = append(f.RuledOut, "a kill by its probe: the kubelet sent no Killing event")
	}
	p.Report(f)
}
