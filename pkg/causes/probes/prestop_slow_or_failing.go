package probes

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PreStopSlowOrFailing finds preStop hooks that fail, or that the grace period cuts off. Why the container
// is stopped is another finding's.
var PreStopSlowOrFailing = rule.Cause{
	ID: "prestop-slow-or-failing", Title: "its preStop hook fails or is cut off", Doc: rule.ReadDoc(docs, "prestop_slow_or_failing.md"),
	Stage: rule.StageCondition, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
				continue
			}
			k, probe := stopped(p, c)
			if k == nil {
				continue
			}
			failed := p.ContainerEvent(c.Name, "FailedPreStopHook")
			if failed != nil && snapshot.EventTime(failed).Before(k.death.StartedAt.Add(-knowledge.StopSlack)) {
				failed = nil
			}
			grace := knowledge.GracePeriod(&p.Object.Pod().Spec, probe)
			slow := grace > 0 && k.stopTook() >= grace-knowledge.StopSlack
			if slow || failed != nil {
				reportPreStop(p, c, k, failed, grace, slow)
			}
		}
	},
}

func reportPreStop(p *rule.Pass, c snapshot.Container, k *kill, failed *corev1.Event, grace time.Duration, slow bool) {
	pre := c.Lifecycle.PreStop
	setting := p.ContainerSetting(c).Child("lifecycle", "preStop")
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path,
		Message:   "its preStop hook fails: what it should do before the container stops is not done",
		Label:     "fails each time the container is stopped",
		Evidence:  []rule.Evidence{rule.EventEvidence(k.event)},
		Certainty: rule.Certain,
		Severity:  rule.Medium,
		RuledOut:  []string{"the reason why it is stopped: that is not the hook"},
		Fix: &rule.Fix{
			Title:         "mend the hook: run its command in the container by hand, and see what it says",
			Caution:       "the kubelet keeps what the hook says to itself, and stops the container all the same",
			Applicability: rule.NeedsThought,
		},
	}
	if pre.Exec != nil && len(pre.Exec.Command) > 0 {
		f.Field = setting.Child("exec", "command").Path
		f.Value = rule.Quote(strings.Join(pre.Exec.Command, " "))
	}
	if failed != nil {
		f.Evidence = append(f.Evidence, rule.EventEvidence(failed))
	}
	f.Evidence = append(f.Evidence, p.DeathEvidence(c, k.death))
	if slow {
		f.Message = fmt.Sprintf("its preStop hook takes longer than the grace period of %s: stopping it took %s, and the hook is cut off", rule.Seconds(grace), rule.Human(k.stopTook()))
		f.Label = fmt.Sprintf("has %s for itself and for the program's own end", rule.Seconds(grace))
		f.Certainty = rule.Likely
		f.Fix = graceFix(p, pre, grace)
	}
	p.Report(f)
}

// graceFix gives the hook its time and the program as much as it had. How long the hook takes is known only
// where it sleeps.
func graceFix(p *rule.Pass, pre *corev1.LifecycleHandler, grace time.Duration) *rule.Fix {
	setting := p.PodSpec().Child("terminationGracePeriodSeconds")
	seconds := int64(grace / time.Second)
	fix := &rule.Fix{
		Title:         "let the grace period hold the hook and the program's own end, or make the hook shorter",
		Caution:       "every rollout and every drain of a node waits up to that long for each pod",
		Applicability: rule.Placeholders,
		Object:        setting.Object,
	}
	var to any = "<SECONDS>"
	if n := sleeps(pre); n > 0 {
		to, fix.Applicability = n+seconds, rule.NeedsThought
		fix.Title = fmt.Sprintf("let the grace period hold the hook's %d s of sleep and the %d s that the program has now; or let it sleep less", n, seconds)
	}
	fix.Patch = p.Change(setting, p.Object.Pod().Spec.TerminationGracePeriodSeconds, to)
	fix.Command = p.ChangeCommand(setting.Object, fix.Patch, "<SECONDS>")
	return fix
}

// sleeps is for how many seconds a hook does nothing else; 0 where it does something else too.
func sleeps(pre *corev1.LifecycleHandler) int64 {
	if pre.Sleep != nil {
		return pre.Sleep.Seconds
	}
	if pre.Exec == nil {
		return 0
	}
	words := strings.Fields(strings.Join(pre.Exec.Command, " "))
	if len(words) > 2 && shellWord.MatchString(words[0]) && words[1] == "-c" {
		words = words[2:]
	}
	if len(words) != 2 || words[0] != "sleep" && !strings.HasSuffix(words[0], "/sleep") {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(words[1], "s"), 10, 32)
	if err != nil {
		return 0
	}
	return n
}
