package controllers

import (
	"fmt"
	"math"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HPAAtMax finds HorizontalPodAutoscalers that want more replicas than they may have.
var HPAAtMax = rule.Cause{
	ID: "hpa-at-max", Title: "the autoscaler wants more than its maximum", Doc: rule.ReadDoc(docs, "hpa_at_max.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.HPAKind),
	Run: func(p *rule.Pass) {
		hpa, c := scaler(p, autoscalingv2.ScalingLimited, corev1.ConditionTrue)
		if hpa == nil || c.Reason != "TooManyReplicas" || hpa.Status.CurrentReplicas < hpa.Spec.MaxReplicas {
			return
		}
		if _, off := scaler(p, autoscalingv2.ScalingActive, corev1.ConditionFalse); off != nil {
			return // what it once wanted is old
		}
		to := scaled(p, hpa)
		f := rule.Finding{
			Field: field.NewPath("spec", "maxReplicas"), Value: fmt.Sprint(hpa.Spec.MaxReplicas), Certainty: rule.Certain,
			Evidence: []rule.Evidence{scalerEvidence(p, c)},
			Message:  fmt.Sprintf("%s has all of its %d replicas, and the load asks for more", to.String(), hpa.Spec.MaxReplicas),
			Label:    "it may not go higher",
			Fix: &rule.Fix{
				Title:         "raise maxReplicas, if the nodes, quotas and what the pods talk to can carry more; or find what makes the load",
				Caution:       "more pods open more connections to databases and take room from others",
				Applicability: rule.Placeholders,
			},
		}
		want := any("<MAX_REPLICAS>")
		if n, word := asked(hpa); n > hpa.Spec.MaxReplicas {
			f.Message = fmt.Sprintf("%s has all of its %d replicas, and the load asks for %d: %s", to.String(), hpa.Spec.MaxReplicas, n, word)
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.currentMetrics", Text: word})
			f.Fix.Title = fmt.Sprintf("raise maxReplicas to %d, which the present load asks for, if the nodes, quotas and what the pods talk to can carry it; or find what makes the load", n)
			f.Fix.Applicability = rule.NeedsThought
			want = n
		}
		f.Fix.Patch = (rule.Setting{Object: p.Object.Ref, Path: f.Field}).ReplaceValue(hpa.Spec.MaxReplicas, want)
		if want == any("<MAX_REPLICAS>") {
			f.Fix.YAML = "spec:\n  maxReplicas: <MAX_REPLICAS>\n" // a number, which a patch would have to quote
			f.Fix.Patch = nil
		} else {
			f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
		}
		carriedByFew(p, to, &f)
		p.Report(f)
	},
}

// carriedByFew words that pods of what is scaled are broken: the others carry their load too, so that more
// are asked for, and more of them would be broken as well.
func carriedByFew(p *rule.Pass, to snapshot.Ref, f *rule.Finding) {
	target, _ := p.Lookup(to.GroupKind(), to.Namespace, to.Name)
	if target == nil {
		return
	}
	broken := rule.NewPass(p.Snapshot, target, nil, nil, rule.Sink{}).BrokenPod()
	if broken == nil {
		return
	}
	pods, not := p.PodsOf(target), 0
	for _, pod := range pods {
		if !rule.PodReady(pod.Pod()) {
			not++
		}
	}
	f.Because = &broken.Ref
	is, rest := "is", ", and the others carry its load"
	if not > 1 {
		is, rest = "are", ", and the others carry their load"
	}
	if not == len(pods) {
		rest = ""
	}
	f.Message += fmt.Sprintf("; %d of its %s %s not ready%s", not, rule.Count(len(pods), "pod"), is, rest)
	f.Label = "it may not go higher; and more of what is broken would help nobody"
	f.Fix.Title = "mend its pods first; then see whether it still asks for more. " + strings.ToUpper(f.Fix.Title[:1]) + f.Fix.Title[1:]
}

// asked is how many replicas the present metrics ask for, as the autoscaler counts, and the metric that
// asks for most; 0 where none can be told.
// Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details.
func asked(hpa *autoscalingv2.HorizontalPodAutoscaler) (n int32, words string) {
	for _, spec := range hpa.Spec.Metrics {
		if spec.Resource == nil || spec.Resource.Target.AverageUtilization == nil || *spec.Resource.Target.AverageUtilization <= 0 {
			continue
		}
		for _, now := range hpa.Status.CurrentMetrics {
			if now.Resource == nil || now.Resource.Name != spec.Resource.Name || now.Resource.Current.AverageUtilization == nil {
				continue
			}
			target, is := *spec.Resource.Target.AverageUtilization, *now.Resource.Current.AverageUtilization
			count := int32(math.Ceil(float64(hpa.Status.CurrentReplicas) * float64(is) / float64(target)))
			if count > n {
				n, words = count, fmt.Sprintf("%s is at %d%% of the requests, %d%% are wanted", spec.Resource.Name, is, target)
			}
		}
	}
	return n, words
}
