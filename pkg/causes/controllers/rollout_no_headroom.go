package controllers

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RolloutNoHeadroom finds rollouts that may take no old pod away before a new one is up, and whose new one
// finds no room.
var RolloutNoHeadroom = rule.Cause{
	ID: "rollout-no-headroom", Title: "the rollout needs room for an extra pod", Doc: rule.ReadDoc(docs, "rollout_no_headroom.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.DeploymentKind),
	Run: func(p *rule.Pass) {
		d, ok := p.Object.Typed.(*appsv1.Deployment)
		if !ok || d.Status.ObservedGeneration < d.Generation || d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType || d.DeletionTimestamp != nil {
			return
		}
		want := wanted(d.Spec.Replicas)
		surge, unavailable := strategyOf(d, want)
		old := d.Status.Replicas - d.Status.UpdatedReplicas
		if want == 0 || unavailable > 0 || old < want || d.Status.AvailableReplicas < want {
			return // it may take a pod away, or has none to take away
		}
		newest := p.NewestReplicaSet(p.Object)
		if newest == nil {
			return
		}
		for _, pod := range p.PodsOf(newest) {
			message := full(pod.Pod())
			if message == "" {
				continue
			}
			path := field.NewPath("spec", "strategy", "rollingUpdate")
			value := fmt.Sprintf("maxSurge %d, maxUnavailable 0", surge)
			f := rule.Finding{
				Field: path.Child("maxUnavailable"), Value: "0", Certainty: rule.Likely, Because: &pod.Ref,
				Label:   "no old pod may go before a new one is ready",
				Message: fmt.Sprintf("the rollout waits for room: with %s the first new pod, %s, has to fit beside %s, and does not", value, pod.String(), oldOnes(old)),
				Evidence: []rule.Evidence{
					{Source: rule.FromStatus, Object: pod.Ref, Field: "status.conditions[PodScheduled]", Text: "Unschedulable: " + message},
					{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Text: fmt.Sprintf("%d of %d old pods are available, %d updated", d.Status.AvailableReplicas, want, d.Status.UpdatedReplicas)},
				},
				RuledOut: []string{"a new revision that is broken: its pod has not started anywhere"},
			}
			if ru := d.Spec.Strategy.RollingUpdate; ru != nil && ru.MaxUnavailable != nil {
				f.Value = ru.MaxUnavailable.String()
			}
			patch := &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"strategy": map[string]any{"rollingUpdate": map[string]any{"maxSurge": 0, "maxUnavailable": 1}}}}}
			f.Fix = &rule.Fix{
				Title:         "stop an old pod before each new one; or make room on the nodes",
				Caution:       fmt.Sprintf("during an update one of %s is missing, and a new revision that is broken takes its place", rule.Count(int(want), "pod")),
				Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(p.Object.Ref, patch),
			}
			if want == 1 {
				f.Fix.Caution = "with a single pod an update is then an outage until the new one is up"
			}
			p.Report(f)
			return
		}
	},
}

func oldOnes(n int32) string {
	if n == 1 {
		return "the old one"
	}
	return fmt.Sprintf("all %d old ones", n)
}

// strategyOf are maxSurge and maxUnavailable as the controller counts them.
// Source: kubernetes pkg/controller/deployment/util, ResolveFenceposts.
func strategyOf(d *appsv1.Deployment, want int32) (surge, unavailable int) {
	quarter := intstr.FromString("25%") // the API's default
	s, u := &quarter, &quarter
	if ru := d.Spec.Strategy.RollingUpdate; ru != nil {
		if ru.MaxSurge != nil {
			s = ru.MaxSurge
		}
		if ru.MaxUnavailable != nil {
			u = ru.MaxUnavailable
		}
	}
	surge, _ = intstr.GetScaledValueFromIntOrPercent(s, int(want), true)
	unavailable, _ = intstr.GetScaledValueFromIntOrPercent(u, int(want), false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, unavailable
}

// full is why no node has room for a pod; "" where it has a node, or waits for another reason.
func full(pod *corev1.Pod) string {
	if pod.Spec.NodeName != "" {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			if strings.Contains(c.Message, "Insufficient") || strings.Contains(c.Message, "Too many pods") || strings.Contains(c.Message, "anti-affinity") || strings.Contains(c.Message, "free ports") {
				return c.Message
			}
		}
	}
	return ""
}
