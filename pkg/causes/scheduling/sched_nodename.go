package scheduling

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedNodeName finds pods that are meant for a node which does not exist, past the scheduler.
var SchedNodeName = rule.Cause{
	ID: "sched-nodename", Title: "is put on a node that does not exist", Doc: rule.ReadDoc(docs, "sched_nodename.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if name := p.Object.Pod().Spec.NodeName; name != "" && neverStarted(p) {
			return []snapshot.Want{snapshot.WantGet(snapshot.NodeKind, "", name), snapshot.WantList(snapshot.NodeKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		name := p.Object.Pod().Spec.NodeName
		if name == "" || !neverStarted(p) {
			return
		}
		node, out := p.Lookup(snapshot.NodeKind, "", name)
		if node != nil || out.State != snapshot.Absent {
			return
		}
		setting := p.PodSpec().Child("nodeName")
		template := templateOf(p, p.PodSpec())
		if template != nil && template.NodeName != name {
			return // its scheduler chose the node, which is gone since
		}
		f := rule.Finding{
			Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: name, Certainty: rule.Certain,
			Message: fmt.Sprintf("is put on node/%s past the scheduler, and there is no such node: nobody will start it, and it will be deleted", name),
			Label:   "no node of this name",
			Evidence: []rule.Evidence{
				{Source: rule.FromStatus, Text: fmt.Sprintf("the API has no node/%s", name)},
				{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Text: fmt.Sprintf("Pending for %s: no kubelet has taken it", rule.Human(p.Age(p.Object.Pod().CreationTimestamp.Time)))},
			},
			RuledOut: []string{"the scheduler: it never looks at a pod that has a nodeName"},
		}
		if !out.Proven {
			f.Certainty = rule.Likely
		}
		f.Fix = &rule.Fix{Title: "leave out nodeName, so that a scheduler chooses the node", Applicability: rule.NeedsThought, Caution: "if it was meant for one machine, ask for that by a nodeSelector on kubernetes.io/hostname"}
		if near := knowledge.Nearest(name, p.Names(snapshot.NodeKind, "")); near != "" {
			f.Label = fmt.Sprintf("no node of this name; there is %s", near)
		}
		if setting.Object.Kind == "Pod" {
			f.Fix.Caution = "the node of a pod cannot be changed: delete it and create it again without nodeName. " + "If it was meant for one machine, ask for that by a nodeSelector on kubernetes.io/hostname"
			f.Fix.YAML = "# without nodeName\nspec:\n  nodeSelector: {}\n"
		} else {
			f.Fix.Patch = &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: setting.Pointer(), Value: name}, {Op: "remove", Path: setting.Pointer()}}}
			f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
		}
		p.Report(f)
	},
}

// neverStarted tells whether a pod has a node's name and no scheduler and no kubelet has said anything
// of it.
func neverStarted(p *rule.Pass) bool {
	pod := p.Object.Pod()
	if pod.DeletionTimestamp != nil || pod.Status.StartTime != nil || pod.Status.Phase != corev1.PodPending {
		return false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			return false
		}
	}
	return true
}
