package reliability

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// JobNoDeadline finds runs that may hang for ever: of a CronJob that forbids a second run, none follows.
var JobNoDeadline = rule.Check{
	ID: "job-no-deadline", Title: "a run that hangs is never ended", Doc: rule.ReadDoc(docs, "job_no_deadline.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Kinds(snapshot.CronJobKind, snapshot.JobKind),
	Applies: func(p *rule.Pass) bool {
		spec, _ := jobSpec(p.Object)
		if spec == nil || !ownJob(p.Object) {
			return false
		}
		// Allow lets runs pile up, which is cronjob-concurrency's to say; Replace ends what hangs.
		cron, ok := p.Object.Typed.(*batchv1.CronJob)
		return !ok || concurrency(cron) == batchv1.ForbidConcurrent
	},
	Run: func(p *rule.Pass) {
		spec, path := jobSpec(p.Object)
		if deadlineOf(spec) > 0 {
			return
		}
		if job, ok := p.Object.Typed.(*batchv1.Job); ok {
			if _, end := ended(job); end != "" {
				return
			}
		}
		at := path.Child("activeDeadlineSeconds")
		f := rule.Finding{Field: at, Severity: rule.Info, Label: "no activeDeadlineSeconds here", Message: "no activeDeadlineSeconds: a run that hangs is never ended, and nothing reports it"}
		if _, ok := p.Object.Typed.(*batchv1.CronJob); ok {
			f.Severity = rule.Low
			f.Message = "a run that hangs blocks all later ones: concurrencyPolicy is Forbid, and no activeDeadlineSeconds ends it"
		}
		patch := p.Put(at, "<SECONDS>")
		p.Report(f).WithFix(rule.Fix{
			Title:         "end a run that takes several times as long as it should",
			Caution:       "what is ended fails, with all its pods, and is not retried",
			Applicability: rule.Placeholders, Patch: patch, Command: liveNumber(p, patch, "<SECONDS>"),
			YAML: fmt.Sprintf("%s: <SECONDS>\n", last(at)),
		})
	},
}
