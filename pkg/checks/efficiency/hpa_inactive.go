package efficiency

import (
	"fmt"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// mayPass is how long an autoscaler may be without metrics, or at its maximum, before that counts: new pods are not
// measured at once, and a busy quarter of an hour is what the maximum is for. The number is ours.
const mayPass = 10 * time.Minute

// HPAInactive finds autoscalers that are there and do not scale.
var HPAInactive = rule.Check{
	ID: "hpa-inactive", Title: "an autoscaler that does not scale now", Doc: rule.ReadDoc(docs, "hpa_inactive.md"),
	Dimension: rule.Efficiency, Severity: rule.Medium, Off: true, On: rule.Kinds(snapshot.HPAKind),
	Applies: func(p *rule.Pass) bool {
		hpa, ok := p.Object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		if !ok || p.Object.Origin != nil && len(hpa.Status.Conditions) == 0 { // a manifest
			return false
		}
		active := conditionOf(hpa, autoscalingv2.ScalingActive)
		return active == nil || active.Reason != "ScalingDisabled" // somebody, or KEDA, has scaled to zero
	},
	Run: func(p *rule.Pass) {
		hpa, ok := p.Object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		if !ok {
			return
		}
		f, c := inactive(hpa)
		if f == nil {
			return
		}
		if c == nil && f.Message == "" {
			p.Unknown("its status says nothing yet")
			return
		}
		if c != nil {
			since := c.LastTransitionTime.Time
			if !since.IsZero() && p.Age(since) < mayPass {
				p.Unknown("%s for %s, which may pass", said(c), rule.Human(p.Age(since)))
				return
			}
			text := said(c)
			if c.Message != "" {
				text += ": " + rule.Quote(c.Message)
			}
			f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions", Time: since, Text: text}}
		}
		fix := rule.Fix{Title: "mend what its status says", Applicability: rule.NeedsThought, Caution: "once it scales again, the number of pods may jump to what the load asks for"}
		if !p.Files {
			fix.Command = []string{"describe", p.Object.String()}
		}
		p.Report(*f).WithFix(fix)
	},
}

// inactive is what keeps an autoscaler from scaling, and the condition that says so; nil where it scales. A finding
// without a message: nobody can tell.
func inactive(hpa *autoscalingv2.HorizontalPodAutoscaler) (*rule.Finding, *autoscalingv2.HorizontalPodAutoscalerCondition) {
	least := int32(1)
	if hpa.Spec.MinReplicas != nil {
		least = *hpa.Spec.MinReplicas
	}
	spec := field.NewPath("spec")
	if least >= hpa.Spec.MaxReplicas {
		return &rule.Finding{
			Field: spec.Child("maxReplicas"), Value: fmt.Sprint(hpa.Spec.MaxReplicas), Label: "and no fewer are allowed",
			Message: fmt.Sprintf("from %d to %d replicas: it never scales", least, hpa.Spec.MaxReplicas),
		}, nil
	}
	if c := conditionOf(hpa, autoscalingv2.AbleToScale); c != nil && c.Status == corev1.ConditionFalse {
		return &rule.Finding{Field: spec.Child("scaleTargetRef"), Label: "what it may not scale, or does not find", Message: said(c) + whatItSays(c) + ": it sets no replicas"}, c
	}
	active := conditionOf(hpa, autoscalingv2.ScalingActive)
	if active == nil {
		return &rule.Finding{}, nil
	}
	if active.Status != corev1.ConditionTrue {
		return &rule.Finding{Field: spec.Child("metrics"), Label: "what it does not get", Message: said(active) + whatItSays(active) + ": it does not follow the load"}, active
	}
	limited := conditionOf(hpa, autoscalingv2.ScalingLimited)
	if limited != nil && limited.Status == corev1.ConditionTrue && limited.Reason == "TooManyReplicas" && hpa.Status.CurrentReplicas >= hpa.Spec.MaxReplicas {
		return &rule.Finding{
			Field: spec.Child("maxReplicas"), Value: fmt.Sprint(hpa.Spec.MaxReplicas), Label: "all of them are there",
			Message: fmt.Sprintf("all of its %d replicas are there, and it wants more: it follows the load no further", hpa.Spec.MaxReplicas),
		}, limited
	}
	return nil, nil
}

func conditionOf(hpa *autoscalingv2.HorizontalPodAutoscaler, kind autoscalingv2.HorizontalPodAutoscalerConditionType) *autoscalingv2.HorizontalPodAutoscalerCondition {
	for i := range hpa.Status.Conditions {
		if hpa.Status.Conditions[i].Type == kind {
			return &hpa.Status.Conditions[i]
		}
	}
	return nil
}

func said(c *autoscalingv2.HorizontalPodAutoscalerCondition) string {
	return strings.TrimSuffix(fmt.Sprintf("%s is %s, %s", c.Type, c.Status, c.Reason), ", ")
}

func whatItSays(c *autoscalingv2.HorizontalPodAutoscalerCondition) string {
	if c.Message == "" {
		return ""
	}
	return " (" + rule.Quote(c.Message) + ")"
}
