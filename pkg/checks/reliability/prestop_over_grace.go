package reliability

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PreStopOverGrace finds preStop hooks that use up the time in which the program was to stop.
var PreStopOverGrace = rule.Check{
	ID: "prestop-over-grace", Title: "the preStop hook uses up the time to stop", Doc: rule.ReadDoc(docs, "prestop_over_grace.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
					return true
				}
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			grace := knowledge.GracePeriod(t.Spec, nil)
			if grace == 0 { // which grace-zero reports: no hook runs then
				continue
			}
			for _, c := range t.Containers() {
				sleeps, at := preStopSleep(c)
				if sleeps < grace {
					continue
				}
				judgeSleep(p, t, c, at, sleeps, grace)
			}
		}
	},
}

func judgeSleep(p *rule.Pass, t snapshot.Template, c snapshot.Container, at *field.Path, sleeps, grace time.Duration) {
	limit := t.SpecPath().Child("terminationGracePeriodSeconds")
	words := fmt.Sprintf("terminationGracePeriodSeconds is %d", int(grace/time.Second))
	if t.Spec.TerminationGracePeriodSeconds == nil {
		words += " by default"
	}
	f := rule.Finding{
		Seen: p.Object.In(c.Name), Field: at, Label: "sleeps " + rule.Seconds(sleeps),
		Message: fmt.Sprintf("container %q: its preStop hook sleeps %s, and %s: the program is killed without time to stop", c.Name, rule.Seconds(sleeps), words),
	}
	if t.Spec.TerminationGracePeriodSeconds != nil {
		f.Marks = []rule.Mark{{Field: limit, Label: "counts from before the hook"}}
	}
	if v, ok := rule.ValueAt(p.Object, at); ok && c.Lifecycle.PreStop.Sleep != nil {
		f.Value = fmt.Sprint(v)
	}
	if c.Lifecycle.PreStop.Sleep != nil && sleeps > grace {
		f.Severity = rule.High
		f.Message = fmt.Sprintf("container %q: its preStop hook sleeps %s, and %s: the API refuses it", c.Name, rule.Seconds(sleeps), words)
	}
	wants := int64((sleeps + knowledge.DefaultGracePeriod) / time.Second)
	patch := p.Put(limit, wants)
	p.Report(f).WithFix(rule.Fix{
		Title:         fmt.Sprintf("allow %ds: the hook, and 30s for the program itself", wants),
		Caution:       "rollouts and drains wait that long for each pod; often the hook may sleep less, 5 to 10 seconds are what routes need to change",
		Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
	})
}

var sleepCall = knowledge.Regexp(`(?:^|[\s;&|("'/])sleep +(\d{1,6})(?:\.\d+)?([smh]?)(?:$|[\s;&|)"'])`)

// preStopSleep is how long a preStop hook sleeps at least, and where that is written. In a script with
// branches nobody can tell.
func preStopSleep(c snapshot.Container) (time.Duration, *field.Path) {
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return 0, nil
	}
	hook, path := c.Lifecycle.PreStop, c.Path.Child("lifecycle", "preStop")
	if hook.Sleep != nil {
		return time.Duration(hook.Sleep.Seconds) * time.Second, path.Child("sleep", "seconds")
	}
	return scriptSleep(hook.Exec), path.Child("exec", "command")
}

func scriptSleep(exec *corev1.ExecAction) time.Duration {
	if exec == nil {
		return 0
	}
	text := strings.Join(exec.Command, " ")
	for _, word := range []string{"if ", "while ", "until ", "for ", "case ", "||", "timeout ", "$("} {
		if strings.Contains(text, word) {
			return 0
		}
	}
	total := time.Duration(0)
	for text != "" {
		m := sleepCall.FindStringSubmatchIndex(text)
		if m == nil {
			break
		}
		n, err := strconv.Atoi(text[m[2]:m[3]])
		if err != nil {
			break
		}
		unit := map[string]time.Duration{"": time.Second, "s": time.Second, "m": time.Minute, "h": time.Hour}[text[m[4]:m[5]]]
		background := strings.HasPrefix(strings.TrimLeft(text[m[5]:], " "), "&") && !strings.HasPrefix(strings.TrimLeft(text[m[5]:], " "), "&&")
		if !background {
			total += time.Duration(n) * unit
		}
		text = text[m[5]:]
	}
	return total
}
