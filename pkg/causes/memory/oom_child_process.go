package memory

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OOMChildProcess finds containers in which the kernel killed a process that was not the first one.
var OOMChildProcess = rule.Cause{
	ID: "oom-child-process", Title: "a child process hits the memory limit", Doc: rule.ReadDoc(docs, "oom_child_process.md"),
	Stage: rule.StageExit, Beats: []string{"app-exit", "app-panic", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			if childKilled(p, c) != nil {
				wants = append(wants, p.DeathLog(c))
				if limit, has := either(p, c); has {
					wants = append(wants, p.WantCeilings(corev1.ResourceMemory, twice(limit))...)
					wants = append(wants, p.WantVariables(c)...)
				}
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if d := childKilled(p, c); d != nil {
				reportChild(p, c, d)
			}
		}
	},
}

// childKilled is the end of a container that the runtime marks OOMKilled although its first process was
// not killed: the mark is that of any process of the container, at any moment of its life.
func childKilled(p *rule.Pass, c snapshot.Container) *rule.Death {
	d := p.LastDeath(c)
	if d == nil || d.Reason != "OOMKilled" || d.ExitCode == 137 || p.Object.Pod().DeletionTimestamp != nil || p.Object.Pod().Status.Phase == corev1.PodSucceeded {
		return nil
	}
	return d
}

// workerWords are how programs say that one of their children was killed.
var workerWords = knowledge.Regexp(`(?i)perhaps out of memory|was sent SIGKILL|signal[: ]+(?:9\b|killed|SIGKILL)|exited on signal 9|terminated by SIGKILL|WorkerLostError|out of memory|worker .{0,60}(?:killed|died)|^Killed$`)

// childLines is how far from the end of a log such words may stand.
const childLines = 30

func reportChild(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	setting := p.ContainerSetting(c).Child("resources", "limits", "memory")
	limit, has := own(c)
	shown := limit.String()
	if !has {
		if limit, has = ofPod(p); has {
			setting = p.PodSpec().Child("resources", "limits", "memory")
			shown = limit.String() + " (the pod's)"
		}
	}
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: limit.String(),
		Label:     "the kernel kills the process of the container that holds most",
		Evidence:  []rule.Evidence{p.DeathEvidence(c, d)},
		Certainty: rule.Likely,
		History:   d.Over,
		Stage:     stage(c),
		RuledOut:  []string{fmt.Sprintf("its first process: that one ended with exit %d, and not by SIGKILL", d.ExitCode)},
	}
	what := "a process of it was killed for its memory"
	if has {
		what = fmt.Sprintf("a process of it was killed at its %s memory limit", shown)
	} else {
		f.Field, f.NoField, f.Value, f.Label = nil, "neither the container nor the pod has a memory limit: the node ran out, or the runtime's mark is of another life", "", ""
	}
	f.Message = fmt.Sprintf("%s, and then its first one ended with exit %d%s", what, d.ExitCode, d.Lived())
	lines := p.LogLines(c)
	lines = lines[max(0, len(lines)-childLines):]
	said := false
	for i := len(lines) - 1; i >= 0 && !said; i-- {
		if said = workerWords.MatchString(lines[i][:min(len(lines[i]), 1000)]); said {
			f.Evidence = append(f.Evidence, p.LogEvidence(c, lines[i]))
		}
	}
	if c.Init && d.ExitCode == 0 { // kubelet: isInitContainerFailed
		f.Message = fmt.Sprintf("%s, and so the kubelet takes the init container for failed although it ended with exit 0%s", what, d.Lived())
	} else if kill := p.ContainerEvent(c.Name, "Killing"); kill != nil && !snapshot.EventTime(kill).Before(d.StartedAt.Time) || d.ExitCode == 143 || d.ExitCode == 0 {
		f.Message = fmt.Sprintf("%s, which is not what ended it: it ended with exit %d%s", what, d.ExitCode, d.Lived())
		f.Stage, f.Severity = rule.StageCondition, rule.Medium
	} else if !said {
		f.Certainty = rule.Possible
		f.Message += "; did it end for that? its log does not say so"
	}
	childFix(p, c, &f, setting, limit, has)
	p.Report(f)
}

func childFix(p *rule.Pass, c snapshot.Container, f *rule.Finding, setting rule.Setting, limit resource.Quantity, has bool) {
	f.Fix = &rule.Fix{
		Title:         "have fewer children, or smaller ones; or a larger limit for all of them together",
		Applicability: rule.NeedsThought,
		Caution:       "all processes of the container count together: workers times what one holds",
	}
	if !has {
		return
	}
	g := rule.Growth{Container: c, Resource: corev1.ResourceMemory, From: limit, To: twice(limit)}
	_, direct := own(c)
	if !direct {
		g.Container = snapshot.Container{}
	}
	f.Fix.Caution += fmt.Sprintf("; %s is twice the present limit, a first step and no measurement", g.To.String())
	set := func(fix *rule.Fix, to string) {
		fix.Patch = p.Change(setting, limit.String(), to)
		fix.Command = p.PatchCommand(setting.Object, fix.Patch)
		if direct {
			fix.Command = p.SetResources(setting.Object, c.Name, "", "memory="+to)
		}
	}
	set(f.Fix, g.To.String())
	bound(p, f, g, set)
	shareOut(p, c, f, limit)
}
