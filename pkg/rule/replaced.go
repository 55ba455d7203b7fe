package rule

import (
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ReplacedRuns are runs of a CronJob that the next run took the place of before they had ended.
type ReplacedRuns struct {
	Count int           // how many times of the schedule have passed since a run has ended, one for each replaced
	Since time.Time     // when a run last ended, or the CronJob was made
	Ever  bool          // a run has ended before
	Job   string        // the run that goes on
	Event *corev1.Event // the controller's word that it deleted the run before; nil when events are gone
}

// Replaced tells whether the runs of a CronJob with concurrencyPolicy Replace do not end any more, since each is
// deleted when the next one starts; nil where they do, or where that cannot be told.
func Replaced(s *snapshot.Snapshot, o *snapshot.Object) *ReplacedRuns {
	cron, ok := o.Typed.(*batchv1.CronJob)
	if !ok || cron.DeletionTimestamp != nil || cron.Spec.ConcurrencyPolicy != batchv1.ReplaceConcurrent || len(cron.Status.Active) == 0 ||
		cron.Spec.Suspend != nil && *cron.Spec.Suspend {
		return nil
	}
	schedule, err := knowledge.ParseSchedule(cron.Spec.Schedule)
	zone := time.UTC
	if name := cron.Spec.TimeZone; name != nil {
		zone = knowledge.Zone(*name)
	}
	if err != nil || zone == nil {
		return nil
	}
	r := &ReplacedRuns{Since: cron.CreationTimestamp.Time, Job: cron.Status.Active[0].Name}
	if last := cron.Status.LastSuccessfulTime; last != nil {
		r.Since, r.Ever = last.Time, true
	}
	var started time.Time
	for _, owned := range s.Owned(o) {
		job, ok := owned.Typed.(*batchv1.Job)
		if !ok {
			continue
		}
		if job.Name == r.Job {
			started = job.CreationTimestamp.Time
		}
		if c := JobEnded(job); c.Type != "" && c.LastTransitionTime.After(r.Since) {
			r.Since, r.Ever = c.LastTransitionTime.Time, true
		}
	}
	if started.IsZero() {
		return nil
	}
	const many = 100
	if r.Count = schedule.Passed(r.Since.In(zone), started.Add(knowledge.StopSlack), many) - 1; r.Count < 1 {
		return nil
	}
	for _, e := range s.EventsOf(o) { // a run that has ended is deleted when its time is over, and not when the next starts
		if gap := snapshot.EventTime(e).Sub(started); e.Reason == "SuccessfulDelete" && gap.Abs() <= 2*knowledge.StopSlack && !strings.HasSuffix(e.Message, " "+r.Job) {
			r.Event = e
		}
	}
	// Without that word a CronJob that was suspended, or whose failed runs are not kept, looks the same.
	removed := cron.Spec.JobTemplate.Spec.TTLSecondsAfterFinished != nil || cron.Spec.FailedJobsHistoryLimit != nil && *cron.Spec.FailedJobsHistoryLimit == 0
	if r.Event == nil && (r.Count < 2 || removed || NewPass(s, o, nil, nil, Sink{}).EventsCover(started)) {
		return nil
	}
	return r
}
