package rule

import (
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// An hourly CronJob at 12:30, made at 8:00, whose run of 12:00 goes on.
func TestReplaced(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 1, 1, hour, minute, 0, 0, time.UTC) }
	none := int32(0)
	for name, c := range map[string]struct {
		change  func(*batchv1.CronJob)
		deleted time.Time // when the controller deleted a Job; zero where its events were not read
		read    bool
		want    int // runs that were replaced; 0 where none is known to be
	}{
		"deleted as the next started":  {deleted: at(12, 0), read: true, want: 3},
		"deleted at another time":      {deleted: at(11, 40), read: true},
		"suspended until a moment ago": {read: true},
		"events not read":              {want: 3},
		"failed runs are not kept":     {change: func(c *batchv1.CronJob) { c.Spec.FailedJobsHistoryLimit = &none }},
		"ended an hour ago":            {change: func(c *batchv1.CronJob) { c.Status.LastSuccessfulTime = &metav1.Time{Time: at(11, 10)} }, deleted: at(12, 0), read: true},
		"Allow":                        {change: func(c *batchv1.CronJob) { c.Spec.ConcurrencyPolicy = batchv1.AllowConcurrent }, deleted: at(12, 0), read: true},
	} {
		s := snapshot.New(at(12, 30))
		cron := &batchv1.CronJob{
			ObjectMeta: metav1.ObjectMeta{Name: "sync", Namespace: "a", UID: "1", CreationTimestamp: metav1.NewTime(at(8, 30))},
			Spec:       batchv1.CronJobSpec{Schedule: "0 * * * *", ConcurrencyPolicy: batchv1.ReplaceConcurrent},
			Status:     batchv1.CronJobStatus{Active: []corev1.ObjectReference{{Name: "sync-12"}}},
		}
		if c.change != nil {
			c.change(cron)
		}
		o, err := s.Add(batchv1.SchemeGroupVersion.WithKind("CronJob"), cron, nil)
		if err != nil {
			t.Fatal(err)
		}
		controller := true
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
			Name: "sync-12", Namespace: "a", CreationTimestamp: metav1.NewTime(at(12, 0)),
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "CronJob", Name: "sync", UID: "1", Controller: &controller}},
		}}
		if _, err := s.Add(batchv1.SchemeGroupVersion.WithKind("Job"), job, nil); err != nil {
			t.Fatal(err)
		}
		if c.read {
			s.SetOutcome(snapshot.WantEvents(o.Ref), snapshot.Outcome{State: snapshot.Present})
		} else {
			s.SetOutcome(snapshot.WantEvents(o.Ref), snapshot.Outcome{State: snapshot.Blind})
		}
		if !c.deleted.IsZero() {
			e := &corev1.Event{
				ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "a"}, Reason: "SuccessfulDelete", Message: "Deleted job sync-11", LastTimestamp: metav1.NewTime(c.deleted),
				InvolvedObject: corev1.ObjectReference{APIVersion: "batch/v1", Kind: "CronJob", Namespace: "a", Name: "sync", UID: "1"},
			}
			if _, err := s.Add(corev1.SchemeGroupVersion.WithKind("Event"), e, nil); err != nil {
				t.Fatal(err)
			}
		}
		got := 0
		if r := Replaced(s, o); r != nil {
			got = r.Count
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
