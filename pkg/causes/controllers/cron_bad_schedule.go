package controllers

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CronBadSchedule finds CronJobs whose schedule or time zone cannot be read, or never comes.
var CronBadSchedule = rule.Cause{
	ID: "cron-bad-schedule", Title: "the schedule never comes", Doc: rule.ReadDoc(docs, "cron_bad_schedule.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.CronJobKind),
	Run: func(p *rule.Pass) {
		t := timetableOf(p)
		if t == nil {
			return
		}
		path := field.NewPath("spec", "schedule")
		f := rule.Finding{
			Field: path, Value: t.Spec.Schedule, Certainty: rule.Likely,
			Fix: &rule.Fix{Title: "write a schedule that comes: minute, hour, day of the month, month, day of the week", Applicability: rule.Placeholders},
		}
		f.Fix.Patch = (rule.Setting{Object: p.Object.Ref, Path: path}).ReplaceValue(t.Spec.Schedule, "<SCHEDULE>")
		says := func(reasons ...string) bool {
			for _, r := range reasons {
				if e := p.Event(p.Object, r); e != nil {
					f.Evidence, f.Certainty = append(f.Evidence, rule.EventEvidence(e)), rule.Certain
					return true
				}
			}
			return false
		}
		switch {
		case t.err != nil:
			says("UnparseableSchedule", "UnParseableCronJobSchedule", "InvalidSchedule")
			f.Message = fmt.Sprintf("the schedule %q cannot be read: %v; so no run ever starts", t.Spec.Schedule, t.err)
			f.Label = t.err.Error()
		case t.zone == nil && says("UnknownTimeZone"):
			f.Field, f.Value = field.NewPath("spec", "timeZone"), *t.Spec.TimeZone
			f.Message = fmt.Sprintf("there is no time zone %q, so no run ever starts", *t.Spec.TimeZone)
			f.Label = "not in the time zone database: names look like Europe/Berlin or Etc/UTC"
			f.Fix.Title = "name a time zone of the IANA database, or leave it out: the controller's own, usually UTC, then counts"
			f.Fix.Patch = (rule.Setting{Object: p.Object.Ref, Path: f.Field}).ReplaceValue(*t.Spec.TimeZone, "<TIME_ZONE>")
		case t.zone != nil && t.next(p.Now).IsZero():
			says("InvalidSchedule")
			f.Message = fmt.Sprintf("the schedule %q never comes: no month that it names has that day; so no run ever starts", t.Spec.Schedule)
			f.Label = "no such day in the next five years"
			f.Fix.Title = "name a day that the month has; a cron schedule cannot say the last day of a month"
		default:
			return
		}
		if len(f.Evidence) == 0 {
			f.Evidence = []rule.Evidence{{Source: rule.FromSpec, Object: p.Object.Ref, Field: f.Field.String(), Text: f.Field.String() + ": " + f.Value}}
		}
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
		p.Report(f)
	},
}
