package reliability

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// rare is the time between runs from which on nobody lets two of them meet without noticing.
const rare = 7 * 24 * time.Hour

// CronJobConcurrency finds CronJobs whose runs may pile up.
var CronJobConcurrency = rule.Check{
	ID: "cronjob-concurrency", Title: "runs of a CronJob may pile up", Doc: rule.ReadDoc(docs, "cronjob_concurrency.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Kinds(snapshot.CronJobKind),
	Applies: func(p *rule.Pass) bool {
		cron, ok := p.Object.Typed.(*batchv1.CronJob)
		return ok && !suspended(cron.Spec.Suspend)
	},
	Run: func(p *rule.Pass) {
		cron, ok := p.Object.Typed.(*batchv1.CronJob)
		if !ok || concurrency(cron) != batchv1.AllowConcurrent {
			return
		}
		gap, deadline := interval(p, cron), deadlineOf(&cron.Spec.JobTemplate.Spec)
		if gap == 0 || gap >= rare || deadline > 0 && deadline <= gap {
			return
		}
		path := field.NewPath("spec", "concurrencyPolicy")
		f := rule.Finding{
			Field: path, Value: string(cron.Spec.ConcurrencyPolicy), Label: "a slow run does not hold the next one back",
			Message: fmt.Sprintf("starts a run every %s and lets them overlap, and no activeDeadlineSeconds ends one that hangs: they pile up", rule.Human(gap)),
			Marks:   []rule.Mark{{Field: field.NewPath("spec", "schedule"), Label: "every " + rule.Human(gap)}},
		}
		if deadline > 0 {
			f.Message = fmt.Sprintf("starts a run every %s and lets them overlap, and a run may take %s: %d of them at a time",
				rule.Human(gap), rule.Human(deadline), int((deadline+gap-1)/gap))
		}
		if cron.Spec.ConcurrencyPolicy == "" {
			f.Message += " (concurrencyPolicy is not set, and Allow by default)"
		}
		if gap >= 24*time.Hour { // somebody sees it before there are many
			f.Severity = rule.Info
		}
		patch := p.Put(path, string(batchv1.ForbidConcurrent))
		p.Report(f).WithFix(rule.Fix{
			Title:         "start no run while one is under way",
			Caution:       "a run that hangs then blocks all later ones: set activeDeadlineSeconds too; where runs may overlap, that alone is enough",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		})
	},
	Peers: map[string][]string{"clusterlint": {"cronjob-concurrency"}},
}

func suspended(suspend *bool) bool { return suspend != nil && *suspend }
