package lifecycle

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ResizeStuck finds running pods whose resources were changed, and whose kubelet has not done it.
var ResizeStuck = rule.Cause{
	ID: "resize-stuck", Title: "a resize of the running pod is not done", Doc: rule.ReadDoc(docs, "resize_stuck.md"),
	Stage: rule.StageCondition, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
			return
		}
		for _, c := range pod.Status.Conditions {
			if c.Status == corev1.ConditionTrue && (c.Type == corev1.PodResizePending || c.Type == corev1.PodResizeInProgress && c.Reason == corev1.PodReasonError) {
				reportResize(p, pod, c)
				return
			}
		}
	},
}

// resized is the container whose resources are not those that its spec says, and the first such request or
// limit.
func resized(p *rule.Pass) (c snapshot.Container, list string, name corev1.ResourceName, asks, has resource.Quantity) {
	for _, c := range p.Object.PodContainers() {
		if c.Status == nil || c.Status.Resources == nil {
			continue
		}
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			for _, part := range []struct {
				name      string
				asks, has corev1.ResourceList
			}{{"requests", c.Resources.Requests, c.Status.Resources.Requests}, {"limits", c.Resources.Limits, c.Status.Resources.Limits}} {
				asks, asked := part.asks[name]
				has, had := part.has[name]
				if asked && had && asks.Cmp(has) != 0 {
					return c, part.name, name, asks, has
				}
			}
		}
	}
	return c, "", "", asks, has
}

func reportResize(p *rule.Pass, pod *corev1.Pod, c corev1.PodCondition) {
	container, list, name, asks, has := resized(p)
	f := rule.Finding{
		Object: p.Object.Ref, Seen: p.Object.Ref, Certainty: rule.Certain,
		NoField:  "which of its resources differ is not in the status",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[" + string(c.Type) + "]", Time: c.LastTransitionTime.Time, Text: fmt.Sprintf("%s: %s: %s", c.Type, c.Reason, c.Message)}},
		RuledOut: []string{"a program that failed: it runs on with what it had"},
	}
	what := "its resources"
	if list != "" {
		resources := rule.Setting{Object: p.Object.Ref, Path: container.Path.Child("resources", list).Child(string(name))}
		f.Field, f.NoField, f.Value, f.Seen = resources.Path, "", asks.String(), p.Object.In(container.Name)
		f.Label = fmt.Sprintf("runs with %s", has.String())
		what = fmt.Sprintf("%s for %s from %s to %s", list[:len(list)-1], name, has.String(), asks.String())
	}
	f.Fix = &rule.Fix{Applicability: rule.NeedsThought, Object: p.Object.Ref}
	switch c.Reason {
	case corev1.PodReasonInfeasible:
		f.Message = fmt.Sprintf("node/%s can never change %s: it runs on with the old value", pod.Spec.NodeName, what)
		f.Fix.Title = "take it back, and change the template of its controller instead, so that a new pod goes to a node that has it"
	case corev1.PodReasonDeferred:
		f.Message = fmt.Sprintf("node/%s has no room now to change %s: it is done once other pods leave", pod.Spec.NodeName, what)
		f.Fix.Title = "wait, or take it back and change the template of its controller, so that a new pod goes to a node that has room"
	default:
		f.Message = fmt.Sprintf("node/%s failed to change %s, and tries again", pod.Spec.NodeName, what)
		f.Fix.Title = "take it back; a memory limit cannot go below what the container uses"
	}
	f.Fix.Caution = "the command restores what it runs with; nothing restarts"
	if list != "" {
		// The container is named, since a strategic patch finds it by that.
		patch := &rule.Patch{Type: "strategic", Body: map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": container.Name, "resources": map[string]any{list: map[string]any{string(name): has.String()}}}}}}}
		f.Fix.Lines = []string{p.Line(append(p.PatchCommand(p.Object.Ref, patch), "--subresource=resize")...)}
	}
	p.Report(f)
}
