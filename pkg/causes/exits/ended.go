package exits

import (
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// unknownEnds are the reasons with which the kubelet writes down an end that it did not see.
var unknownEnds = map[string]bool{"ContainerStatusUnknown": true, "Unknown": true}

// failed is the last death of a container that ended with an error of its own: not because its pod
// was deleted, evicted or disrupted, not out of memory, and not in a way that nobody saw.
func failed(p *rule.Pass, c snapshot.Container) *rule.Death {
	d := p.LastDeath(c)
	if d == nil || d.ExitCode == 0 || d.Reason == "OOMKilled" && d.ExitCode == 137 || unknownEnds[d.Reason] || takenAway(p) {
		return nil
	}
	if phase := p.Object.Pod().Status.Phase; c.Beside && (phase == corev1.PodSucceeded || phase == corev1.PodFailed) {
		return nil // the kubelet stops the sidecars of a pod that has ended
	}
	return d
}

// notMemory is what excludes the memory limit; the runtime keeps the reason OOMKilled from an earlier
// child, and then nothing does. Nor does the reason Error behind a SIGKILL: containerd writes it down
// where the container's end overtakes the kernel's word.
func notMemory(d *rule.Death) []string {
	if d.Reason == "OOMKilled" || d.ExitCode == 137 {
		return nil
	}
	return []string{"its memory limit: the reason is " + d.Reason + ", not OOMKilled"}
}

// takenAway tells whether somebody else ended the pod: its containers' exit codes say nothing then.
func takenAway(p *rule.Pass) bool {
	pod := p.Object.Pod()
	return pod == nil || rule.TakenAway(pod) || p.Event(p.Object, "Evicted") != nil
}

// killed is the kubelet's word that it ended the life d of a container or, where it has stopped sending
// events, an earlier one; nil without.
func killed(p *rule.Pass, c snapshot.Container, d *rule.Death) *corev1.Event {
	e := p.ContainerEvent(c.Name, "Killing")
	if e == nil || snapshot.EventTime(e).Before(d.StartedAt.Add(-clockSlack)) && p.EventsCover(d.FinishedAt.Time) {
		return nil
	}
	return e
}

// clockSlack allows for events and states being written down at different moments.
const clockSlack = 2 * time.Second

// perhapsKilled tells whether a probe may have ended the life d, and nobody can know: it ended when
// that probe gives up, and no events speak for or against it.
func perhapsKilled(p *rule.Pass, c snapshot.Container, d *rule.Death) bool {
	if neverStarted(d) || p.EventsCover(d.FinishedAt.Time) {
		return false
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.StartupProbe} {
		if probe != nil && d.Restarts > 0 && knowledge.GaveUp(&p.Object.Pod().Spec, probe, d.Ran(), d.ExitCode) {
			return true
		}
	}
	return false
}

// neverStarted tells whether the runtime could not even start the container's first process.
func neverStarted(d *rule.Death) bool {
	return d.Reason == "StartError" || d.Reason == "ContainerCannotRun"
}

// past tells whether the failure is over: the container has run well since, or its Job is complete.
func past(p *rule.Pass, d *rule.Death) bool {
	if d.Over {
		return true
	}
	owner := p.Owner(p.Object)
	if owner == nil {
		return false
	}
	job, ok := owner.Typed.(*batchv1.Job)
	return ok && rule.JobEnded(job).Type == batchv1.JobComplete
}

// logsOfFailed wants the last logs of the containers that keep picks.
func logsOfFailed(p *rule.Pass, keep func(snapshot.Container, *rule.Death) bool) []snapshot.Want {
	var wants []snapshot.Want
	for _, c := range p.Object.PodContainers() {
		if d := failed(p, c); d != nil && !neverStarted(d) && keep(c, d) {
			wants = append(wants, p.DeathLog(c))
			if out, asked := p.Outcome(p.DeathLog(c)); asked && out.State == snapshot.Blind && c.Status.State.Running != nil {
				wants = append(wants, snapshot.WantLog(p.Object.Namespace, p.Object.Name, c.Name, false))
			}
		}
	}
	return wants
}

// loopText is what a container wrote before it ended or, where the kubelet has dropped that, what its
// present life has written so far: in a loop it says the same. Only what by itself tells of an end may
// be concluded from it.
func loopText(p *rule.Pass, c snapshot.Container, d *rule.Death) (text string, quote func(line string) rule.Evidence) {
	text, _ = p.LastText(c, d)
	quote = func(line string) rule.Evidence { return p.WordsEvidence(c, d, line) }
	if strings.TrimSpace(text) != "" || c.Status.State.Running == nil || d.Over {
		return text, quote
	}
	if now, ok := p.LogOf(p.Object.Namespace, p.Object.Name, c.Name, false); ok {
		return now, func(line string) rule.Evidence {
			e := p.LogEvidence(c, line)
			e.Text = "the present life: " + e.Text
			return e
		}
	}
	return text, quote
}

// ownRestartPolicy tells that not the pod's restartPolicy decides whether the container is started again,
// but its own or one of its rules: of those the first that fits counts.
func ownRestartPolicy(p *rule.Pass, c snapshot.Container, d *rule.Death) []rule.Evidence {
	if c.RestartPolicy == nil || c.Beside {
		return nil
	}
	e := rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "restartPolicy",
		Text: fmt.Sprintf("the container's own restartPolicy %s decides whether it is started again, not the pod's", *c.RestartPolicy)}
	for i, r := range c.RestartPolicyRules {
		if r.ExitCodes == nil {
			continue
		}
		if in := slices.Contains(r.ExitCodes.Values, d.ExitCode); in == (r.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			e.Field = fmt.Sprintf("restartPolicyRules[%d]", i)
			e.Text = fmt.Sprintf("its own rule %s: exit %d means %s, whatever restartPolicy says", e.Field, d.ExitCode, r.Action)
			break
		}
	}
	return []rule.Evidence{e}
}

// stage is where the end of a container strikes.
func stage(c snapshot.Container) rule.Stage {
	if c.Init {
		return rule.StageInit
	}
	return rule.StageExit
}

// waiting names the containers that cannot start before the init container has ended: the later init
// containers and all others.
func waiting(p *rule.Pass, c snapshot.Container) string {
	var names []string
	after := false
	for _, other := range p.Object.PodContainers() {
		if after && !other.Init {
			names = append(names, other.Name)
		}
		after = after || other.Name == c.Name
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "container " + names[0]
	}
	return "containers " + strings.Join(names, ", ")
}

// programSetting is what the container runs: args, else command, else its image, as the pod has them.
func programSetting(p *rule.Pass, c snapshot.Container) rule.Setting {
	container := p.ContainerSetting(c)
	switch {
	case len(c.Args) > 0:
		return container.Child("args")
	case len(c.Command) > 0:
		return container.Child("command")
	}
	return container.Child("image")
}

// readLog is what is left to do where only the program knows why it ended.
func readLog(p *rule.Pass, c snapshot.Container, title string) *rule.Fix {
	words := []string{"logs", p.Object.Name, "-c", c.Name}
	if c.Status != nil && c.Status.State.Terminated == nil && c.Status.LastTerminationState.Terminated != nil {
		words = append(words, "--previous")
	}
	return &rule.Fix{Title: title, Applicability: rule.NeedsThought, Lines: []string{p.Line(words...)}}
}

// exits words how a program ended, in the third person: "exits 1", "is killed with SIGKILL".
func exits(d *rule.Death) string {
	if signal, sent := knowledge.SentSignal(d.ExitCode); sent {
		return fmt.Sprintf("ends with exit %d, that of %s", d.ExitCode, signal)
	}
	if signal := crashSignals[d.ExitCode]; signal != "" {
		return fmt.Sprintf("crashes in native code, exit %d (%s),", d.ExitCode, signal)
	}
	if meaning := knowledge.ExitCode(d.ExitCode); meaning != "" {
		return fmt.Sprintf("exits %d by itself (%s)", d.ExitCode, meaning)
	}
	if d.Reason == "OOMKilled" {
		return fmt.Sprintf("exits %d by itself, after the kernel had killed one of its processes for memory,", d.ExitCode)
	}
	return fmt.Sprintf("exits %d by itself", d.ExitCode)
}

// said is the end of a message that quotes the last words of a container.
func said(p *rule.Pass, c snapshot.Container, d *rule.Death) string {
	text, _ := p.LastText(c, d)
	if lines := rule.Lines(text); len(lines) > 0 {
		return ": " + rule.Quote(lines[tellingLine(lines)])
	}
	return ""
}

// tellingLines is among how many of the last lines the one that tells most is looked for.
const tellingLines = 20

// tellingLine is which of the last lines tells most of the end: the last one that looks like an error,
// since programs go on to write what they always write; without one, the last.
func tellingLine(lines []string) int {
	for i := len(lines) - 1; i >= max(0, len(lines)-tellingLines); i-- {
		if l := lines[i][:min(len(lines[i]), reasonLetters)]; looksBad.MatchString(l) && !ownLevel.MatchString(l) && !warned.MatchString(l) && !isAfterthought(l) && !gotOver(l) && !echoes(l) {
			return i
		}
	}
	return len(lines) - 1
}

// lastWords quotes the end of what a container wrote before it ended, with the line that tells most.
func lastWords(p *rule.Pass, c snapshot.Container, d *rule.Death, n int) []rule.Evidence {
	text, _ := p.LastText(c, d)
	lines := rule.Lines(text)
	if len(lines) == 0 {
		return nil
	}
	var evidence []rule.Evidence
	at := tellingLine(lines)
	if last := len(lines) - n; at < last {
		evidence = append(evidence, p.WordsEvidence(c, d, lines[at]))
		n--
	}
	for _, line := range lines[max(0, len(lines)-n):] {
		evidence = append(evidence, p.WordsEvidence(c, d, line))
	}
	return evidence
}
