package controllers

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// forbidden tells whether it waits for a run that goes on, as it is told to.
func forbidden(t *timetable) bool {
	return t.Spec.ConcurrencyPolicy == batchv1.ForbidConcurrent && len(t.Status.Active) > 0
}

// CronForbid finds CronJobs that start nothing since an earlier run has not ended.
var CronForbid = rule.Cause{
	ID: "cron-forbid", Title: "an earlier run has not ended, so none starts", Doc: rule.ReadDoc(docs, "cron_forbid.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.CronJobKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		t := timetableOf(p)
		if t == nil || !forbidden(t) {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.JobKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		t := timetableOf(p)
		if t == nil || !forbidden(t) {
			return
		}
		n, first := t.missed(p.Now)
		if n == 0 {
			return
		}
		active := snapshot.Ref{APIVersion: "batch/v1", Kind: "Job", Namespace: p.Object.Namespace, Name: t.Status.Active[0].Name}
		f := rule.Finding{
			Field: field.NewPath("spec", "concurrencyPolicy"), Value: string(t.Spec.ConcurrencyPolicy), Certainty: rule.Likely,
			Label:   "no run starts while another one goes on",
			Message: fmt.Sprintf("%s did not start since %s goes on%s", t.count(n), active.String(), t.history(p.Now)),
			Because: &active,
			Fix: &rule.Fix{
				Title:         fmt.Sprintf("see why %s does not end; the next run starts at its time after it has. activeDeadlineSeconds in the jobTemplate ends a run that hangs", active.String()),
				Caution:       "deleting it ends what it is doing",
				Applicability: rule.NeedsThought,
			},
		}
		evidence, said := cronEvidence(p, t, "JobAlreadyActive")
		if said {
			f.Certainty = rule.Certain
		}
		f.Evidence = evidence
		job, _ := p.Lookup(snapshot.JobKind, active.Namespace, active.Name)
		if job != nil {
			if typed, ok := job.Typed.(*batchv1.Job); ok {
				if rule.JobEnded(typed).Type != "" {
					return // the controller is about to see it
				}
				if start := typed.Status.StartTime; start != nil {
					f.Message = fmt.Sprintf("%s did not start since %s goes on, for %s now%s", t.count(n), active.String(), rule.Human(p.Age(start.Time)), t.history(p.Now))
					if start.After(first) {
						f.Message = fmt.Sprintf("%s did not start in time: %s goes on, for %s now%s", t.count(n), active.String(), rule.Human(p.Age(start.Time)), t.history(p.Now))
					}
				}
			}
			f.Fix.Command = []string{"delete", job.String()}
		}
		p.Report(f)
	},
}
