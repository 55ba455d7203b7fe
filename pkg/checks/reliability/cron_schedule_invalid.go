package reliability

import (
	"fmt"
	"strings"

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
		schedule, refused := zoned(p, cron, path)
		if refused {
			return
		}
		times, err := knowledge.ParseSchedule(schedule)
		why := ""
		if err != nil {
			why, _, _ = strings.Cut(err.Error(), ": strconv.") // who wrote H for a number need not read Go
		}
		fix := rule.Fix{Title: "write a schedule that comes: minute, hour, day of the month, month, day of the week", Applicability: rule.NeedsThought}
		switch {
		case err != nil:
			p.Report(rule.Finding{
				Field: path, Value: cron.Spec.Schedule, Label: why,
				Message: fmt.Sprintf("schedule %q cannot be read: %s", cron.Spec.Schedule, why),
			}).WithFix(fix)
		case times.Next(p.Now).IsZero():
			p.Report(rule.Finding{
				Field: path, Value: cron.Spec.Schedule, Label: "no such day in the next five years",
				Message: fmt.Sprintf("schedule %q never comes: no month that it names has that day", cron.Spec.Schedule),
			}).WithFix(fix)
		}
	},
}

// zoned reports a schedule that starts with a time zone of its own, which the API refuses in a CronJob that is
// new; one that is there already goes on. It returns the schedule without it.
func zoned(p *rule.Pass, cron *batchv1.CronJob, path *field.Path) (schedule string, refused bool) {
	schedule = cron.Spec.Schedule
	word, rest, _ := strings.Cut(schedule, " ")
	_, zone, found := strings.Cut(word, "TZ=")
	if !found || !strings.HasPrefix(word, "TZ=") && !strings.HasPrefix(word, "CRON_TZ=") {
		return schedule, false
	}
	f := rule.Finding{
		Field: path, Value: schedule, Label: "a time zone belongs into timeZone",
		Message: fmt.Sprintf("schedule %q names a time zone: the API refuses that in a new CronJob", schedule),
	}
	if p.Object.Origin == nil {
		f.Severity = rule.Low
		f.Message = fmt.Sprintf("schedule %q names a time zone: the API refuses that in a new CronJob, so this one could not be made again", schedule)
	}
	fix := rule.Fix{Title: "move the time zone into timeZone", Applicability: rule.NeedsThought, Caution: "the runs then start at the times that the schedule means, also where it was ignored so far"}
	if cron.Spec.TimeZone == nil && knowledge.Zone(zone) != nil {
		fix.Patch = p.Put(path, strings.TrimSpace(rest)).And(p.Put(field.NewPath("spec", "timeZone"), zone))
		fix.Command = p.Live(fix.Patch)
	}
	p.Report(f).WithFix(fix)
	return strings.TrimSpace(rest), p.Object.Origin != nil
}
