package reliability

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// JobTTL finds Jobs that stay for ever once they are done.
var JobTTL = rule.Check{
	ID: "job-ttl", Title: "Job that stays when it is done", Doc: rule.ReadDoc(docs, "job_ttl.md"),
	Dimension: rule.Maintenance, Severity: rule.Low, On: rule.Kinds(snapshot.JobKind),
	// A GitOps tool would make a Job that is gone again, and so run it again.
	Applies: func(p *rule.Pass) bool {
		return p.Object.Typed != nil && ownJob(p.Object) && !knowledge.KeeperOf(p.Object.Meta.GetLabels(), p.Object.Meta.GetAnnotations()).Undoes
	},
	Run: func(p *rule.Pass) {
		job, ok := p.Object.Typed.(*batchv1.Job)
		if !ok || job.Spec.TTLSecondsAfterFinished != nil {
			return
		}
		path := field.NewPath("spec", "ttlSecondsAfterFinished")
		f := rule.Finding{
			Field: path, Label: "no ttlSecondsAfterFinished here",
			Message: "no ttlSecondsAfterFinished: the Job and its pods stay until somebody deletes them",
		}
		if at, end := ended(job); end != "" {
			f.Message = fmt.Sprintf("%s %s ago, and the Job and its pods are still there: it has no ttlSecondsAfterFinished", end, rule.Human(p.Age(at.Time)))
		}
		const day = 24 * 60 * 60
		patch := p.Put(path, int64(day))
		p.Report(f).WithFix(rule.Fix{
			Title:         "have it deleted a day after its end",
			Caution:       "its log goes with it: how long that is needed, only you know; who applies the manifest again after that runs the Job again",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		})
	},
	Peers: map[string][]string{"kube-linter": {"job-ttl-seconds-after-finished"}},
}
