package controllers

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// timetable is when a CronJob is to run.
type timetable struct {
	*batchv1.CronJob
	schedule *knowledge.Schedule // nil where it cannot be read: err says why
	err      error
	zone     *time.Location // nil where there is no time zone of that name
}

// timetableOf is the CronJob of the Pass; nil where it is suspended or being deleted.
func timetableOf(p *rule.Pass) *timetable {
	c, ok := p.Object.Typed.(*batchv1.CronJob)
	if !ok || c.DeletionTimestamp != nil || c.Spec.Suspend != nil && *c.Spec.Suspend {
		return nil
	}
	t := &timetable{CronJob: c, zone: time.UTC}
	t.schedule, t.err = knowledge.ParseSchedule(c.Spec.Schedule)
	if name := c.Spec.TimeZone; name != nil {
		t.zone = knowledge.Zone(*name)
	}
	return t
}

// next is the first time of the schedule after from; zero where there is none or it cannot be told.
func (t *timetable) next(from time.Time) time.Time {
	if t.schedule == nil || t.zone == nil {
		return time.Time{}
	}
	return t.schedule.Next(from.In(t.zone))
}

// last is when it last started a run, or was made.
func (t *timetable) last() time.Time {
	if t.Status.LastScheduleTime != nil {
		return t.Status.LastScheduleTime.Time
	}
	return t.CreationTimestamp.Time
}

// manyMissed is where counting stops. The controller calls more than this too many.
// Source: kubernetes pkg/controller/cronjob/utils.go, mostRecentScheduleTime.
const manyMissed = 100

// missed counts the times that have passed since the last run, and tells the first of them.
func (t *timetable) missed(now time.Time) (n int, first time.Time) {
	if first = t.next(t.last()); first.IsZero() {
		return 0, first
	}
	return t.schedule.Passed(t.last().In(t.zone), now, manyMissed+1), first
}

// count words a number of missed runs.
func (t *timetable) count(n int) string {
	if n > manyMissed {
		return fmt.Sprintf("more than %d runs", manyMissed)
	}
	return rule.Count(n, "run")
}

// history words when it last ran, and when it will next: " (last run 3h ago, the next in 20m)".
func (t *timetable) history(now time.Time) string {
	text := " (never ran"
	if t.Status.LastScheduleTime != nil {
		text = fmt.Sprintf(" (last run %s ago", rule.Human(now.Sub(t.Status.LastScheduleTime.Time)))
	}
	if next := t.next(now); !next.IsZero() {
		text += fmt.Sprintf(", the next in %s", rule.Human(next.Sub(now)))
	}
	return text + ")"
}

// cronEvidence is the newest event of the CronJob with the reason, and what is known of its last run.
func cronEvidence(p *rule.Pass, t *timetable, reason string) (evidence []rule.Evidence, said bool) {
	if e := p.Event(p.Object, reason); e != nil {
		evidence, said = append(evidence, rule.EventEvidence(e)), true
	}
	text, at := "lastScheduleTime: never", time.Time{}
	if last := t.Status.LastScheduleTime; last != nil {
		text, at = "lastScheduleTime: "+last.UTC().Format(time.RFC3339), last.Time
	}
	return append(evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.lastScheduleTime", Time: at, Text: text}), said
}
