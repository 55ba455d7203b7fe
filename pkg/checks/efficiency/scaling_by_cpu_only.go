package efficiency

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ScalingByCPUOnly finds clusters in which all autoscalers look at CPU and memory.
var ScalingByCPUOnly = rule.Check{
	ID: "scaling-by-cpu-only", Title: "autoscalers look at CPU and memory alone", Doc: rule.ReadDoc(docs, "scaling_by_cpu_only.md"),
	Dimension: rule.Efficiency, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{snapshot.HPAKind, snapshot.ScaledObjectKind},
	Applies: func(p *rule.Pass) bool {
		for _, gk := range []schema.GroupKind{snapshot.HPAKind, snapshot.ScaledObjectKind} {
			if !p.ListRead(gk, "") || len(p.List(gk, "")) > 0 {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		var why []string
		total := 0
		for _, o := range p.List(snapshot.HPAKind, "") {
			hpa, ok := o.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
			if !ok {
				continue
			}
			total++
			metric := ownMetric(hpa)
			if metric == "" {
				continue
			}
			c := conditionOf(hpa, autoscalingv2.ScalingActive)
			least := int32(1)
			if hpa.Spec.MinReplicas != nil {
				least = *hpa.Spec.MinReplicas
			}
			switch {
			case least >= hpa.Spec.MaxReplicas:
				why = append(why, inNamespace(o)+" goes by "+metric+", and never scales")
			case c != nil && c.Status == corev1.ConditionTrue:
				return
			case c == nil:
				why = append(why, inNamespace(o)+" goes by "+metric+", and its status says nothing")
			default:
				why = append(why, fmt.Sprintf("%s goes by %s, and %s", inNamespace(o), metric, said(c)))
			}
		}
		for _, o := range p.List(snapshot.ScaledObjectKind, "") {
			trigger := ownTrigger(o)
			if trigger == "" {
				continue
			}
			because := notScaling(o)
			if because == "" {
				return
			}
			why = append(why, fmt.Sprintf("%s goes by %s, and %s", inNamespace(o), trigger, because))
		}
		f := rule.Finding{NoField: "what is missing stands nowhere"}
		total = max(total, len(p.List(snapshot.ScaledObjectKind, ""))) // of which each makes an autoscaler of its own
		switch {
		case len(why) > 0:
			f.Message = "nothing scales by more than CPU and memory: " + strings.Join(why[:min(len(why), 2)], "; ")
		case total == 1:
			f.Message = "the one autoscaler there is looks at CPU or memory: what waits in a queue, and how long an answer takes, it does not see"
		default:
			f.Message = fmt.Sprintf("all of %s look at CPU or memory: what waits in a queue, and how long an answer takes, they do not see", rule.Count(total, "autoscaler"))
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "scale what works off a queue, or waits for others, by its queue or its requests: an adapter for metrics, or KEDA", Applicability: rule.NeedsThought,
			Caution: "when the source of the metric is down nothing is scaled: say what is to be then",
		})
	},
}

// ownMetric names a metric of an autoscaler that is no use of CPU or memory; "" where it has none.
func ownMetric(hpa *autoscalingv2.HorizontalPodAutoscaler) string {
	for _, m := range hpa.Spec.Metrics {
		switch {
		case m.Pods != nil:
			return m.Pods.Metric.Name
		case m.Object != nil:
			return m.Object.Metric.Name
		case m.External != nil:
			return m.External.Metric.Name
		}
	}
	return ""
}

// ownTrigger names a trigger of a ScaledObject of KEDA that is no use of CPU or memory; "" where it has none.
func ownTrigger(o *snapshot.Object) string {
	v, _ := o.At("spec", "triggers")
	items, _ := v.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		if kind, _ := m["type"].(string); kind != "" && kind != "cpu" && kind != "memory" {
			return kind
		}
	}
	return ""
}

// notScaling is why KEDA does not work on a ScaledObject; "" where it does.
func notScaling(o *snapshot.Object) string {
	for key, value := range o.Meta.GetAnnotations() {
		if strings.HasPrefix(key, "autoscaling.keda.sh/paused") && value != "false" {
			return "is paused"
		}
	}
	v, _ := o.At("status", "conditions")
	items, _ := v.([]any)
	for _, item := range items {
		if c, ok := item.(map[string]any); ok && c["type"] == "Ready" {
			if c["status"] == "True" {
				return ""
			}
			return "is not ready"
		}
	}
	return "its status says nothing"
}
