package lifecycle

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Preempted finds pods that had to make room for one of higher priority.
var Preempted = rule.Cause{
	ID: "preempted", Title: "made room for a pod of higher priority", Doc: rule.ReadDoc(docs, "preempted.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if rule.Disruption(p.Object.Pod()).Reason == corev1.PodReasonPreemptionByScheduler {
			return []snapshot.Want{snapshot.WantList(snapshot.PodKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		c := rule.Disruption(pod)
		if c.Reason != corev1.PodReasonPreemptionByScheduler {
			return
		}
		priority := int32(0)
		if pod.Spec.Priority != nil {
			priority = *pod.Spec.Priority
		}
		setting := p.PodSpec().Child("priorityClassName")
		f := rule.Finding{
			Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: pod.Spec.PriorityClassName, Certainty: rule.Certain,
			Message:  fmt.Sprintf("the scheduler stopped it on node/%s to make room for a pod of higher priority than its %d", pod.Spec.NodeName, priority),
			Label:    fmt.Sprintf("priority %d: what has more may take its place", priority),
			Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[DisruptionTarget]", Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + c.Message}},
			RuledOut: []string{"a program that failed: the scheduler chose the pod for its priority"},
			History:  replaced(p),
		}
		if e := p.Event(p.Object, "Preempted"); e != nil {
			f.Evidence = append(f.Evidence, rule.EventEvidence(e))
			for _, o := range p.List(snapshot.PodKind, "") {
				if uid := string(o.Meta.GetUID()); uid != "" && strings.Contains(e.Message, uid) {
					f.Message = fmt.Sprintf("the scheduler stopped it on node/%s to make room for %s, %s", pod.Spec.NodeName, o.String(), higher(o.Pod(), priority))
				}
			}
		}
		f.Fix = &rule.Fix{
			Title: "add room for both, or give it a class of at least that priority", Applicability: rule.Placeholders,
			Caution: "priority takes the place from others: it is for what matters more, not for what was stopped last. Add a node where both matter",
			YAML:    "priorityClassName: <CLASS>\n",
		}
		p.Report(f)
	},
}

func higher(pod *corev1.Pod, than int32) string {
	if pod.Spec.Priority == nil {
		return "which has a higher priority"
	}
	return fmt.Sprintf("whose priority is %d, more than its own %d", *pod.Spec.Priority, than)
}
