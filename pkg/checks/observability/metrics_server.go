package observability

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// MetricsServer finds clusters in which nobody says what pods use.
var MetricsServer = rule.Check{
	ID: "metrics-server", Title: "no metrics API: nobody says what pods use", Doc: rule.ReadDoc(docs, "metrics_server.md"),
	Dimension: rule.Observability, Severity: rule.Info, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{snapshot.APIServiceKind, snapshot.HPAKind},
	// Whoever looks at one namespace asks nothing of the cluster.
	Applies: func(p *rule.Pass) bool { return p.ListOutcome(snapshot.HPAKind, "").Reason != snapshot.ReasonUnread },
	Run: func(p *rule.Pass) {
		down := false
		for _, o := range p.List(snapshot.APIServiceKind, "") {
			if o.Name != "v1beta1.metrics.k8s.io" && o.Name != "v1.metrics.k8s.io" {
				continue
			}
			if !rule.StatusFalse(o, "Available") {
				return
			}
			down = true
		}
		if down { // why, another check says, and more loudly
			p.Report(rule.Finding{NoField: "it is there", Message: "the metrics API (metrics.k8s.io) is registered, and nobody serves it: kubectl top shows nothing"})
			return
		}
		need, told := 0, false
		for _, o := range p.List(snapshot.HPAKind, "") {
			hpa, ok := o.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
			if !ok || !byResource(hpa) {
				continue
			}
			need++
			for _, c := range hpa.Status.Conditions {
				told = told || c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse
			}
		}
		f := rule.Finding{NoField: "what is missing stands nowhere", Certainty: rule.Likely, Message: "there is no metrics API (metrics.k8s.io): kubectl top shows nothing, and nothing can be scaled by CPU or memory"}
		if need > 0 && !told { // where one has found out already, its own finding weighs
			f.Severity = rule.High
			f.Message = fmt.Sprintf("there is no metrics API (metrics.k8s.io), and %s by CPU or memory: they will never scale", autoscalers(need))
		}
		p.Report(f).WithFix(rule.Fix{Title: "install metrics-server, or an adapter that serves metrics.k8s.io", Applicability: rule.NeedsThought, Caution: "clusters of a cloud have an add-on for it"})
	},
	Peers: map[string][]string{"popeye": {"POP-402"}},
}

func autoscalers(n int) string {
	if n == 1 {
		return "1 HorizontalPodAutoscaler scales"
	}
	return fmt.Sprintf("%d HorizontalPodAutoscalers scale", n)
}

// byResource tells whether an autoscaler goes by CPU or memory; one that names no metric goes by CPU.
func byResource(hpa *autoscalingv2.HorizontalPodAutoscaler) bool {
	for _, m := range hpa.Spec.Metrics {
		if m.Type == autoscalingv2.ResourceMetricSourceType || m.Type == autoscalingv2.ContainerResourceMetricSourceType {
			return true
		}
	}
	return len(hpa.Spec.Metrics) == 0
}
