package reliability

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// scarceDeadline is the deadline below which Kubernetes' own documentation warns that runs may be missed.
const scarceDeadline = 10

// CronJobDeadline finds CronJobs that give a run too little time to start, or for ever.
var CronJobDeadline = rule.Check{
	ID: "cronjob-deadline", Title: "how late a run may start is not said, or too tight", Doc: rule.ReadDoc(docs, "cronjob_deadline.md"),
	Dimension: rule.Reliability, Severity: rule.Info, On: rule.Kinds(snapshot.CronJobKind),
	Applies: func(p *rule.Pass) bool {
		return p.Object.Typed != nil && !knowledge.SystemNamespace(p.Object.Namespace)
	},
	Run: func(p *rule.Pass) {
		cron, ok := p.Object.Typed.(*batchv1.CronJob)
		if !ok {
			return
		}
		path := field.NewPath("spec", "startingDeadlineSeconds")
		f := rule.Finding{Field: path}
		switch n := cron.Spec.StartingDeadlineSeconds; {
		case n == nil:
			f.Message = "no startingDeadlineSeconds: a run that was missed is started however late, after an outage or when a suspended CronJob is resumed"
			f.Label = "no startingDeadlineSeconds here"
		case *n >= scarceDeadline:
			return
		case *n == 0: // The controller looks a moment after the time has come.
			f.Severity, f.Value = rule.High, "0"
			f.Message = "startingDeadlineSeconds 0: every run is too late the moment it could start, so none ever does"
			f.Label = "no run starts within 0s"
		default:
			f.Severity, f.Value = rule.Medium, fmt.Sprint(*n)
			f.Message = fmt.Sprintf("startingDeadlineSeconds %d: a run is skipped where its controller is busy, or restarts, for %ds at that moment", *n, *n)
			f.Label = "shorter than a restart of the controller"
		}
		patch := p.Put(path, "<SECONDS>")
		p.Report(f).WithFix(rule.Fix{
			Title:         "say how late a run may start and still be of use",
			Caution:       "a backup may start hours late, a report for nine o'clock may not; below 10 runs may be missed",
			Applicability: rule.Placeholders, Patch: patch, Command: liveNumber(p, patch, "<SECONDS>"), YAML: "startingDeadlineSeconds: <SECONDS>\n",
		})
	},
	Peers: map[string][]string{"kube-score": {"cronjob-has-deadline"}},
}
