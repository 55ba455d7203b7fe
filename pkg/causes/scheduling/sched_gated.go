package scheduling

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// SchedGated finds pods that a gate keeps from the scheduler.
var SchedGated = rule.Cause{
	ID: "sched-gated", Title: "a scheduling gate holds it back", Doc: rule.ReadDoc(docs, "sched_gated.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil || len(pod.Spec.SchedulingGates) == 0 {
			return
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonSchedulingGated {
				reportGated(p, c)
			}
		}
	},
}

// gateOwners are controllers that hold pods back by a gate until it is their turn, by the group that
// the name of the gate starts with. Source: their documentation.
var gateOwners = []struct{ group, name string }{
	{"kueue.x-k8s.io/", "Kueue, which admits a workload when its queue has quota (kubectl get workloads)"},
	{"karmada.io/", "Karmada"},
	{"volcano.sh/", "Volcano"},
	{"scheduling.x-k8s.io/", "the scheduler plugins"},
}

func reportGated(p *rule.Pass, c corev1.PodCondition) {
	pod, spec := p.Object.Pod(), p.PodSpec()
	var names []string
	for _, g := range pod.Spec.SchedulingGates {
		names = append(names, g.Name)
	}
	own := rule.Setting{Object: p.Object.Ref, Path: p.Object.Templates[0].SpecPath()}
	setting := own.Child("schedulingGates").Index(0).Child("name")
	if t := templateOf(p, spec); t != nil && len(t.SchedulingGates) > 0 && t.SchedulingGates[0].Name == names[0] {
		setting = spec.Child("schedulingGates").Index(0).Child("name")
	}
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: names[0], Certainty: rule.Certain,
		Message:  fmt.Sprintf("held back for %s by scheduling gate %s: no scheduler looks at it until that is removed", rule.Human(p.Age(pod.CreationTimestamp.Time)), strings.Join(names, ", ")),
		Label:    "whoever set this removes it",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[PodScheduled]", Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + c.Message}},
		RuledOut: []string{"nodes that do not fit: they have not been looked at"},
	}
	by := "the controller that set it"
	for _, g := range gateOwners {
		if strings.HasPrefix(names[0], g.group) {
			by = g.name
		}
	}
	at := own.Child("schedulingGates")
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("see why it is not removed by %s; the command removes it by hand", by),
		Caution:       "a gate has a purpose, a quota or a resource that is not ready: remove it only where nobody else will",
		Applicability: rule.NeedsThought, Object: p.Object.Ref,
		Patch: &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: at.Index(0).Child("name").Pointer(), Value: names[0]}, {Op: "remove", Path: at.Index(0).Pointer()}}},
	}
	f.Fix.Lines = []string{p.Line(p.PatchCommand(p.Object.Ref, f.Fix.Patch)...)} // a gate may go from a pod that is there
	p.Report(f)
}
