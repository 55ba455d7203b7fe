package controllers

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// JobPolicy finds Jobs that a rule of their own gave up: a podFailurePolicy, or too many failed indexes.
var JobPolicy = rule.Cause{
	ID: "job-policy", Title: "a rule of the Job itself gave it up", Doc: rule.ReadDoc(docs, "job_policy.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.JobKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if job, _ := failedWith(p, policyReasons...); job == nil {
			return nil
		}
		if pass, c, _ := lastFailure(p); pass != nil {
			return []snapshot.Want{pass.DeathLog(c)}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		if job, c := failedWith(p, policyReasons...); job != nil {
			reportPolicy(p, job, c)
		}
	},
}

var policyReasons = []string{batchv1.JobReasonPodFailurePolicy, batchv1.JobReasonFailedIndexes, batchv1.JobReasonMaxFailedIndexesExceeded}

func reportPolicy(p *rule.Pass, job *batchv1.Job, c *batchv1.JobCondition) {
	f := rule.Finding{
		Certainty: rule.Certain, Evidence: []rule.Evidence{jobEvidence(p, c)},
		RuledOut: []string{"its backoffLimit: the Job says what gave it up"},
		Fix: &rule.Fix{
			Title:         "mend what makes its pods fail; then delete the Job and create it again, since a failed Job does not start anew",
			Caution:       "a second run may redo what the first has done",
			Applicability: rule.NeedsThought,
		},
	}
	pass, container, death := lastFailure(p)
	how := ""
	if pass != nil {
		f.Because = &pass.Object.Ref
		how = fmt.Sprintf("; the last pod to fail ended with exit %d", death.ExitCode)
		f.Evidence = append(f.Evidence, pass.DeathEvidence(container, death))
		f.Evidence = append(f.Evidence, pass.LastLogLines(container, 1)...)
	}
	var s rule.Setting
	switch c.Reason {
	case batchv1.JobReasonPodFailurePolicy:
		s = jobSetting(p, "podFailurePolicy", "rules")
		f.Label = "one of these rules ends the Job"
		f.Message = "given up by its podFailurePolicy" + how
		index := -1
		if n, _ := fmt.Sscanf(c.Message[max(0, strings.LastIndex(c.Message, "rule at index ")):], "rule at index %d", &index); n == 1 && job.Spec.PodFailurePolicy != nil && index < len(job.Spec.PodFailurePolicy.Rules) && index >= 0 {
			s = s.Index(index)
			f.Label = "this rule ends the Job at once, without another try"
			if r := job.Spec.PodFailurePolicy.Rules[index].OnExitCodes; r != nil {
				f.Value = fmt.Sprintf("exit codes %s %v", r.Operator, r.Values)
				f.Message = fmt.Sprintf("given up by rule %d of its podFailurePolicy, for exit codes %s %v%s", index, r.Operator, r.Values, how)
			}
		}
	case batchv1.JobReasonMaxFailedIndexesExceeded:
		s = jobSetting(p, "maxFailedIndexes")
		if job.Spec.MaxFailedIndexes != nil {
			f.Value = fmt.Sprint(*job.Spec.MaxFailedIndexes)
		}
		f.Label = "more indexes than this failed, so the others were ended too"
		f.Message = fmt.Sprintf("given up: indexes %s failed, and %s may%s", failedIndexes(job), f.Value, how)
	default:
		s = jobSetting(p, "backoffLimitPerIndex")
		if job.Spec.BackoffLimitPerIndex != nil {
			f.Value = fmt.Sprint(*job.Spec.BackoffLimitPerIndex)
		}
		f.Label = "how often each index may fail before it is given up"
		f.Message = fmt.Sprintf("done, but for indexes %s, which failed%s", failedIndexes(job), how)
	}
	f.Object, f.Field = s.Object, s.Path
	p.Report(f)
}

func failedIndexes(job *batchv1.Job) string {
	if job.Status.FailedIndexes == nil {
		return "that are not named"
	}
	return clip(*job.Status.FailedIndexes)
}
