package probes

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SigkillAfterGrace finds containers that do not end when they are told to, so that each restart costs
// the whole grace period. Why they are told to is another finding's.
var SigkillAfterGrace = rule.Cause{
	ID: "sigkill-after-grace", Title: "does not end on SIGTERM, and is killed", Doc: rule.ReadDoc(docs, "sigkill_after_grace.md"),
	Stage: rule.StageCondition, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			k, probe := stopped(p, c)
			if k == nil || k.death.ExitCode != 137 || c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
				continue
			}
			grace := knowledge.GracePeriod(&p.Object.Pod().Spec, probe)
			if took := k.stopTook(); grace > 0 && took >= grace-knowledge.StopSlack && took <= grace+knowledge.StopSlack {
				reportSigkill(p, c, k, probe, grace)
			}
		}
	},
}

// stopped is the kubelet's own word that a probe had the container stopped, and the probe; nil without.
func stopped(p *rule.Pass, c snapshot.Container) (*kill, *corev1.Probe) {
	for _, a := range askedOf(p, c) {
		if a.kill != nil && a.kill.event != nil && !a.kill.death.Over && !snapshot.EventTime(a.kill.event).After(a.kill.death.FinishedAt.Add(knowledge.StopSlack)) {
			return a.kill, a.probe
		}
	}
	return nil, nil
}

// stopTook is how long the container took to end from the moment that the kubelet began to stop it.
func (k *kill) stopTook() time.Duration {
	return max(0, k.death.FinishedAt.Sub(snapshot.EventTime(k.event)))
}

// shellWord is the name of a shell; one that runs a command in a script does not pass signals on to it.
var shellWord = knowledge.Regexp(`(?:^|/)(?:ba|da|a|z|k)?sh$`)

func reportSigkill(p *rule.Pass, c snapshot.Container, k *kill, probe *corev1.Probe, grace time.Duration) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object: container.Object, Seen: p.Object.In(c.Name),
		Message: fmt.Sprintf("does not end on SIGTERM: stopping it took %s, all of its grace period of %s, and a SIGKILL",
			rule.Human(k.stopTook()), rule.Seconds(grace)),
		NoField: "no setting keeps a program from ending: it must heed SIGTERM",
		Evidence: []rule.Evidence{
			rule.EventEvidence(k.event), p.DeathEvidence(c, k.death),
			{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.terminationGracePeriodSeconds", Text: fmt.Sprintf("grace period %s", rule.Seconds(grace))},
		},
		Certainty: rule.Likely,
		Severity:  rule.Medium,
		RuledOut:  []string{"its memory limit: the kubelet was stopping it"},
		Fix: &rule.Fix{
			Title:         "have the program end on SIGTERM: each restart costs as long as the grace period, and what it was at is cut off",
			Caution:       "a shorter grace period only kills it sooner",
			Applicability: rule.NeedsThought,
		},
	}
	if probe.TerminationGracePeriodSeconds != nil {
		f.Evidence[2].Text += ", set at the probe"
	}
	for _, w := range []struct {
		field string
		words []string
	}{{"command", c.Command}, {"args", c.Args}} {
		if len(w.words) > 1 && shellWord.MatchString(w.words[0]) && !strings.Contains(strings.Join(w.words[1:], " "), "exec ") {
			f.Field, f.NoField, f.Value = container.Child(w.field).Path, "", w.words[0]
			f.Label = "a shell, which keeps the signal to itself"
			f.Fix.Title = "start the program with exec in the script, so that it takes the shell's place and gets the signal"
		}
	}
	p.Report(f)
}
