package exits

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RestartAfterLongRun tells of containers that ended once, after or before a long life, and run now.
var RestartAfterLongRun = rule.Cause{
	ID: "restart-after-long-run", Title: "ended once, and runs again", Doc: rule.ReadDoc(docs, "restart_after_long_run.md"),
	Peers: map[string][]string{"popeye": {"POP-205"}},
	Stage: rule.StageHistory, On: rule.Pods, History: true,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return p.DeathLogs(func(c snapshot.Container) bool { return recovered(p, c) != nil })
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if d := recovered(p, c); d != nil {
				reportRecovered(p, c, d)
			}
		}
	},
}

// recovered is the last death of a container that has run well since.
func recovered(p *rule.Pass, c snapshot.Container) *rule.Death {
	d := p.LastDeath(c)
	if d == nil || c.Init || !d.Over || c.Status.State.Running == nil || takenAway(p) {
		return nil
	}
	return d
}

func reportRecovered(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	container := p.ContainerSetting(c)
	how := fmt.Sprintf("exit %d", d.ExitCode)
	if d.Reason != "" && d.Reason != "Error" {
		how = d.Reason + ", " + how
	}
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		NoField:   "it runs; nothing has to be changed for that",
		Message:   fmt.Sprintf("ended %s ago, after %s (%s)%s", rule.Human(p.Age(d.FinishedAt.Time)), rule.Human(d.Ran()), how, said(p, c, d)),
		Evidence:  append([]rule.Evidence{p.DeathEvidence(c, d)}, lastWords(p, c, d, 1)...),
		Certainty: rule.Certain,
	}
	if d.Restarts > 1 {
		f.Message += fmt.Sprintf(", %s in all", rule.Count(int(d.Restarts), "restart"))
	}
	if d.Ran() >= rule.LongRun {
		f.RuledOut = append(f.RuledOut, "a crash loop: the life that ended was longer than the 10 minutes after which the kubelet forgets a restart")
	}
	f.Fix = readLog(p, c, "nothing at once; if it comes again, its last words say why")
	p.Report(f)
}
