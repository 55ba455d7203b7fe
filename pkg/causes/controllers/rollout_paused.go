package controllers

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RolloutPaused finds paused Deployments whose pods are not well while a changed template waits.
var RolloutPaused = rule.Cause{
	ID: "rollout-paused", Title: "the changed template waits: the rollout is paused", Doc: rule.ReadDoc(docs, "rollout_paused.md"),
	Stage: rule.StageNotCreated, On: rule.Kinds(snapshot.DeploymentKind),
	Run: func(p *rule.Pass) {
		d, ok := p.Object.Typed.(*appsv1.Deployment)
		if !ok || !d.Spec.Paused || d.DeletionTimestamp != nil || d.Status.ObservedGeneration < d.Generation {
			return
		}
		want := wanted(d.Spec.Replicas)
		if want == 0 || d.Status.UpdatedReplicas > 0 || d.Status.AvailableReplicas >= want {
			return // nothing waits, or nobody misses anything
		}
		waits := fmt.Sprintf("paused, and a changed template waits: %d of %d pods of the one before are available", d.Status.AvailableReplicas, want)
		if d.Status.Replicas == 0 {
			waits = fmt.Sprintf("paused before it was rolled out: 0 of %s exist", rule.Count(int(want), "pod"))
		}
		f := rule.Finding{
			Field: field.NewPath("spec", "paused"), Value: "true", Certainty: rule.Certain, Message: waits,
			Label:    "while this is set no change of the template reaches the pods",
			RuledOut: []string{"a rollout that fails: none has begun"},
			Fix: &rule.Fix{
				Title:         "go on with the rollout",
				Caution:       "somebody paused it: see that the changed template is complete",
				Applicability: rule.NeedsThought,
				Command:       []string{"rollout", "resume", p.Object.String()},
			},
			Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.updatedReplicas", Text: fmt.Sprintf("no pod is of the present template; %d of %d are available", d.Status.AvailableReplicas, want)}},
		}
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentProgressing && c.Reason == "DeploymentPaused" {
				f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[Progressing]", Time: c.LastUpdateTime.Time, Text: c.Reason + ": " + c.Message})
			}
		}
		p.Report(f)
	},
}
