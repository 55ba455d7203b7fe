package efficiency

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HPARequestsMissing finds autoscalers that count in shares of a request which is not there.
// Source: kubernetes pkg/controller/podautoscaler/replica_calculator.go.
var HPARequestsMissing = rule.Check{
	ID: "hpa-requests-missing", Title: "autoscales by a request that is missing", Doc: rule.ReadDoc(docs, "hpa_requests_missing.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.HPAKind),
	Applies: func(p *rule.Pass) bool {
		hpa, target := scaled(p)
		return target != nil && len(shares(p.Object, hpa)) > 0
	},
	Run: func(p *rule.Pass) {
		hpa, target := scaled(p)
		if target == nil || told(hpa) {
			return
		}
		metrics := shares(p.Object, hpa)
		var broken []lack
		for _, m := range metrics {
			if l := lacks(p, target, m); l != nil {
				broken = append(broken, *l)
			}
		}
		if len(broken) == 0 {
			return
		}
		// A LimitRange that may not be read could fill in what is missing.
		if !p.ListRead(snapshot.LimitRangeKind, p.Object.Namespace) {
			p.Unknown("%s: %s", snapshot.LimitRangeKind.Kind, p.ListOutcome(snapshot.LimitRangeKind, p.Object.Namespace).Reason)
			return
		}
		all := len(broken) == max(1, len(hpa.Spec.Metrics))
		for _, l := range broken {
			reportLack(p, target, l, all)
		}
	},
}

// told tells whether the autoscaler has noticed by itself: a cause then says so, of the workload.
func told(hpa *autoscalingv2.HorizontalPodAutoscaler) bool {
	for _, c := range hpa.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse && strings.Contains(c.Message, "missing ") && strings.Contains(c.Message, "request for ") {
			return true
		}
	}
	return false
}

// scaled is the object of a Pass as a HorizontalPodAutoscaler, and what it scales; nil for what was not read
// or has no pods.
func scaled(p *rule.Pass) (*autoscalingv2.HorizontalPodAutoscaler, *snapshot.Object) {
	hpa, ok := p.Object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return nil, nil
	}
	to := hpa.Spec.ScaleTargetRef
	ref := snapshot.Ref{APIVersion: to.APIVersion, Kind: to.Kind, Name: to.Name}
	target, _ := p.Lookup(ref.GroupKind(), p.Object.Namespace, to.Name)
	if target == nil || len(target.Templates) == 0 || target.Templates[0].Spec == nil || target.GroupKind() == snapshot.DaemonSetKind { // which nothing scales
		return nil, nil
	}
	return hpa, target
}

// share is a metric that is a share of a request.
type share struct {
	resource  corev1.ResourceName
	container string // "" for the pod as a whole
	path      *field.Path
	goal      int32
}

// defaultShare is what an autoscaler without metrics aims at. Source: the defaults of autoscaling/v2.
const defaultShare = 80

// onlyGoal is where autoscaling/v1, which knows no list of metrics, has its one.
var onlyGoal = field.NewPath("spec", "targetCPUUtilizationPercentage")

// shares are the metrics of an autoscaler that are shares of a request.
func shares(o *snapshot.Object, hpa *autoscalingv2.HorizontalPodAutoscaler) []share {
	metrics := field.NewPath("spec", "metrics")
	if len(hpa.Spec.Metrics) == 0 {
		return []share{{corev1.ResourceCPU, "", metrics, defaultShare}}
	}
	var list []share
	for i, m := range hpa.Spec.Metrics {
		switch {
		case m.Resource != nil && m.Resource.Target.AverageUtilization != nil:
			at := metrics.Index(i).Child("resource", "name")
			if _, ok := rule.ValueAt(o, onlyGoal); ok {
				at = onlyGoal
			}
			list = append(list, share{m.Resource.Name, "", at, *m.Resource.Target.AverageUtilization})
		case m.ContainerResource != nil && m.ContainerResource.Target.AverageUtilization != nil:
			list = append(list, share{m.ContainerResource.Name, m.ContainerResource.Container, metrics.Index(i).Child("containerResource", "container"), *m.ContainerResource.Target.AverageUtilization})
		}
	}
	return list
}

// lack is why a share cannot be computed.
type lack struct {
	share
	without []snapshot.Container // request nothing of it
	names   []string             // of all containers, where the one that is meant is none of them
}

// lacks tells what keeps the autoscaler from computing a share; nil for nothing.
func lacks(p *rule.Pass, target *snapshot.Object, m share) *lack {
	limits, requests := defaults(p)
	b := budget{target.Templates[0], limits, requests, target.Typed == nil}
	if m.container == "" && b.t.Spec.Resources != nil && b.podRequest(m.resource).set() {
		return nil
	}
	l := &lack{share: m}
	total := &amount{}
	found := false
	for _, c := range b.running() {
		l.names = append(l.names, c.Name)
		if m.container != "" && m.container != c.Name {
			continue
		}
		found = true
		request := b.request(c, m.resource)
		if request == nil && b.completed(c) {
			return nil // whoever completes it may ask for something
		}
		if request == nil {
			l.without = append(l.without, c)
			continue
		}
		total.Add(request.Quantity)
	}
	// Where the pod as a whole asks for anything, what single containers do not ask for counts as 0.
	whole := m.container == "" && b.t.Spec.Resources != nil && len(b.t.Spec.Resources.Requests)+len(b.t.Spec.Resources.Limits) > 0
	if found && total.set() && (len(l.without) == 0 || whole) {
		return nil
	}
	if found {
		l.names = nil
	}
	return l
}

func reportLack(p *rule.Pass, target *snapshot.Object, l lack, all bool) {
	outcome := "it never scales"
	f := rule.Finding{Field: l.path, Value: string(l.resource), Label: fmt.Sprintf("%d%% of what is not requested", l.goal)}
	if !all {
		f.Severity = rule.Medium
		outcome = "it scales up by its other metrics only, and never down"
	}
	if p.Files && !p.Closed && len(p.List(snapshot.LimitRangeKind, p.Object.Namespace)) == 0 {
		f.Certainty = rule.Likely
	}
	if l.names != nil {
		f.Certainty = rule.Certain
		f.Value, f.Label = l.container, "no container of that name"
		f.Message = fmt.Sprintf("aims at %d%% of the %s request of container %q, which %s does not have: %s", l.goal, l.resource, l.container, target, outcome)
		fix := rule.Fix{Title: "name a container of the pods", Applicability: rule.NeedsThought, Caution: "that this is the one that was meant, only you know"}
		near := knowledge.Nearest(l.container, l.names)
		if near == "" && len(l.names) == 1 {
			near = l.names[0]
		}
		if near != "" {
			f.Message += fmt.Sprintf("; there is %q", near)
			fix.Patch = p.Put(l.path, near)
			fix.Command = p.Live(fix.Patch)
		}
		p.Report(f).WithFix(fix)
		return
	}
	if len(l.without) == 0 {
		f.Message = fmt.Sprintf("aims at %d%% of the %s that %s requests, and that is 0: %s", l.goal, l.resource, target, outcome)
		p.Report(f).WithFix(rule.Fix{Title: "request what the containers use on an ordinary day", Applicability: rule.NeedsThought, Object: target.Ref})
		return
	}
	c := l.without[0]
	f.Message = fmt.Sprintf("aims at %d%% of the %s that %s requests, and its container %q requests none: %s", l.goal, l.resource, target, c.Name, outcome)
	if len(l.without) > 1 {
		f.Message = fmt.Sprintf("aims at %d%% of the %s that %s requests, and %d of its containers, such as %q, request none: %s", l.goal, l.resource, target, len(l.without), c.Name, outcome)
	}
	if l.container == "" && len(l.without) < len(target.Templates[0].Spec.Containers) {
		f.RuledOut = []string{"that the requests of the other containers are enough: one that is missing makes the sum unknown"}
	}
	placeholder := map[corev1.ResourceName]string{corev1.ResourceCPU: "<CPU>", corev1.ResourceMemory: "<MEMORY>"}[l.resource]
	if placeholder == "" {
		placeholder = "<QUANTITY>"
	}
	var values []rule.Value
	for _, w := range l.without {
		values = append(values, rule.Value{Path: resources(w.Path, "requests", l.resource), Value: placeholder})
	}
	patch := rule.PutAllIn(target, values...)
	fix := rule.Fix{
		Title:         fmt.Sprintf("request the %s that it uses on an ordinary day, in each container", l.resource),
		Caution:       "the share is computed from it: too small a request makes many pods, too large a one few; the change rolls all pods",
		Applicability: rule.Placeholders, Object: target.Ref, Patch: patch, YAML: rule.Nest(placeholder, "resources", "requests", string(l.resource)),
	}
	if !p.Files {
		fix.Command = p.PatchCommand(target.Ref, patch)
	}
	p.Report(f).WithFix(fix)
}
