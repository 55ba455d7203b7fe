package controllers

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// failedWith is the Job of the Pass and the condition with which it was given up, where that has one of
// the reasons; nil otherwise.
func failedWith(p *rule.Pass, reasons ...string) (*batchv1.Job, *batchv1.JobCondition) {
	job, ok := p.Object.Typed.(*batchv1.Job)
	if !ok {
		return nil, nil
	}
	for i, c := range job.Status.Conditions {
		if (c.Type != batchv1.JobFailed && c.Type != batchv1.JobFailureTarget) || c.Status != corev1.ConditionTrue {
			continue
		}
		for _, r := range reasons {
			if c.Reason == r {
				return job, &job.Status.Conditions[i]
			}
		}
	}
	return nil, nil
}

// jobSetting is a field of a Job in the object to change: the CronJob that made it, or itself.
func jobSetting(p *rule.Pass, path ...string) rule.Setting {
	if owner := p.Owner(p.Object); owner != nil && owner.GroupKind() == snapshot.CronJobKind {
		return rule.Setting{Object: owner.Ref, Path: field.NewPath("spec", "jobTemplate", "spec").Child(path[0], path[1:]...)}
	}
	return rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec").Child(path[0], path[1:]...)}
}

func jobEvidence(p *rule.Pass, c *batchv1.JobCondition) rule.Evidence {
	return rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[Failed]", Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + c.Message}
}

// JobDeadline finds Jobs that were ended since they took longer than they may.
var JobDeadline = rule.Cause{
	ID: "job-deadline", Title: "the Job took longer than it may", Doc: rule.ReadDoc(docs, "job_deadline.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.JobKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if job, _ := failedWith(p, batchv1.JobReasonDeadlineExceeded); job == nil {
			return nil
		}
		if pass, c, _ := lastFailure(p); pass != nil {
			return []snapshot.Want{pass.DeathLog(c)}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		job, c := failedWith(p, batchv1.JobReasonDeadlineExceeded)
		if job == nil || job.Spec.ActiveDeadlineSeconds == nil {
			return
		}
		s := jobSetting(p, "activeDeadlineSeconds")
		deadline := *job.Spec.ActiveDeadlineSeconds
		f := rule.Finding{
			Object: s.Object, Field: s.Path, Value: fmt.Sprint(deadline), Certainty: rule.Certain, Evidence: []rule.Evidence{jobEvidence(p, c)},
			Label:   "after this time the Job is given up and its pods are ended, however far they are",
			Message: fmt.Sprintf("given up after %ds, the time that it may take", deadline),
			Fix: &rule.Fix{
				Title:         "find what takes so long; where it needs the time, give it more. A failed Job does not start anew: delete it and create it again",
				Caution:       "a second run may redo what the first has done",
				Applicability: rule.NeedsThought,
			},
		}
		if job.Status.Succeeded > 0 {
			f.Message += fmt.Sprintf(", when %s had succeeded", rule.Count(int(job.Status.Succeeded), "pod"))
		}
		pass, container, death := lastFailure(p)
		switch {
		case pass != nil && death.ExitCode != 137 && death.ExitCode != 143: // it died by itself, before the time was over
			f.Because = &pass.Object.Ref
			f.Message += fmt.Sprintf("; its pods failed in that time, the last with exit %d", death.ExitCode)
			f.Evidence = append(f.Evidence, pass.DeathEvidence(container, death))
			f.Evidence = append(f.Evidence, pass.LastLogLines(container, 1)...)
			f.Fix.Title = "mend what makes its pods fail; then delete the Job and create it again"
		case neverPlaced(p):
			f.Message += "; its pod was never given a node"
			f.Evidence = append(f.Evidence, unplaced(p)...)
			f.Fix.Title = "see why its pod found no node; then delete the Job and create it again"
		default:
			f.Message += ", and still at work"
		}
		if s.Object.GroupKind() == snapshot.CronJobKind {
			f.Fix.YAML = "spec:\n  jobTemplate:\n    spec:\n      activeDeadlineSeconds: <SECONDS>\n"
		} else {
			f.Fix.YAML = "spec:\n  activeDeadlineSeconds: <SECONDS>\n"
		}
		p.Report(f)
	},
}

// unplaced are the events of pods of this Job for which no node was found: the pods themselves are gone.
func unplaced(p *rule.Pass) []rule.Evidence {
	var list []rule.Evidence
	for _, e := range p.AllEvents() {
		if e.Namespace == p.Object.Namespace && e.Reason == "FailedScheduling" && e.InvolvedObject.Kind == "Pod" && ofJob(p.Object.Name, e.InvolvedObject.Name) {
			list = []rule.Evidence{rule.EventEvidence(e)}
		}
	}
	return list
}

// neverPlaced tells whether the Job's only pods that are known found no node.
func neverPlaced(p *rule.Pass) bool {
	if len(unplaced(p)) == 0 {
		return false
	}
	for _, e := range p.AllEvents() {
		if e.Namespace == p.Object.Namespace && e.Reason == "Scheduled" && e.InvolvedObject.Kind == "Pod" && ofJob(p.Object.Name, e.InvolvedObject.Name) {
			return false
		}
	}
	return true
}

// ofJob tells whether a pod's name is one that a Job of that name gives: "import-x7k2p".
func ofJob(job, pod string) bool {
	const suffix = 5 // letters. Source: k8s.io/apiserver pkg/storage/names
	return len(pod) == len(job)+1+suffix && pod[:len(job)+1] == job+"-"
}
