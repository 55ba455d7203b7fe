package reliability

import (
	"fmt"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// hastyPause is the pause that a healthy process may well make: a collection of garbage, a throttled quota
// of CPU, a slow disk.
const hastyPause = 5 * time.Second

// LivenessHasty finds liveness probes that a short pause fails for good.
var LivenessHasty = rule.Check{
	ID: "liveness-hasty", Title: "liveness kills over a short pause", Doc: rule.ReadDoc(docs, "liveness_hasty.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Workloads,
	Applies: SlowStart.Applies,
	Run: func(p *rule.Pass) {
		for _, c := range apps(p) {
			if c.LivenessProbe == nil {
				continue
			}
			t := knowledge.TimingOf(c.LivenessProbe)
			// A pause that begins just before a probe comes fails this probe and all those while it lasts.
			pause := time.Duration(t.Failures-1)*t.Period + t.Timeout
			if pause >= hastyPause {
				continue
			}
			probe := c.Path.Child("livenessProbe")
			f := rule.Finding{
				Seen: p.Object.In(c.Name), Field: probe,
				Message: fmt.Sprintf("container %q: a pause of %s is enough for liveness to restart it: %d x %s, with a timeout of %s",
					c.Name, rule.Seconds(pause), t.Failures, rule.Seconds(t.Period), rule.Seconds(t.Timeout)),
				Label: "restarts it after a pause of " + rule.Seconds(pause),
			}
			if t.Failures == 1 {
				f.Severity = rule.Medium
				f.Field, f.Value = probe.Child("failureThreshold"), "1"
				f.Message = fmt.Sprintf("container %q: a single answer that takes longer than %s is enough for liveness to restart it", c.Name, rule.Seconds(t.Timeout))
				f.Label = "the first miss counts"
			}
			const failures = 3
			patch := p.Put(probe.Child("failureThreshold"), int64(failures))
			caution := fmt.Sprintf("a process that does hang is then restarted after %s instead of %s", rule.Seconds((failures-1)*t.Period+t.Timeout), rule.Seconds(pause))
			if (failures-1)*t.Period+t.Timeout < hastyPause {
				patch = rule.PutAllIn(p.Object, rule.Value{Path: probe.Child("failureThreshold"), Value: int64(failures)}, rule.Value{Path: probe.Child("periodSeconds"), Value: int64(10)})
				caution = "3 x 10s is the default of Kubernetes: a process that does hang is restarted after half a minute"
			}
			p.Report(f).WithFix(rule.Fix{
				Title: "restart only what does not answer for a while", Caution: caution,
				Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
			})
		}
	},
}
