package controllers

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CronLastFailed finds CronJobs whose last run that ended has failed. Why is that run's own finding.
var CronLastFailed = rule.Cause{
	ID: "cron-last-failed", Title: "the last run failed", Doc: rule.ReadDoc(docs, "cron_last_failed.md"),
	Peers: map[string][]string{"popeye": {"POP-1502", "POP-1503"}},
	Stage: rule.StageController, On: rule.Kinds(snapshot.CronJobKind),
	Run: func(p *rule.Pass) {
		c, ok := p.Object.Typed.(*batchv1.CronJob)
		if !ok || c.DeletionTimestamp != nil {
			return
		}
		failed, last, how := 0, (*snapshot.Object)(nil), batchv1.JobCondition{}
		for _, o := range runs(p) {
			job, _ := o.Typed.(*batchv1.Job)
			end := rule.JobEnded(job)
			if end.Type == "" {
				continue
			}
			if end.Type == batchv1.JobComplete {
				break
			}
			failed++
			if last == nil {
				last, how = o, end
			}
		}
		if last == nil {
			return
		}
		t := &timetable{CronJob: c, zone: time.UTC}
		if live := timetableOf(p); live != nil {
			t = live
		}
		f := rule.Finding{
			NoField: "what made the run fail is its own finding", Certainty: rule.Certain, Because: &last.Ref,
			Message:  fmt.Sprintf("the last run failed: %s, %s%s", last.String(), how.Reason, t.history(p.Now)),
			Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: last.Ref, Field: "status.conditions[Failed]", Time: how.LastTransitionTime.Time, Text: how.Reason + ": " + how.Message}},
			Fix: &rule.Fix{
				Title:         "mend what made it fail, then start a run by hand to see",
				Caution:       "see that a second run may redo what the first has done",
				Applicability: rule.NeedsThought,
				Command:       []string{"create", "job", "--from=" + p.Object.String(), p.Object.Name + "-by-hand"},
			},
		}
		if failed > 1 {
			f.Message = fmt.Sprintf("the last %d runs failed: %s, %s%s", failed, last.String(), how.Reason, t.history(p.Now))
		}
		if ok := c.Status.LastSuccessfulTime; ok != nil {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.lastSuccessfulTime", Time: ok.Time, Text: "a run last ended well at " + ok.UTC().Format(time.RFC3339)})
		}
		p.Report(f)
	},
}

// runs are the Jobs that a CronJob started, newest first.
func runs(p *rule.Pass) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.Owned(p.Object) {
		if _, ok := o.Typed.(*batchv1.Job); ok {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b *snapshot.Object) int {
		return b.Meta.GetCreationTimestamp().Compare(a.Meta.GetCreationTimestamp().Time)
	})
	return list
}
