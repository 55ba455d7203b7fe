package controllers

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// MinReadySeconds finds workloads whose pods are ready and do not count as available for a while yet.
var MinReadySeconds = rule.Cause{
	ID: "min-ready-seconds", Title: "ready pods do not count as available yet", Doc: rule.ReadDoc(docs, "min_ready_seconds.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind),
	Run: func(p *rule.Pass) {
		var wait, ready, available, want int32
		switch t := p.Object.Typed.(type) {
		case *appsv1.Deployment:
			wait, ready, available, want = t.Spec.MinReadySeconds, t.Status.ReadyReplicas, t.Status.AvailableReplicas, wanted(t.Spec.Replicas)
		case *appsv1.StatefulSet:
			wait, ready, available, want = t.Spec.MinReadySeconds, t.Status.ReadyReplicas, t.Status.AvailableReplicas, wanted(t.Spec.Replicas)
		case *appsv1.DaemonSet:
			wait, ready, available, want = t.Spec.MinReadySeconds, t.Status.NumberReady, t.Status.NumberAvailable, t.Status.DesiredNumberScheduled
		}
		if wait == 0 || available >= want || ready <= available {
			return
		}
		var first *snapshot.Object
		var since time.Time
		for _, pod := range p.PodsOf(p.Object) {
			for _, c := range pod.Pod().Status.Conditions {
				if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && (first == nil || c.LastTransitionTime.Time.Before(since)) &&
					p.Age(c.LastTransitionTime.Time) < time.Duration(wait)*time.Second {
					first, since = pod, c.LastTransitionTime.Time
				}
			}
		}
		if first == nil || p.Age(since) < oldEnough {
			return // it would wait that long without
		}
		left := time.Duration(wait)*time.Second - p.Age(since)
		p.Report(rule.Finding{
			Field: field.NewPath("spec", "minReadySeconds"), Value: fmt.Sprint(wait), Certainty: rule.Certain,
			Label:   "how long a pod must have been ready to count as available",
			Message: fmt.Sprintf("%d of %d pods are ready and %d count as available: each has to be ready for %ds first; %s has %s to go", ready, want, available, wait, first.String(), rule.Human(left)),
			Evidence: []rule.Evidence{
				{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Text: fmt.Sprintf("ready: %d, available: %d", ready, available)},
				{Source: rule.FromStatus, Object: first.Ref, Field: "status.conditions[Ready]", Time: since, Text: fmt.Sprintf("%s is ready since %s", first.String(), rule.Human(p.Age(since)))},
			},
			RuledOut: []string{"pods that are not well: they are ready, and get traffic"},
			Fix: &rule.Fix{
				Title:         "wait; or let pods count earlier",
				Caution:       "the time is there to see a new revision fail before the next pod is replaced",
				Applicability: rule.NeedsThought,
				YAML:          "spec:\n  minReadySeconds: <SECONDS>\n",
			},
		})
	},
}
