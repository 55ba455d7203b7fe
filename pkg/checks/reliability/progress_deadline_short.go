package reliability

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// defaultProgressDeadline is progressDeadlineSeconds where a Deployment sets none.
// Source: the defaults of apps/v1.
const defaultProgressDeadline = 600 * time.Second

// ProgressDeadlineShort finds Deployments whose rollouts are called failed before a pod can be available.
var ProgressDeadlineShort = rule.Check{
	ID: "progress-deadline-short", Title: "rollouts are called failed while pods still start", Doc: rule.ReadDoc(docs, "progress_deadline_short.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.DeploymentKind),
	Applies: func(p *rule.Pass) bool { return p.Object.Typed != nil && len(p.Object.Templates) > 0 },
	Run: func(p *rule.Pass) {
		d, ok := p.Object.Typed.(*appsv1.Deployment)
		if !ok {
			return
		}
		spec := field.NewPath("spec")
		at := spec.Child("progressDeadlineSeconds")
		deadline, words := defaultProgressDeadline, "progressDeadlineSeconds is 600 by default"
		f := rule.Finding{Field: at}
		if n := d.Spec.ProgressDeadlineSeconds; n != nil {
			deadline, words, f.Value = time.Duration(*n)*time.Second, fmt.Sprintf("progressDeadlineSeconds is %d", *n), fmt.Sprint(*n)
		}
		stays := time.Duration(d.Spec.MinReadySeconds) * time.Second
		ready, patience, slowest := startTimes(p.Object.Templates[0])
		switch {
		case deadline <= stays:
			f.Severity = rule.High
			f.Message = fmt.Sprintf("%s, and minReadySeconds %d is not below it: the API refuses it", words, d.Spec.MinReadySeconds)
			f.Label = "must be more than minReadySeconds"
		case deadline <= ready+stays:
			f.Message = fmt.Sprintf("%s, and no pod can be available before %s: every rollout is called failed", words, rule.Human(ready+stays))
			f.Label = "is over before the first pod can be available"
		case deadline < patience+stays:
			f.Severity = rule.Low
			f.Message = fmt.Sprintf("%s, and the startupProbe of container %q allows %s: a slow start is called a failed rollout while it goes on", words, slowest, rule.Human(patience))
			f.Label = "is over before the startupProbe gives up"
		default:
			return
		}
		const room = 60 * time.Second
		wants := int64((max(ready, patience) + stays + room) / time.Second)
		patch := p.Put(at, wants)
		p.Report(f).WithFix(rule.Fix{
			Title:         fmt.Sprintf("allow %ds: what a start may take, and a minute for the image and a place on a node", wants),
			Caution:       "a rollout that does fail is noticed later; pulling a large image, or adding a node, may take more than that minute",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		})
	},
}

// startTimes are how soon a pod of the template can be ready at the earliest, and how long its most patient
// startup probe waits.
func startTimes(t snapshot.Template) (ready, patience time.Duration, slowest string) {
	for _, c := range t.Containers() {
		if c.Init {
			continue
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe} {
			if probe == nil {
				continue
			}
			timing := knowledge.TimingOf(probe)
			passes := max(1, time.Duration(probe.SuccessThreshold)) // in a row
			ready = max(ready, timing.InitialDelay+(passes-1)*timing.Period)
		}
		if c.StartupProbe != nil {
			if least, _ := knowledge.TimingOf(c.StartupProbe).Budget(); least > patience {
				patience, slowest = least, c.Name
			}
		}
	}
	return ready, patience, slowest
}
