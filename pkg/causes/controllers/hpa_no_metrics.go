package controllers

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

// metricsDelay is how long it takes until a new pod is measured: metrics-server scrapes each 15 seconds and
// needs two readings, and the autoscaler leaves out pods that are not ready for 30 seconds.
const metricsDelay = 2 * time.Minute

// metricAPIs are the APIs that an autoscaler asks, by the words of its messages.
// Source: kubernetes pkg/controller/podautoscaler/metrics/client.go.
var metricAPIs = []struct{ words, service, provider string }{
	{"resource metrics API", "v1beta1.metrics.k8s.io", "metrics-server"},
	{"custom metrics API", "v1beta1.custom.metrics.k8s.io", "an adapter for custom metrics, such as prometheus-adapter"},
	{"external metrics API", "v1beta1.external.metrics.k8s.io", "an adapter for external metrics, such as KEDA"},
}

// HPANoMetrics finds HorizontalPodAutoscalers that get no measurements.
var HPANoMetrics = rule.Cause{
	ID: "hpa-no-metrics", Title: "the autoscaler gets no metrics", Doc: rule.ReadDoc(docs, "hpa_no_metrics.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.HPAKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		hpa, c := unmeasured(p)
		if hpa == nil {
			return nil
		}
		to := scaled(p, hpa)
		wants := []snapshot.Want{snapshot.WantGet(to.GroupKind(), to.Namespace, to.Name)}
		if target, _ := p.Lookup(to.GroupKind(), to.Namespace, to.Name); target != nil && target.Selector() != nil {
			wants = append(wants, snapshot.WantList(snapshot.PodKind, p.Object.Namespace, target.Selector().String()))
		}
		for _, api := range metricAPIs {
			if strings.Contains(c.Message, api.words) {
				wants = append(wants, snapshot.WantGet(snapshot.APIServiceKind, "", api.service))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if hpa, c := unmeasured(p); hpa != nil {
			reportUnmeasured(p, hpa, c)
		}
	},
}

// unmeasured is the autoscaler and the condition that says which metric it did not get; nil where it got
// them, or where the pods do not say of what they use a share.
func unmeasured(p *rule.Pass) (*autoscalingv2.HorizontalPodAutoscaler, *autoscalingv2.HorizontalPodAutoscalerCondition) {
	hpa, c := scaler(p, autoscalingv2.ScalingActive, corev1.ConditionFalse)
	if hpa == nil || !strings.HasPrefix(c.Reason, "FailedGet") || missingRequest.MatchString(c.Message) {
		return nil, nil
	}
	return hpa, c
}

func reportUnmeasured(p *rule.Pass, hpa *autoscalingv2.HorizontalPodAutoscaler, c *autoscalingv2.HorizontalPodAutoscalerCondition) {
	to := scaled(p, hpa)
	f := rule.Finding{
		Certainty: rule.Certain, Evidence: []rule.Evidence{scalerEvidence(p, c)},
		Field: field.NewPath("spec", "metrics"), Label: "what it cannot measure",
		RuledOut: []string{fmt.Sprintf("a target that is missing: %s was found", to.String())},
		Fix:      &rule.Fix{Applicability: rule.NeedsThought},
	}
	if i, ok := metricOf(hpa, c); ok {
		f.Field = f.Field.Index(i)
	}
	said := strings.TrimPrefix(c.Message, "the HPA was unable to compute the replica count: ")
	pods, known := targetPods(p, to)
	var broken *snapshot.Object
	young := false
	for _, pod := range pods {
		young = young || p.Age(pod.Meta.GetCreationTimestamp().Time) < metricsDelay
		if !rule.PodReady(pod.Pod()) && broken == nil {
			broken = pod
		}
	}
	for _, api := range metricAPIs {
		if !strings.Contains(said, api.words) || !strings.Contains(said, "unable to fetch metrics") {
			continue
		}
		f.NoField = "its settings are not at fault: nobody measures"
		f.Field, f.Label = nil, ""
		service, out := p.Lookup(snapshot.APIServiceKind, "", api.service)
		switch {
		case strings.Contains(said, "could not find the requested resource") || service == nil && out.State == snapshot.Absent && out.Proven:
			f.Message = fmt.Sprintf("does nothing: this cluster does not serve the %s, so nobody measures the pods of %s", api.words, to.String())
			f.Fix.Title = "install " + api.provider
			if service == nil && out.State == snapshot.Absent && out.Proven {
				f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: snapshot.Ref{APIVersion: "apiregistration.k8s.io/v1", Kind: "APIService", Name: api.service}, Text: "apiservice/" + api.service + ": not found"})
			}
		default:
			f.Message = fmt.Sprintf("does nothing: the %s does not answer: %s", api.words, rule.Quote(said[strings.Index(said, api.words)+len(api.words):]))
			f.Message = strings.Replace(f.Message, `": `, `"`, 1)
			f.Fix.Title = fmt.Sprintf("bring up what serves it: %s", api.provider)
			if service != nil {
				f.Because = &service.Ref
				f.Fix.Lines = []string{rule.Kubectl(p.Context, "", "get", "apiservice", service.Name, "-o", "yaml")}
			}
		}
		p.Report(f)
		return
	}
	switch {
	case strings.Contains(said, "pods might be unready") || strings.Contains(said, "no metrics returned") || strings.Contains(said, "no pods returned"):
		if young || known && len(pods) == 0 {
			return // they have not been measured yet
		}
		if broken != nil {
			f.Because = &broken.Ref
			f.Message = fmt.Sprintf("does nothing: there are no metrics of the pods of %s, and %s is not ready", to.String(), broken.String())
			f.Fix.Title = "mend the pods: those that are not ready are not counted"
			break
		}
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("does nothing: the metrics hold nothing of the pods of %s: %s", to.String(), rule.Quote(said))
		f.Fix.Title = "see whether the metric is collected at all: `kubectl top pods`, or the adapter's own log"
	default:
		f.Message = fmt.Sprintf("does nothing: %s", rule.Quote(said))
		f.Fix.Title = "see whether the metric exists under that name"
	}
	p.Report(f)
}

// targetPods are the pods of what is scaled; known is false where they were not read.
func targetPods(p *rule.Pass, to snapshot.Ref) (pods []*snapshot.Object, known bool) {
	target, _ := p.Lookup(to.GroupKind(), to.Namespace, to.Name)
	if target == nil || target.Selector() == nil {
		return nil, false
	}
	known = p.ListRead(snapshot.PodKind, to.Namespace)
	if out, ok := p.Outcome(snapshot.WantList(snapshot.PodKind, to.Namespace, target.Selector().String())); ok {
		known = out.State != snapshot.Blind
	}
	return p.SelectedPods(to.Namespace, target.Selector()), known
}
