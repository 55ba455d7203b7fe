package exits

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// InitFailing finds init containers that end with an error and so keep the others from starting.
var InitFailing = rule.Cause{
	ID: "init-failing", Title: "an init container fails", Doc: rule.ReadDoc(docs, "init_failing.md"),
	Stage: rule.StageInit, Beats: []string{"app-exit", "init-blocking"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return logsOfFailed(p, func(c snapshot.Container, _ *rule.Death) bool { return c.Init })
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d := failed(p, c)
			if d == nil || !c.Init || killed(p, c, d) != nil {
				continue
			}
			setting := programSetting(p, c)
			f := rule.Finding{
				Object:    setting.Object,
				Seen:      p.Object.In(c.Name),
				Field:     setting.Path,
				Message:   fmt.Sprintf("init container %s%s%s", exits(d), d.Lived(), said(p, c, d)),
				Label:     "what the init container runs",
				Evidence:  append([]rule.Evidence{p.DeathEvidence(c, d)}, lastWords(p, c, d, 2)...),
				RuledOut:  notMemory(d),
				Certainty: rule.Certain,
				History:   past(p, d),
				Fix:       readLog(p, c, "mend what it does: the pod starts as soon as it exits 0"),
			}
			if neverStarted(d) {
				f.Message = "init container cannot be started" + d.Lived() + ": " + shortened(d.Message)
				f.RuledOut = []string{"the program itself: not one instruction of it ran"}
				f.Fix = nil
			}
			if others := waiting(p, c); others != "" {
				f.Label = others + " must wait until this exits 0"
			}
			p.Report(f)
		}
	},
}
