package controllers

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// JobBackoff finds Jobs that were given up because their pods failed too often.
var JobBackoff = rule.Cause{
	ID: "job-backoff", Title: "the Job was given up after its pods failed", Doc: rule.ReadDoc(docs, "job_backoff.md"),
	Peers: map[string][]string{"popeye": {"POP-1503"}},
	Stage: rule.StageController, On: rule.Kinds(snapshot.JobKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if _, _, ok := givenUp(p); !ok {
			return nil
		}
		pass, c, _ := lastFailure(p)
		if pass == nil {
			return nil
		}
		return []snapshot.Want{pass.DeathLog(c)}
	},
	Run: func(p *rule.Pass) {
		if job, c, ok := givenUp(p); ok {
			reportBackoff(p, job, c)
		}
	},
}

func givenUp(p *rule.Pass) (*batchv1.Job, batchv1.JobCondition, bool) {
	job, ok := p.Object.Typed.(*batchv1.Job)
	if !ok {
		return nil, batchv1.JobCondition{}, false
	}
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobFailed || c.Type == batchv1.JobFailureTarget) && c.Status == corev1.ConditionTrue && c.Reason == batchv1.JobReasonBackoffLimitExceeded {
			return job, c, true
		}
	}
	return nil, batchv1.JobCondition{}, false
}

// lastFailure is the container of the Job's pods that failed last, with a Pass for its pod; nil
// when no failed pod is left.
func lastFailure(p *rule.Pass) (pass *rule.Pass, last snapshot.Container, death *rule.Death) {
	for _, pod := range p.PodsOf(p.Object) {
		pp := rule.NewPass(p.Snapshot, pod, nil, nil, rule.Sink{})
		for _, c := range pod.PodContainers() {
			if d, failed := pp.Failed(c); failed && (death == nil || d.FinishedAt.After(death.FinishedAt.Time)) {
				pass, last, death = pp, c, d
			}
		}
	}
	return pass, last, death
}

func reportBackoff(p *rule.Pass, job *batchv1.Job, condition batchv1.JobCondition) {
	limit := int32(6) // the API's default. Source: k8s.io/api batch/v1, JobSpec
	if job.Spec.BackoffLimit != nil {
		limit = *job.Spec.BackoffLimit
	}
	f := rule.Finding{
		Field: field.NewPath("spec", "backoffLimit"), Value: fmt.Sprint(limit), Certainty: rule.Certain,
		Label: fmt.Sprintf("%s allowed before the Job is given up", rule.Count(int(limit), "retry")),
		Evidence: []rule.Evidence{{
			Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[Failed]", Time: condition.LastTransitionTime.Time,
			Text: fmt.Sprintf("%s: %s", condition.Reason, condition.Message),
		}},
		Fix: &rule.Fix{
			Title:         "mend what makes its pods fail; then delete the Job and create it again, since a failed Job does not start anew",
			Caution:       "a higher backoffLimit only helps against failures that pass by themselves. See that a second run may redo what the first has done",
			Applicability: rule.NeedsThought,
		},
	}
	if limit > 1 {
		f.Label = fmt.Sprintf("%d retries allowed before the Job is given up", limit)
	}
	if limit == 0 {
		f.Label = "the first failure ends the Job"
	}
	count := rule.Count(int(job.Status.Failed), "pod") + " failed"
	pass, c, death := lastFailure(p)
	if pass == nil {
		if pod := endedPod(p); pod != nil {
			f.Because = &pod.Ref
			f.Message = fmt.Sprintf("given up: %s, and backoffLimit is %d; %s was ended: %s", count, limit, pod.String(), clip(pod.Pod().Status.Reason))
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: pod.Ref, Field: "status.reason", Text: strings.TrimRight(fmt.Sprintf("%s: %s", pod.Pod().Status.Reason, pod.Pod().Status.Message), ": ")})
			p.Report(f)
			return
		}
		f.Message = fmt.Sprintf("given up: %s, and backoffLimit is %d; why its pods failed is not known", count, limit)
		if !podsRead(p) {
			p.Report(f)
			return
		}
		f.Message = fmt.Sprintf("given up: %s, and backoffLimit is %d; no failed pod is left to tell why", count, limit)
		if onFailure(job) {
			f.RuledOut = append(f.RuledOut, "pods that somebody deleted: with restartPolicy OnFailure the Job deletes its failing pod itself when it gives up")
			f.Fix.Title = "delete the Job and create it again with restartPolicy Never, which keeps the failed pods and their logs"
			f.Fix.YAML = "spec:\n  template:\n    spec:\n      restartPolicy: Never"
		}
		for _, e := range p.EventsOf(p.Object) {
			if e.Reason == "SuccessfulDelete" {
				f.Evidence = append(f.Evidence, rule.EventEvidence(e))
			}
		}
		p.Report(f)
		return
	}
	f.Because = &pass.Object.Ref
	f.Message = fmt.Sprintf("given up: %s, and backoffLimit is %d; the last ended with exit %d", count, limit, death.ExitCode)
	f.Evidence = append(f.Evidence, pass.DeathEvidence(c, death))
	f.Evidence = append(f.Evidence, pass.LastLogLines(c, 1)...)
	p.Report(f)
}

// endedPod is the pod of the Job that somebody ended last before its program did: its own deadline, the
// kubelet; nil where none is left.
func endedPod(p *rule.Pass) *snapshot.Object {
	var last *snapshot.Object
	for _, o := range p.PodsOf(p.Object) {
		if pod := o.Pod(); pod.Status.Phase == corev1.PodFailed && pod.Status.Reason != "" && (last == nil || last.Pod().CreationTimestamp.Before(&pod.CreationTimestamp)) {
			last = o
		}
	}
	return last
}

// podsRead tells whether the Job's pods were asked for, and the answer came.
func podsRead(p *rule.Pass) bool {
	if p.ListRead(snapshot.PodKind, p.Object.Namespace) {
		return true
	}
	selector := p.Object.Selector()
	if selector == nil {
		return false
	}
	out, ok := p.Outcome(snapshot.WantList(snapshot.PodKind, p.Object.Namespace, selector.String()))
	return ok && out.State != snapshot.Blind
}

func onFailure(job *batchv1.Job) bool {
	return job.Spec.Template.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
}
