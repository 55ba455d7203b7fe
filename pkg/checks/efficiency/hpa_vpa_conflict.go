package efficiency

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HPAVPAConflict finds workloads whose requests one autoscaler changes while another counts in shares of them.
var HPAVPAConflict = rule.Check{
	ID: "hpa-vpa-conflict", Title: "two autoscalers work by the same resource", Doc: rule.ReadDoc(docs, "hpa_vpa_conflict.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.HPAKind),
	Applies: func(p *rule.Pass) bool {
		hpa, ok := p.Object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		return ok && verticalOf(p, hpa) != nil
	},
	Run: func(p *rule.Pass) {
		hpa, ok := p.Object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		if !ok {
			return
		}
		vpa := verticalOf(p, hpa)
		if vpa == nil {
			return
		}
		to := hpa.Spec.ScaleTargetRef
		target, _ := p.Lookup(snapshot.Ref{APIVersion: to.APIVersion, Kind: to.Kind}.GroupKind(), p.Object.Namespace, to.Name)
		for _, m := range shares(p.Object, hpa) {
			if !controls(vpa, target, m) {
				continue
			}
			p.Report(rule.Finding{
				Field: m.path, Value: string(m.resource), Label: fmt.Sprintf("a share of the request that %s changes", vpa),
				Message: fmt.Sprintf("scales %s by its share of the %s request, which %s changes: each undoes what the other does, and the number of replicas swings", to.Name, m.resource, vpa),
			}).WithFix(rule.Fix{
				Title:         "scale by something else than the " + string(m.resource) + " request, or let the other one only recommend (updateMode Off)",
				Caution:       fmt.Sprintf("%s can also be told to leave %s alone: controlledResources", vpa, m.resource),
				Applicability: rule.NeedsThought,
				YAML:          "updatePolicy:\n  updateMode: \"Off\"\n",
			})
		}
	},
}

// verticalKey is the key under which the VerticalPodAutoscalers are kept by what they change.
type verticalKey struct{}

// verticalOf is the VerticalPodAutoscaler that changes the requests of what hpa scales; nil for none.
func verticalOf(p *rule.Pass, hpa *autoscalingv2.HorizontalPodAutoscaler) *snapshot.Object {
	byTarget := snapshot.Derived(p.Snapshot, verticalKey{}, func() map[snapshot.Ref]*snapshot.Object {
		found := map[snapshot.Ref]*snapshot.Object{}
		for _, o := range p.List(snapshot.VPAKind, "") {
			if ref, ok := verticalTarget(o); ok {
				found[ref.Key()] = o
			}
		}
		return found
	})
	to := hpa.Spec.ScaleTargetRef
	return byTarget[snapshot.Ref{APIVersion: to.APIVersion, Kind: to.Kind, Namespace: p.Object.Namespace, Name: to.Name}.Key()]
}

// verticalTarget is what a VerticalPodAutoscaler changes; not ok for one that only recommends, or that changes
// pods as they start, which they do anyway.
func verticalTarget(o *snapshot.Object) (snapshot.Ref, bool) {
	spec, _ := o.Content["spec"].(map[string]any)
	policy, _ := spec["updatePolicy"].(map[string]any)
	switch policy["updateMode"] {
	case "Off", "Initial":
		return snapshot.Ref{}, false
	}
	target, _ := spec["targetRef"].(map[string]any)
	api, _ := target["apiVersion"].(string)
	kind, _ := target["kind"].(string)
	name, _ := target["name"].(string)
	return snapshot.Ref{APIVersion: api, Kind: kind, Namespace: o.Namespace, Name: name}, kind != "" && name != ""
}

// controls tells whether a VerticalPodAutoscaler changes the request that a metric is a share of: of any
// container, where the metric is about all.
func controls(vpa, target *snapshot.Object, m share) bool {
	if m.resource != corev1.ResourceCPU && m.resource != corev1.ResourceMemory {
		return false
	}
	containers := []string{m.container}
	if m.container == "" {
		if target == nil || len(target.Templates) == 0 {
			return false
		}
		containers = nil
		for _, c := range (budget{t: target.Templates[0]}).running() {
			containers = append(containers, c.Name)
		}
	}
	for _, c := range containers {
		if controlsContainer(vpa, c, m.resource) {
			return true
		}
	}
	return false
}

// controlsContainer reads the policy for one container: its own, else that for all others, else the default,
// which is both resources.
func controlsContainer(vpa *snapshot.Object, container string, name corev1.ResourceName) bool {
	spec, _ := vpa.Content["spec"].(map[string]any)
	resourcePolicy, _ := spec["resourcePolicy"].(map[string]any)
	list, _ := resourcePolicy["containerPolicies"].([]any)
	var policy map[string]any
	for _, item := range list {
		entry, _ := item.(map[string]any)
		switch entry["containerName"] {
		case container:
			policy = entry
		case "*":
			if policy == nil {
				policy = entry
			}
		}
	}
	if policy["mode"] == "Off" {
		return false
	}
	controlled, set := policy["controlledResources"].([]any)
	if !set {
		return true
	}
	for _, r := range controlled {
		if r == string(name) {
			return true
		}
	}
	return false
}
