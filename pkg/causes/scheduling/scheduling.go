// Package scheduling holds the causes of pods that no node takes.
package scheduling

import (
	"embed"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&SchedAffinity,
	&SchedAntiAffinity,
	&SchedCordoned,
	&SchedDRA,
	&SchedExtended,
	&SchedGated,
	&SchedHostPort,
	&SchedInsufficient,
	&SchedNoNodes,
	&SchedNoScheduler,
	&SchedNodeName,
	&SchedPVZone,
	&SchedPVCMissing,
	&SchedPVCUnbound,
	&SchedRWOP,
	&SchedSelector,
	&SchedSpread,
	&SchedTaint,
	&SchedTooManyPods,
	&SchedVolumeLimit,
}

// unschedulable is what the scheduler says of a pod that it could not place: from the pod's own
// condition, else from the event. ok is false for a pod that has a node or is not yet tried.
func unschedulable(p *rule.Pass) (message string, evidence rule.Evidence, ok bool) {
	pod := p.Object.Pod()
	if pod == nil || pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil {
		return "", rule.Evidence{}, false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			e := rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[PodScheduled]", Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + withoutPreemption(c.Message)}
			return c.Message, e, true
		}
	}
	if e := p.Event(p.Object, "FailedScheduling"); e != nil {
		evidence := rule.EventEvidence(e)
		evidence.Text = withoutPreemption(evidence.Text)
		return e.Message, evidence, true
	}
	return "", rule.Evidence{}, false
}

// withoutPreemption cuts off what the scheduler adds about making room, which repeats the number of
// nodes and no reason.
func withoutPreemption(message string) string {
	text, _, _ := strings.Cut(message, "preemption:")
	return strings.TrimSpace(text)
}
