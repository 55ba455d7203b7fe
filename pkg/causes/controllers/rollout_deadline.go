package controllers

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RolloutDeadline finds Deployments whose new revision did not get ready in time. Why it did not is
// its pods' own finding.
var RolloutDeadline = rule.Cause{
	ID: "rollout-deadline", Title: "the rollout passed its deadline", Doc: rule.ReadDoc(docs, "rollout_deadline.md"),
	Peers: map[string][]string{"popeye": {"POP-501", "POP-1120"}},
	Stage: rule.StageCondition, On: rule.Kinds(snapshot.DeploymentKind),
	Run: func(p *rule.Pass) {
		d, ok := p.Object.Typed.(*appsv1.Deployment)
		if !ok || d.Status.ObservedGeneration < d.Generation {
			return // the status speaks of an older spec
		}
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.Reason == "ProgressDeadlineExceeded" {
				reportDeadline(p, d, c)
			}
		}
	},
}

func reportDeadline(p *rule.Pass, d *appsv1.Deployment, c appsv1.DeploymentCondition) {
	deadline := int32(600) // the API's default. Source: k8s.io/api apps/v1, DeploymentSpec
	if d.Spec.ProgressDeadlineSeconds != nil {
		deadline = *d.Spec.ProgressDeadlineSeconds
	}
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	f := rule.Finding{
		Field: field.NewPath("spec", "progressDeadlineSeconds"), Value: fmt.Sprint(deadline), Certainty: rule.Certain,
		Message:  fmt.Sprintf("the rollout made no progress for %ds", deadline),
		Label:    "how long a rollout may stand still before it is called failed; a longer one mends nothing",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[Progressing]", Time: c.LastUpdateTime.Time, Text: c.Reason + ": " + c.Message}},
		Fix: &rule.Fix{
			Title:         "mend what keeps the new pods from getting ready: the rollout then goes on by itself",
			Applicability: rule.NeedsThought,
		},
	}
	newest := p.NewestReplicaSet(p.Object)
	if newest == nil {
		p.Report(f)
		return
	}
	f.Because = &newest.Ref
	old := []string{}
	served, ready, broken := int32(0), int32(0), int32(0)
	for _, o := range p.Owned(p.Object) {
		rs, ok := o.Typed.(*appsv1.ReplicaSet)
		switch {
		case !ok:
		case o == newest:
			ready = rs.Status.AvailableReplicas
		default:
			old = append(old, o.Name)
			served += rs.Status.AvailableReplicas
			broken += rs.Status.Replicas - rs.Status.AvailableReplicas
		}
	}
	f.Message = fmt.Sprintf("the rollout made no progress for %ds: %d of %d new pods available", deadline, ready, want)
	switch {
	case served > 0:
		f.Message += fmt.Sprintf("; %s of the revision before still serve", rule.Count(int(served), "pod"))
		if served == 1 {
			f.Message = strings.Replace(f.Message, "still serve", "still serves", 1)
		}
	case broken > 0:
		f.Message += fmt.Sprintf(", and of the revision before %s, not available", pods(broken))
	case len(old) > 0:
		f.Message += ", and none of the revision before is left"
	}
	for _, pod := range p.PodsOf(newest) {
		if !rule.PodReady(pod.Pod()) {
			f.Because = &pod.Ref
			break
		}
	}
	if len(old) > 0 && (served > 0 || broken == 0) { // what does not run is nothing to go back to
		f.Fix.Title = "go back to the revision before, and mend the new one in peace"
		f.Fix.Caution = "what the new revision has changed elsewhere (a database schema) is not undone"
		f.Fix.Command = []string{"rollout", "undo", p.Object.String()}
	}
	p.Report(f)
}

func pods(n int32) string {
	if n == 1 {
		return "1 pod is left"
	}
	return fmt.Sprintf("%d pods are left", n)
}
