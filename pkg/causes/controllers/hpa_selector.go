package controllers

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HPASelector finds HorizontalPodAutoscalers that stand still since another one scales the same pods, or
// since their target has no usable selector.
var HPASelector = rule.Cause{
	ID: "hpa-selector", Title: "the autoscaler cannot tell which pods are its own", Doc: rule.ReadDoc(docs, "hpa_selector.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.HPAKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if hpa, c := scaler(p, autoscalingv2.ScalingActive, corev1.ConditionFalse); hpa == nil || c.Reason != "AmbiguousSelector" {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.HPAKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		hpa, c := scaler(p, autoscalingv2.ScalingActive, corev1.ConditionFalse)
		if hpa == nil || c.Reason != "AmbiguousSelector" && c.Reason != "InvalidSelector" {
			return
		}
		to := scaled(p, hpa)
		f := rule.Finding{
			Field: field.NewPath("spec", "scaleTargetRef"), Value: to.String(), Certainty: rule.Certain, Evidence: []rule.Evidence{scalerEvidence(p, c)},
			Message: fmt.Sprintf("does nothing: %s gives no selector by which to find its pods", to.String()),
			Label:   "what it scales says by a selector which pods to measure",
			Fix:     &rule.Fix{Title: fmt.Sprintf("have %s report a selector in its scale subresource", to.String()), Applicability: rule.NeedsThought},
		}
		if c.Reason == "AmbiguousSelector" {
			ambiguous(p, hpa, to, &f)
		}
		p.Report(f)
	},
}

// ambiguous words that several autoscalers find the same pods.
func ambiguous(p *rule.Pass, hpa *autoscalingv2.HorizontalPodAutoscaler, to snapshot.Ref, f *rule.Finding) {
	var same, others []string
	for _, o := range p.List(snapshot.HPAKind, p.Object.Namespace) {
		t, ok := o.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		if !ok || o == p.Object {
			continue
		}
		others = append(others, o.String())
		if r := t.Spec.ScaleTargetRef; r.Kind == hpa.Spec.ScaleTargetRef.Kind && r.Name == hpa.Spec.ScaleTargetRef.Name {
			same = append(same, o.String())
		}
	}
	f.Fix = &rule.Fix{
		Title:         "keep one autoscaler for each workload; it takes several metrics",
		Caution:       "what the deleted one measured belongs into the metrics of the other",
		Applicability: rule.Placeholders,
		Command:       []string{"delete", "horizontalpodautoscaler", "<AUTOSCALER>"},
	}
	switch {
	case len(same) > 0:
		verb := "scales"
		if len(same) > 1 {
			verb = "scale"
		}
		f.Message = fmt.Sprintf("does nothing: %s %s %s too", strings.Join(same, ", "), verb, to.String())
		f.Label = "another autoscaler has the same target"
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.scaleTargetRef", Text: fmt.Sprintf("%s and %s scale %s", p.Object.String(), strings.Join(same, ", "), to.String())})
	default:
		f.Message = fmt.Sprintf("does nothing: the selector of %s finds pods of another autoscaler's target too", to.String())
		f.Label = "its selector finds pods that another autoscaler counts"
		f.Fix.Title = "give each workload a label that no other has, in its selector and its template"
		f.Fix.Caution = "a selector cannot be changed: the workload has to be created anew"
		f.Fix.Applicability, f.Fix.Command = rule.NeedsThought, nil
		if len(others) == 1 {
			f.Message = fmt.Sprintf("does nothing: the selector of %s finds pods of the target of %s too", to.String(), others[0])
		}
	}
}
