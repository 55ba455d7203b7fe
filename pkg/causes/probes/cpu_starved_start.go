package probes

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CPUStarvedStart finds containers that liveness kills while they start, because a small CPU limit makes
// the start longer than the probe allows.
var CPUStarvedStart = rule.Cause{
	ID: "cpu-starved-start", Title: "its CPU limit makes the start longer than liveness allows", Doc: rule.ReadDoc(docs, "cpu_starved_start.md"),
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-slow-start"}, beaten...), On: rule.Pods,
	Wants: wantsOfStarved,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			k := killedBy(p, c, "Liveness", c.LivenessProbe)
			if k == nil || k.unsure || !k.early() || k.answered() || c.StartupProbe != nil {
				continue
			}
			limit, setting, ok := cpuLimit(p, c)
			if !ok || limit.IsZero() || limit.MilliValue() > knowledge.StarvingCPU || worth(limit, k.lived) >= knowledge.StartCPU {
				continue
			}
			if said := stillStarting(p, c); said != nil {
				reportStarved(p, c, k, limit, setting, said)
			}
		}
	},
}

// wantsOfStarved asks for what may keep a small CPU limit from growing, too.
func wantsOfStarved(p *rule.Pass) []snapshot.Want {
	wants := wantsOfLiveness(p)
	for _, c := range p.Object.PodContainers() {
		if k := killedBy(p, c, "Liveness", c.LivenessProbe); k == nil || k.unsure || !k.early() || k.answered() || c.StartupProbe != nil {
			continue
		}
		if limit, _, ok := cpuLimit(p, c); ok && limit.Sign() > 0 && limit.MilliValue() <= knowledge.StarvingCPU {
			return append(wants, p.WantCeilings(corev1.ResourceCPU, limit)...)
		}
	}
	return wants
}

// cpuLimit is the CPU limit that holds for a container, its own or else its pod's, and where it is set.
func cpuLimit(p *rule.Pass, c snapshot.Container) (resource.Quantity, rule.Setting, bool) {
	if q, ok := c.Resources.Limits[corev1.ResourceCPU]; ok {
		return q, p.ContainerSetting(c).Child("resources", "limits", "cpu"), true
	}
	if r := p.Object.Pod().Spec.Resources; r != nil {
		if q, ok := r.Limits[corev1.ResourceCPU]; ok {
			return q, p.PodSpec().Child("resources", "limits", "cpu"), true
		}
	}
	return resource.Quantity{}, rule.Setting{}, false
}

// worth is the CPU time that a limit grants in a time of the clock.
func worth(limit resource.Quantity, lived time.Duration) time.Duration {
	return time.Duration(limit.MilliValue()) * lived / 1000
}

var (
	// startWords are how programs speak of their start. Without metrics only the log tells a start that
	// is at work from one that sleeps or waits for somebody.
	startWords = knowledge.Regexp(`(?i)\b(?:start|boot|bootstrapp|initiali[sz]|load|scann|compil|preload|warming|import|instantiat|precompil|configur)ing\b`)
	// otherWords are how they speak of what more CPU does not mend, or of a start that is over.
	otherWords = knowledge.Regexp(`(?i)\bwait|\bretry|\bre-?connect|refused|time[d -]*out|unreachable|no such host|\bsleep|\b(?:started|listening|ready|serving)\b`)
)

// lastLines is how many of the last lines of a log tell what a program was doing when it was killed.
const lastLines = 3

// stillStarting is the line of the log of the life that ended which shows it at work on its start; nil
// where the log shows no such thing. A JVM has used a good part of a second of CPU before its first
// line, so that an empty log of one says the same.
func stillStarting(p *rule.Pass, c snapshot.Container) *rule.Evidence {
	out, asked := p.Outcome(p.DeathLog(c))
	if !asked || out.State == snapshot.Blind {
		return nil
	}
	lines := p.LogLines(c)
	if len(lines) == 0 {
		if !knowledge.JVMImage(c.Image) {
			return nil
		}
		return &rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "image", Text: fmt.Sprintf("image %s starts a JVM, and it had not logged its first line", c.Image)}
	}
	lines = lines[max(0, len(lines)-lastLines):]
	for _, l := range lines {
		if otherWords.MatchString(l) {
			return nil
		}
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if startWords.MatchString(lines[i]) {
			e := p.LogEvidence(c, lines[i])
			return &e
		}
	}
	return nil
}

func reportStarved(p *rule.Pass, c snapshot.Container, k *kill, limit resource.Quantity, setting rule.Setting, said *rule.Evidence) {
	container := p.ContainerSetting(c)
	probe := container.Child("livenessProbe")
	budget := k.timing.InitialDelay + k.timing.Period*time.Duration(k.timing.Failures-1)
	granted := rule.Human(worth(limit, k.lived))
	if w := worth(limit, k.lived); w < 10*time.Second {
		granted = fmt.Sprintf("%.1fs", w.Seconds())
	}
	f := rule.Finding{
		Object: setting.Object,
		Seen:   p.Object.In(c.Name),
		Field:  setting.Path,
		Value:  limit.String(),
		Message: fmt.Sprintf("killed while it starts: its %s CPU limit gave it %s of CPU in %s, then liveness gave up, %s",
			limit.String(), granted, rule.Human(k.lived), rule.Count(int(k.death.Restarts), "restart")),
		Label:     fmt.Sprintf("it runs %s, so its start takes %s times as long as on a core of its own", share(limit), times(limit)),
		Evidence:  append(k.evidence(p, c), *said),
		Certainty: rule.Likely, // throttling shows in no status, event or log
		History:   k.death.Over,
	}
	if probe.Object.Same(setting.Object) {
		f.Marks = append(marks(probe, c.LivenessProbe), rule.Mark{Field: probe.Path, Label: fmt.Sprintf("gives up on it after %s, and no startupProbe holds it back", rule.Seconds(budget))})
	}
	f.RuledOut = append(f.RuledOut,
		fmt.Sprintf("an application that hung later: its last life was not longer than the %s within which the probe gives up on one that never answers", rule.Seconds(k.most)),
		"a start that waits for something: its log speaks of work, not of waiting")
	if len(p.LogLines(c)) == 0 {
		f.RuledOut = f.RuledOut[:1]
	}
	starvedFix(p, c, &f, limit, setting, budget)
	p.Report(f)
}

// share is how much a limit lets a container run.
func share(limit resource.Quantity) string {
	if limit.MilliValue() < 10 {
		return fmt.Sprintf("%s of a core", limit.String())
	}
	return fmt.Sprintf("%d ms of every 100 ms", (limit.MilliValue()+5)/10)
}

// times is by how much a limit below one core stretches work.
func times(limit resource.Quantity) string {
	return fmt.Sprint((1000 + limit.MilliValue()/2) / limit.MilliValue())
}

// starvedFix raises the limit so that the budget is worth the CPU of a middling start, but not above one
// core, which most starts cannot use; or gives the start more time.
func starvedFix(p *rule.Pass, c snapshot.Container, f *rule.Finding, limit resource.Quantity, setting rule.Setting, budget time.Duration) {
	const step = 100
	enough := int64(1000)
	if budget > knowledge.StartCPU {
		enough = int64(knowledge.StartCPU * 1000 / budget)
	}
	enough = max(min((enough+step-1)/step*step, 1000), 2*limit.MilliValue())
	raised := resource.NewMilliQuantity(enough, resource.DecimalSI).String()
	_, direct := c.Resources.Limits[corev1.ResourceCPU]
	g := rule.Growth{Container: c, Resource: corev1.ResourceCPU, From: limit, To: resource.MustParse(raised)}
	if !direct {
		g.Container = snapshot.Container{}
	}
	if ceiling := p.Ceiling(g); ceiling != nil {
		f.Evidence = append(f.Evidence, ceiling.Evidence)
		f.Fix = startupProbeFix(p, p.ContainerSetting(c), c)
		f.Fix.Title = fmt.Sprintf("give the start more time with a startupProbe; a CPU limit of %s must wait for %s", raised, ceiling.Owner)
		f.Fix.Caution = fmt.Sprintf("%s. %d x %ds allows 5 minutes; measure the start and lower it", ceiling.Words, startupFailures, startupPeriodSeconds)
		return
	}
	fix := &rule.Fix{
		Title:         "give the start more CPU, or more time with the startupProbe below; either is enough",
		Caution:       fmt.Sprintf("%s is a first step and no measurement: a middling start takes %s of CPU. The request stays as it is, so no other node is needed; a quota on limits.cpu counts it", raised, rule.Seconds(knowledge.StartCPU)),
		Applicability: rule.NeedsThought,
		Patch:         setting.ReplaceValue(limit.String(), raised),
	}
	if direct {
		fix.Command = p.SetResources(setting.Object, c.Name, "", "cpu="+raised)
	} else {
		fix.Command = p.PatchCommand(setting.Object, fix.Patch)
	}
	text, err := yaml.Marshal(map[string]any{"startupProbe": rule.Plain(startupOf(c.LivenessProbe))})
	if err == nil {
		fix.YAML = fmt.Sprintf("# or, beside livenessProbe: up to %d minutes to start, and liveness as strict as it is\n%s", startupFailures*startupPeriodSeconds/60, strings.TrimSpace(string(text)))
	}
	f.Fix = fix
}
