package controllers

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// StsOrderedBlocked finds StatefulSets that create no further pod until an earlier one is ready.
var StsOrderedBlocked = rule.Cause{
	ID: "sts-ordered-blocked", Title: "further pods wait for an earlier one to get ready", Doc: rule.ReadDoc(docs, "sts_ordered_blocked.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.StatefulSetKind),
	Run: func(p *rule.Pass) {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		if !ok || sts.DeletionTimestamp != nil || sts.Spec.PodManagementPolicy == appsv1.ParallelPodManagement || sts.Status.ObservedGeneration < sts.Generation {
			return
		}
		want := wanted(sts.Spec.Replicas)
		if sts.Status.Replicas >= want || sts.Status.Replicas == 0 || p.RefusedPods() != nil {
			return
		}
		var first *snapshot.Object
		for _, pod := range p.PodsOf(p.Object) {
			if !rule.PodReady(pod.Pod()) && p.Age(pod.Meta.GetCreationTimestamp().Time) >= oldEnough && (first == nil || len(pod.Name) < len(first.Name) || len(pod.Name) == len(first.Name) && pod.Name < first.Name) {
				first = pod
			}
		}
		if first == nil {
			return
		}
		value := string(sts.Spec.PodManagementPolicy)
		if value == "" {
			value = string(appsv1.OrderedReadyPodManagement)
		}
		p.Report(rule.Finding{
			Field: field.NewPath("spec", "podManagementPolicy"), Value: value, Certainty: rule.Certain, Because: &first.Ref,
			Label:   "each pod has to be ready before the next is created",
			Message: fmt.Sprintf("%s, since %s is not ready: %d of %d exist", notCreated(want-sts.Status.Replicas), first.String(), sts.Status.Replicas, want),
			Evidence: []rule.Evidence{
				{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.replicas", Text: fmt.Sprintf("replicas: %d of %d, ready: %d", sts.Status.Replicas, want, sts.Status.ReadyReplicas)},
				{Source: rule.FromStatus, Object: first.Ref, Field: "status.conditions[Ready]", Text: first.String() + " is not ready"},
			},
			RuledOut: []string{"a quota or a policy: the API server has refused no pod"},
			Fix: &rule.Fix{
				Title:         fmt.Sprintf("mend %s: the others are then created by themselves", first.String()),
				Caution:       "podManagementPolicy Parallel would start all at once, where the program allows that; it cannot be changed in place",
				Applicability: rule.NeedsThought,
			},
		})
	},
}

func notCreated(n int32) string {
	if n == 1 {
		return "1 more pod is not created"
	}
	return fmt.Sprintf("%d more pods are not created", n)
}
