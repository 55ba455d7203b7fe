package security

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CronjobAny finds every CronJob that starts pods.
var CronjobAny = rule.Check{
	ID: "cronjob-any", Title: "a CronJob, whatever it does", Doc: rule.ReadDoc(docs, "cronjob_any.md"),
	Dimension: rule.Security, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.CronJobKind), Applies: notSystem,
	Run: func(p *rule.Pass) {
		job, ok := p.Object.Typed.(*batchv1.CronJob)
		if !ok || job.Spec.Suspend != nil && *job.Spec.Suspend {
			return
		}
		p.Report(rule.Finding{
			Field: field.NewPath("spec", "schedule"), Value: job.Spec.Schedule, Label: "starts pods from now on",
			Message: fmt.Sprintf("starts pods by the schedule %q until somebody deletes it: does anybody know why?", job.Spec.Schedule),
		}).WithFix(rule.Fix{
			Title: "delete it, or suspend it, where nobody can say what it is for", Applicability: rule.NeedsThought,
			Caution: "backups and renewals are CronJobs, and are missed only when they are needed",
		})
	},
	Peers: map[string][]string{"kubescape": {"rule-deny-cronjobs"}},
}
