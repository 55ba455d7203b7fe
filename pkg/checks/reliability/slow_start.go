package reliability

import (
	"fmt"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

const (
	// slowDelay is the initial delay of a liveness probe from which on it says that the start is slow.
	slowDelay = 30 * time.Second
	// jvmStart is the time that a virtual machine may well need to start a framework on little CPU.
	jvmStart = 60 * time.Second
)

// SlowStart finds applications whose slow start is left to the patience of the liveness probe.
var SlowStart = rule.Check{
	ID: "slow-start-no-startup-probe", Title: "a slow start without a startupProbe", Doc: rule.ReadDoc(docs, "slow_start.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, c := range apps(p) {
			if c.LivenessProbe != nil {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, c := range apps(p) {
			if c.LivenessProbe == nil || c.StartupProbe != nil {
				continue
			}
			t := knowledge.TimingOf(c.LivenessProbe)
			least, _ := t.Budget()
			probe := c.Path.Child("livenessProbe")
			f := rule.Finding{Seen: p.Object.In(c.Name), Field: probe}
			if t.InitialDelay > 0 {
				f.Field, f.Value = probe.Child("initialDelaySeconds"), fmt.Sprint(c.LivenessProbe.InitialDelaySeconds)
			}
			java := jvm(c.Container)
			switch {
			case java != "" && least < jvmStart:
				f.Message = fmt.Sprintf("container %q starts a JVM (%s), and liveness kills it %s after the start: %s", c.Name, java, rule.Seconds(least), sum(t))
				f.Label = fmt.Sprintf("%s until the kill, and no startupProbe holds it back", rule.Seconds(least))
				f.Certainty = rule.Likely
			case t.InitialDelay >= slowDelay:
				f.Severity = rule.Low
				f.Message = fmt.Sprintf("container %q waits out its start with initialDelaySeconds %d: a hang goes unseen that long after every restart, and a start that takes longer than %s is killed",
					c.Name, c.LivenessProbe.InitialDelaySeconds, sum(t))
				f.Label = "waits, whether the application has started or not"
			default:
				continue
			}
			p.Report(f).WithFix(startupFix(p, c.Container))
		}
	},
}
