package controllers

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

// Kubernetes before 1.26 names no container, before 1.30 no pod-level request.
// Source: kubernetes pkg/controller/podautoscaler/replica_calculator.go.
var missingRequest = knowledge.Regexp(`missing (?:pod-level )?request for (\S+)(?: in container (\S+) of Pod (\S+))?`)

// HPANoRequests finds HorizontalPodAutoscalers that scale by a share of what the pods request, where a
// container requests nothing.
var HPANoRequests = rule.Cause{
	ID: "hpa-no-requests", Title: "the autoscaler needs a request that is missing", Doc: rule.ReadDoc(docs, "hpa_no_requests.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.HPAKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		hpa, c := scaler(p, autoscalingv2.ScalingActive, corev1.ConditionFalse)
		if hpa == nil || !missingRequest.MatchString(c.Message) {
			return nil
		}
		to := scaled(p, hpa)
		return []snapshot.Want{snapshot.WantGet(to.GroupKind(), to.Namespace, to.Name)}
	},
	Run: func(p *rule.Pass) {
		hpa, c := scaler(p, autoscalingv2.ScalingActive, corev1.ConditionFalse)
		if hpa == nil {
			return
		}
		if m := missingRequest.FindStringSubmatch(c.Message); m != nil {
			reportNoRequest(p, hpa, c, m[1], m[2])
		}
	},
}

func reportNoRequest(p *rule.Pass, hpa *autoscalingv2.HorizontalPodAutoscaler, c *autoscalingv2.HorizontalPodAutoscalerCondition, resource, container string) {
	to := scaled(p, hpa)
	target, _ := p.Lookup(to.GroupKind(), to.Namespace, to.Name)
	f := rule.Finding{
		Object: to, Certainty: rule.Certain, Evidence: []rule.Evidence{scalerEvidence(p, c)},
		Field:    field.NewPath("spec", "template", "spec", "containers"),
		Message:  fmt.Sprintf("%s scales by a share of the requested %s, and a container requests none", p.Object.String(), resource),
		RuledOut: []string{"metrics that are missing: what the pods use is known, what it is a share of is not"},
		Fix: &rule.Fix{
			Title:         "give every container of the pods a request, sidecars too; or scale by an averageValue",
			Caution:       "the share is counted of the request: one that is too low makes the autoscaler start many pods",
			Applicability: rule.Placeholders,
		},
	}
	if target == nil || len(target.Templates) == 0 {
		p.Report(f)
		return
	}
	var values []rule.Value
	var names []string
	for _, t := range target.Templates[0].Containers() {
		if _, has := t.Resources.Requests[corev1.ResourceName(resource)]; has || t.Init {
			continue
		}
		if _, has := t.Resources.Limits[corev1.ResourceName(resource)]; has { // the API takes it for the request
			continue
		}
		path := t.Path.Child("resources", "requests", resource)
		label := fmt.Sprintf("no %s request here", resource)
		if len(values) == 0 {
			f.Field, f.Label = path, label
		} else {
			f.Marks = append(f.Marks, rule.Mark{Field: path, Label: label})
		}
		names = append(names, t.Name)
		values = append(values, rule.Value{Path: path, Value: placeholder(lack{t, "requests", resource}, false)})
	}
	switch len(names) {
	case 0: // the template has them by now, or its pods are of an older one
		f.Label = "the template names a request for each; pods of an older revision may not"
		f.Fix.Title, f.Fix.Applicability = "replace the pods that are older than the template: `kubectl rollout status` tells", rule.NeedsThought
		if container != "" {
			f.Message = fmt.Sprintf("%s scales by a share of the requested %s, and container %s of a pod requests none, though the template does", p.Object.String(), resource, clip(container))
		}
		f.NoField, f.Field = "the template has what the pods lack", nil
		p.Report(f)
		return
	case 1:
		f.Fix.Command = p.SetResources(to, names[0], resource+"="+placeholder(lack{snapshot.Container{}, "requests", resource}, true), "")
	default:
		f.Fix.Object = to
		f.Fix.Patch = rule.PutAllIn(target, values...)
		f.Fix.Command = p.PatchCommand(to, f.Fix.Patch)
	}
	f.Message = fmt.Sprintf("%s scales by a share of the requested %s, and container %s requests none", p.Object.String(), resource, strings.Join(names, ", "))
	p.Report(f)
}
