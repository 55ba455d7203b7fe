package reliability

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// jobSpec is the spec of a Job, or that of the Jobs of a CronJob; nil for other kinds.
func jobSpec(o *snapshot.Object) (*batchv1.JobSpec, *field.Path) {
	switch t := o.Typed.(type) {
	case *batchv1.Job:
		return &t.Spec, field.NewPath("spec")
	case *batchv1.CronJob:
		return &t.Spec.JobTemplate.Spec, field.NewPath("spec", "jobTemplate", "spec")
	}
	return nil, nil
}

// ownJob tells whether somebody wrote the Job himself: no controller made it, it is no hook that its tool
// clears away, and no queue decides when it runs.
func ownJob(o *snapshot.Object) bool {
	if _, owned := o.OwnerRef(); owned {
		return false
	}
	for _, key := range []string{"helm.sh/hook", "argocd.argoproj.io/hook"} {
		if _, ok := o.Meta.GetAnnotations()[key]; ok {
			return false
		}
	}
	return !queued(o)
}

// queued tells whether Kueue or another controller decides when a Job runs.
func queued(o *snapshot.Object) bool {
	if _, ok := o.Meta.GetLabels()["kueue.x-k8s.io/queue-name"]; ok {
		return true
	}
	spec, _ := jobSpec(o)
	return spec != nil && spec.ManagedBy != nil && *spec.ManagedBy != batchv1.JobControllerName
}

// deadlineOf is the time after which a run, or a pod of it, is ended; 0 for none.
func deadlineOf(spec *batchv1.JobSpec) time.Duration {
	least := time.Duration(0)
	for _, n := range []*int64{spec.ActiveDeadlineSeconds, spec.Template.Spec.ActiveDeadlineSeconds} {
		if n != nil && *n > 0 && (least == 0 || time.Duration(*n)*time.Second < least) {
			least = time.Duration(*n) * time.Second
		}
	}
	return least
}

// concurrency is the concurrencyPolicy of a CronJob with its default.
func concurrency(cron *batchv1.CronJob) batchv1.ConcurrencyPolicy {
	if cron.Spec.ConcurrencyPolicy == "" {
		return batchv1.AllowConcurrent
	}
	return cron.Spec.ConcurrencyPolicy
}

// looked is over how many runs a schedule is looked at: from Friday evening to Monday morning the gaps differ.
const looked = 10

// interval is the shortest time between two of the next runs of a schedule; 0 where there are none.
func interval(p *rule.Pass, cron *batchv1.CronJob) time.Duration {
	times, err := knowledge.ParseSchedule(cron.Spec.Schedule)
	if err != nil {
		return 0
	}
	least := time.Duration(0)
	at := times.Next(p.Now)
	for range looked {
		next := times.Next(at)
		if at.IsZero() || next.IsZero() {
			break
		}
		if gap := next.Sub(at); least == 0 || gap < least {
			least = gap
		}
		at = next
	}
	return least
}

// ended tells when and how a Job came to its end; "" for one that did not.
func ended(job *batchv1.Job) (at metav1.Time, how string) {
	for _, c := range job.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			return c.LastTransitionTime, "done"
		case batchv1.JobFailed:
			return c.LastTransitionTime, "failed"
		}
	}
	return metav1.Time{}, ""
}
