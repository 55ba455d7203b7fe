package reliability

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CronScheduleInvalid finds CronJobs that never run: their schedule or time zone cannot be read, or names a
// day that does not come.
var CronScheduleInvalid = rule.Check{
	ID: "cron-schedule-invalid", Title: "schedule by which no run ever starts", Doc: rule.ReadDoc(docs, "cron_schedule_invalid.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.CronJobKind),
	Run: func(p *rule.Pass) {
		cron, ok := p.Object.Typed.(*batchv1.CronJob)
		if !ok || cron.Spec.Schedule == "" { // which the API demands: schema-invalid
			return
		}
		path := field.NewPath("spec", "schedule")
		if zone := cron.Spec.TimeZone; zone != nil {
			if knowledge.Zone(*zone) == nil {
				p.Report(rule.Finding{
					Field: field.NewPath("spec", "timeZone"), Value: *zone, Label: "not in the time zone database",
					Message: fmt.Sprintf("there is no time zone %q: the API refuses it", *zone),
				}).WithFix(rule.Fix{Title: "name a time zone of the IANA database, such as Europe/Berlin or Etc/UTC", Applicability: rule.NeedsThought})
			}
		}
		times, err := knowledge.ParseSchedule(cron.Spec.Schedule)
		fix := rule.Fix{Title: "write a schedule that comes: minute, hour, day of the month, month, day of the week", Applicability: rule.NeedsThought}
		switch {
		case err != nil:
			p.Report(rule.Finding{
				Field: path, Value: cron.Spec.Schedule, Label: err.Error(),
				Message: fmt.Sprintf("schedule %q cannot be read: %v", cron.Spec.Schedule, err),
			}).WithFix(fix)
		case times.Next(p.Now).IsZero():
			p.Report(rule.Finding{
				Field: path, Value: cron.Spec.Schedule, Label: "no such day in the next five years",
				Message: fmt.Sprintf("schedule %q never comes: no month that it names has that day", cron.Spec.Schedule),
			}).WithFix(fix)
		}
	},
}
