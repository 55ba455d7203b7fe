package exits

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AppExit finds containers that ended with an error, where nothing more is known.
var AppExit = rule.Cause{
	ID: "app-exit", Title: "the program ends with an error", Doc: rule.ReadDoc(docs, "app_exit.md"),
	Stage: rule.StageExit, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return logsOfFailed(p, func(c snapshot.Container, _ *rule.Death) bool { return !c.Init })
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d := failed(p, c)
			if d == nil || c.Init || d.Over || killed(p, c, d) != nil || perhapsKilled(p, c, d) {
				continue
			}
			if neverStarted(d) {
				reportNeverStarted(p, c, d)
				continue
			}
			reportExit(p, c, d)
		}
	},
}

func reportExit(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		NoField:   "the program decides with what it exits, and no setting is known to make it",
		Message:   exits(d) + d.Lived() + said(p, c, d),
		Evidence:  append([]rule.Evidence{p.DeathEvidence(c, d)}, lastWords(p, c, d, 2)...),
		Certainty: rule.Certain,
		History:   past(p, d),
		Fix:       readLog(p, c, "read the whole log of the life that ended"),
	}
	if signal, sent := knowledge.SentSignal(d.ExitCode); sent { // a program may exit so by itself, as a shell does for its child
		f.Certainty = rule.Likely
		f.NoField = fmt.Sprintf("who sent %s is not written down, nor whether the program exits so by itself, as a shell does for its child", signal)
		if limit, ok := c.Resources.Limits[corev1.ResourceMemory]; ok && d.ExitCode == 137 {
			f.NoField += fmt.Sprintf("; its memory limit of %s is not excluded", limit.String())
		}
	}
	if crashSignals[d.ExitCode] {
		f.NoField = "its native code crashed: no setting is known to make it"
		f.Fix.Title = "what changed last in the image, its libraries or the kind of node is the first suspect; a core dump shows where"
	}
	f.Evidence = append(f.Evidence, ownRestartPolicy(p, c, d)...)
	f.RuledOut = append(f.RuledOut, notMemory(d)...)
	if len(lastWords(p, c, d, 1)) == 0 {
		if out, asked := p.Outcome(p.DeathLog(c)); asked && out.State != snapshot.Blind {
			f.Message += ", and its log is empty"
			f.Fix.Title = "have the program say why it ends: its log is empty"
		}
	}
	p.Report(f)
}

// crashSignals are the exit codes of programs that did what the processor or the C library does not let
// anybody do: 128 plus SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV.
var crashSignals = map[int32]bool{132: true, 134: true, 135: true, 136: true, 139: true}

// runtimeWords cuts from what the runtime says all that it says of itself.
var runtimeWords = regexp.MustCompile(`unable to start container process: (?:error during container init: )?`)

func reportNeverStarted(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	container := p.ContainerSetting(c)
	text := strings.TrimSuffix(d.Message, ": unknown")
	if at := runtimeWords.FindStringIndex(text); at != nil {
		text = text[at[1]:]
	}
	p.Report(rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		NoField:   "the runtime names no setting",
		Message:   "cannot be started" + d.Lived() + ": " + rule.Quote(text),
		Evidence:  []rule.Evidence{p.DeathEvidence(c, d)},
		RuledOut:  []string{"the program itself: not one instruction of it ran"},
		Certainty: rule.Certain,
		History:   past(p, d),
	})
}
