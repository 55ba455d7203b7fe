package reliability

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CronJobSuspended finds CronJobs and Jobs that are switched off.
var CronJobSuspended = rule.Check{
	ID: "cronjob-suspended", Title: "suspended: no run starts", Doc: rule.ReadDoc(docs, "cronjob_suspended.md"),
	Dimension: rule.Reliability, Severity: rule.Info, On: rule.Kinds(snapshot.CronJobKind, snapshot.JobKind),
	Applies: func(p *rule.Pass) bool { return p.Object.Typed != nil && ownJob(p.Object) },
	Run: func(p *rule.Pass) {
		path := field.NewPath("spec", "suspend")
		f := rule.Finding{Field: path, Value: "true", Label: "no run starts"}
		caution := ""
		switch t := p.Object.Typed.(type) {
		case *batchv1.CronJob:
			if !suspended(t.Spec.Suspend) || backup(p.Object) { // of a backup that does not run backup-stale speaks
				return
			}
			f.Message = "suspended: no run starts"
			if last := t.Status.LastScheduleTime; last != nil {
				f.Message += fmt.Sprintf("; the last one started %s ago", rule.Human(p.Age(last.Time)))
			}
			caution = "the last run that was missed meanwhile starts at once"
			if n := t.Spec.StartingDeadlineSeconds; n != nil {
				caution = fmt.Sprintf("a run that was missed within the last %ds starts at once", *n)
			}
		case *batchv1.Job:
			if _, end := ended(t); end != "" || !suspended(t.Spec.Suspend) {
				return
			}
			f.Message = "suspended: it has no pods until somebody resumes it"
			caution = "it starts at once"
		default:
			return
		}
		patch := p.Put(path, false)
		p.Report(f).WithFix(rule.Fix{
			Title: "resume it, or delete what nobody needs any more", Caution: caution, Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		})
	},
	Peers: map[string][]string{"popeye": {"POP-1500"}},
}

// backup tells whether the runs of an object make backups.
func backup(o *snapshot.Object) bool {
	if knowledge.BackupName(o.Name) {
		return true
	}
	for _, t := range o.Templates {
		for _, c := range t.Containers() {
			if knowledge.BackupProgram(c.Image, slices.Concat(c.Command, c.Args)) != "" {
				return true
			}
		}
	}
	return false
}
