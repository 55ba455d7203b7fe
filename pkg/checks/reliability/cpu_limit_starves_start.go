package reliability

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const (
	// starving is the CPU limit up to which a start is likely to be stretched.
	starving = knowledge.StarvingCPU
	// hasty is the budget below which a probe gives a stretched start no time.
	hasty = 30 * time.Second
	// leastCPU is the CPU limit, in millicores, below which the kubelet sets none: 1ms of every 100ms.
	// Source: MinQuotaPeriod in pkg/kubelet/cm/helpers_linux.go.
	leastCPU = 10
)

// CPULimitStarvesStart finds CPU limits that make a start longer than its probe allows.
var CPULimitStarvesStart = rule.Check{
	ID: "cpu-limit-starves-start", Title: "a small CPU limit against an impatient probe", Doc: rule.ReadDoc(docs, "cpu_limit_starves_start.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, c := range apps(p) {
			if _, _, ok := cpuLimit(c.template, c.Container); ok {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, c := range apps(p) {
			limit, path, ok := cpuLimit(c.template, c.Container)
			if !ok || limit.IsZero() || limit.MilliValue() > starving {
				continue
			}
			f := rule.Finding{Seen: p.Object.In(c.Name), Field: path, Value: limit.String(), Certainty: rule.Possible}
			java, milli := jvm(c.Container), max(leastCPU, limit.MilliValue())
			name, budget, killed := killBudget(c.Container)
			switch {
			case killed && budget < hasty:
				worth := time.Duration(milli) * budget / 1000
				f.Message = fmt.Sprintf("container %q: the %s CPU limit leaves its start %s of CPU time, then %s kills it, %s after the start",
					c.Name, limit.String(), tenths(worth), name, rule.Seconds(budget))
				f.Label = fmt.Sprintf("%s of every second; what needs 5s of CPU to start takes %s", share(milli), rule.Seconds(5*time.Second*1000/time.Duration(milli)))
				f.Marks = []rule.Mark{{Field: c.Path.Child(name), Label: "gives up after " + rule.Seconds(budget)}}
				if java == "" {
					f.Severity = rule.Low // what its start needs, nobody has measured
				} else {
					f.Message += "; it starts a JVM (" + java + ")"
					f.Certainty = rule.Likely
				}
			case java != "":
				f.Message = fmt.Sprintf("container %q: the %s CPU limit stretches the start of a JVM (%s), which compiles while it starts, by a factor of %d or more",
					c.Name, limit.String(), java, max(1, 1000/milli))
				f.Label = share(milli) + " of every second"
			default:
				continue
			}
			p.Report(f).WithFix(limitFix(p, c, limit, path))
		}
	},
}

// cpuLimit is the CPU limit that holds for a container: its own or else its pod's.
func cpuLimit(t snapshot.Template, c snapshot.Container) (resource.Quantity, *field.Path, bool) {
	if q, ok := c.Resources.Limits[corev1.ResourceCPU]; ok {
		return q, c.Path.Child("resources", "limits", "cpu"), true
	}
	if t.Spec.Resources != nil {
		if q, ok := t.Spec.Resources.Limits[corev1.ResourceCPU]; ok {
			return q, t.SpecPath().Child("resources", "limits", "cpu"), true
		}
	}
	return resource.Quantity{}, nil, false
}

// killBudget is how long a container may take to start until the first of its probes kills it.
func killBudget(c snapshot.Container) (probe string, budget time.Duration, ok bool) {
	switch {
	case c.StartupProbe != nil:
		budget, _ = knowledge.TimingOf(c.StartupProbe).Budget()
		return "startupProbe", budget, true
	case c.LivenessProbe != nil:
		budget, _ = knowledge.TimingOf(c.LivenessProbe).Budget()
		return "livenessProbe", budget, true
	}
	return "", 0, false
}

// tenths rounds a time to tenths of a second, and less than one to hundredths.
func tenths(d time.Duration) string {
	if d < time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// share words a CPU limit as the part of a second that a container may run.
func share(milli int64) string { return fmt.Sprintf("%dms", milli) }

// limitFix drops the limit and keeps what was asked for: without a request of its own a container
// asks for its limit, and would ask for nothing without it.
func limitFix(p *rule.Pass, c app, limit resource.Quantity, path *field.Path) rule.Fix {
	if _, own := c.Resources.Limits[corev1.ResourceCPU]; !own {
		return rule.Fix{
			Title:         "raise the pod's CPU limit, or leave CPU without a limit and set requests",
			Caution:       "how much the start needs only a measurement tells; all containers of the pod share this limit",
			Applicability: rule.NeedsThought,
		}
	}
	patch := p.Drop(path)
	if _, asked := c.Resources.Requests[corev1.ResourceCPU]; !asked {
		patch = p.Put(c.Path.Child("resources", "requests", "cpu"), limit.String()).And(patch)
	}
	return rule.Fix{
		Title:         "let the start use idle CPU: keep the request, drop the limit",
		Caution:       "where a quota or a policy wants limits, raise it instead, and give the start a startupProbe; a pod with equal requests and limits loses its Guaranteed class",
		Applicability: rule.NeedsThought,
		Patch:         patch,
		Command:       p.Live(patch),
	}
}
