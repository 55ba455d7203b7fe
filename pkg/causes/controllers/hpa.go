package controllers

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// scaler is the HorizontalPodAutoscaler of the Pass and its condition of a type, where that has the
// status; nil otherwise.
func scaler(p *rule.Pass, kind autoscalingv2.HorizontalPodAutoscalerConditionType, status corev1.ConditionStatus) (*autoscalingv2.HorizontalPodAutoscaler, *autoscalingv2.HorizontalPodAutoscalerCondition) {
	hpa, ok := p.Object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok || hpa.DeletionTimestamp != nil || hpa.Status.ObservedGeneration != nil && *hpa.Status.ObservedGeneration < hpa.Generation {
		return nil, nil
	}
	for i, c := range hpa.Status.Conditions {
		if c.Type == kind && c.Status == status {
			return hpa, &hpa.Status.Conditions[i]
		}
	}
	return nil, nil
}

func scalerEvidence(p *rule.Pass, c *autoscalingv2.HorizontalPodAutoscalerCondition) rule.Evidence {
	return rule.Evidence{
		Source: rule.FromStatus, Object: p.Object.Ref, Field: fmt.Sprintf("status.conditions[%s]", c.Type), Time: c.LastTransitionTime.Time,
		Text: c.Reason + ": " + strings.Join(strings.Fields(c.Message), " "),
	}
}

// scaled is what a HorizontalPodAutoscaler scales.
func scaled(p *rule.Pass, hpa *autoscalingv2.HorizontalPodAutoscaler) snapshot.Ref {
	r := hpa.Spec.ScaleTargetRef
	return snapshot.Ref{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: p.Object.Namespace, Name: r.Name}
}

// metricPath is the index of the metric that a failed condition speaks of, by the name of its resource or
// its own; ok is false where that cannot be told.
func metricOf(hpa *autoscalingv2.HorizontalPodAutoscaler, c *autoscalingv2.HorizontalPodAutoscalerCondition) (i int, ok bool) {
	found := -1
	for i, m := range hpa.Spec.Metrics {
		var name string
		switch {
		case c.Reason == "FailedGetResourceMetric" && m.Resource != nil:
			name = string(m.Resource.Name)
		case c.Reason == "FailedGetContainerResourceMetric" && m.ContainerResource != nil:
			name = string(m.ContainerResource.Name)
		case c.Reason == "FailedGetPodsMetric" && m.Pods != nil:
			name = m.Pods.Metric.Name
		case c.Reason == "FailedGetObjectMetric" && m.Object != nil:
			name = m.Object.Metric.Name
		case c.Reason == "FailedGetExternalMetric" && m.External != nil:
			name = m.External.Metric.Name
		default:
			continue
		}
		if strings.Contains(c.Message, name) {
			return i, true
		}
		if found < 0 {
			found = i
		}
	}
	return found, found >= 0
}
