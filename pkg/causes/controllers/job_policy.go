package controllers

import (
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// JobPolicy finds Jobs that a rule of their own gave up, a podFailurePolicy or too many failed indexes; and
// those that such a rule never lets end.
var JobPolicy = rule.Cause{
	ID: "job-policy", Title: "a rule of the Job itself decides how it ends", Doc: rule.ReadDoc(docs, "job_policy.md"),
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
			return
		}
		reportIgnored(p)
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

// reportIgnored says that a rule keeps failures from being counted, so that the Job tries for ever.
func reportIgnored(p *rule.Pass) {
	job, ok := p.Object.Typed.(*batchv1.Job)
	if !ok || job.Spec.PodFailurePolicy == nil || job.DeletionTimestamp != nil || job.Spec.Suspend != nil && *job.Spec.Suspend {
		return
	}
	for _, c := range job.Status.Conditions {
		if c.Status == corev1.ConditionTrue {
			return // it has ended, or is about to
		}
	}
	ignored := map[int]int{}
	last := map[int]*snapshot.Object{}
	for _, o := range p.PodsOf(p.Object) {
		if i := ruleFor(job.Spec.PodFailurePolicy, o); i >= 0 && job.Spec.PodFailurePolicy.Rules[i].Action == batchv1.PodFailurePolicyActionIgnore {
			if ignored[i]++; last[i] == nil || last[i].Pod().CreationTimestamp.Before(&o.Pod().CreationTimestamp) {
				last[i] = o
			}
		}
	}
	for i, n := range ignored {
		if n < 2 || job.Spec.PodFailurePolicy.Rules[i].OnExitCodes == nil {
			continue
		}
		limit := int32(6) // the API's default. Source: k8s.io/api batch/v1, JobSpec
		if job.Spec.BackoffLimit != nil {
			limit = *job.Spec.BackoffLimit
		}
		s := jobSetting(p, "podFailurePolicy", "rules").Index(i)
		codes := job.Spec.PodFailurePolicy.Rules[i].OnExitCodes
		f := rule.Finding{
			Object: s.Object, Field: s.Path, Value: fmt.Sprintf("Ignore exit codes %s %v", codes.Operator, codes.Values), Certainty: rule.Certain, Because: &last[i].Ref,
			Label:   "a failure that this rule ignores never counts, so the Job is never given up for it",
			Message: fmt.Sprintf("starts a new pod for ever: %d of its pods failed with exit codes %s %v, which rule %d of its podFailurePolicy ignores, and backoffLimit %d counts none of them", n, codes.Operator, codes.Values, i, limit),
			Evidence: []rule.Evidence{{
				Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.failed", Text: fmt.Sprintf("%s failed and ignored, %d counted as failed", rule.Count(n, "pod"), job.Status.Failed),
			}},
			RuledOut: []string{"its backoffLimit: what the rule ignores is not counted"},
			Fix: &rule.Fix{
				Title:         "mend what makes its pods fail; or let the rule count such failures (action Count), or end the Job (FailJob). A Job's template and rules cannot be changed: delete it and create it again",
				Caution:       "a second run may redo what the first has done",
				Applicability: rule.NeedsThought,
			},
		}
		p.Report(f)
		return
	}
}

// ruleFor is the index of the first rule of a policy that is for a failed pod by its exit codes; -1 where
// none is. Source: kubernetes pkg/controller/job/pod_failure_policy.go.
func ruleFor(policy *batchv1.PodFailurePolicy, o *snapshot.Object) int {
	if o.Pod().Status.Phase != corev1.PodFailed {
		return -1
	}
	for i, r := range policy.Rules {
		if r.OnExitCodes == nil {
			for _, want := range r.OnPodConditions {
				for _, c := range o.Pod().Status.Conditions {
					if c.Type == want.Type && c.Status == want.Status {
						return i
					}
				}
			}
			continue
		}
		for _, c := range o.PodContainers() {
			if c.Status == nil || c.Status.State.Terminated == nil || c.Status.State.Terminated.ExitCode == 0 || r.OnExitCodes.ContainerName != nil && *r.OnExitCodes.ContainerName != c.Name {
				continue
			}
			if slices.Contains(r.OnExitCodes.Values, c.Status.State.Terminated.ExitCode) == (r.OnExitCodes.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn) {
				return i
			}
		}
	}
	return -1
}

func failedIndexes(job *batchv1.Job) string {
	if job.Status.FailedIndexes == nil {
		return "that are not named"
	}
	return clip(*job.Status.FailedIndexes)
}
