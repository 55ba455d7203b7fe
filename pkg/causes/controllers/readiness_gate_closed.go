package controllers

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ReadinessGateClosed finds pods whose containers are ready, and which nobody has declared ready.
var ReadinessGateClosed = rule.Cause{
	ID: "readiness-gate-closed", Title: "a readiness gate that nobody opens", Doc: rule.ReadDoc(docs, "readiness_gate_closed.md"),
	Peers: map[string][]string{"popeye": {"POP-204"}},
	Stage: rule.StageNotReady, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod == nil || pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning || rule.PodReady(pod) || len(pod.Spec.ReadinessGates) == 0 {
			return
		}
		state := map[corev1.PodConditionType]*corev1.PodCondition{}
		for i, c := range pod.Status.Conditions {
			state[c.Type] = &pod.Status.Conditions[i]
		}
		containers := state[corev1.ContainersReady]
		if containers == nil || containers.Status != corev1.ConditionTrue || p.Age(containers.LastTransitionTime.Time) < oldEnough {
			return
		}
		spec := p.PodSpec()
		var closed []string
		f := rule.Finding{
			Object: spec.Object, Certainty: rule.Certain, Label: "the pod counts as ready only when somebody sets this condition of it to True",
			RuledOut: []string{"the containers and their probes: all of them are ready"},
			Fix: &rule.Fix{
				Title:         "see whether the controller that sets the condition runs, and knows of this pod; or do without the gate",
				Caution:       "a gate keeps traffic from a pod until something outside, such as a load balancer, is ready for it",
				Applicability: rule.NeedsThought,
			},
		}
		for i, g := range pod.Spec.ReadinessGates {
			c := state[g.ConditionType]
			if c != nil && c.Status == corev1.ConditionTrue {
				continue
			}
			if closed == nil {
				f.Field, f.Value = spec.Path.Child("readinessGates").Index(i).Child("conditionType"), string(g.ConditionType)
			}
			said := "nobody has set it"
			if c != nil {
				said = strings.TrimRight(fmt.Sprintf("%s, %s: %s", c.Status, c.Reason, c.Message), ": ")
			}
			closed = append(closed, string(g.ConditionType))
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: fmt.Sprintf("status.conditions[%s]", g.ConditionType), Text: fmt.Sprintf("condition %s: %s", g.ConditionType, said)})
		}
		if closed == nil {
			return
		}
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[ContainersReady]", Time: containers.LastTransitionTime.Time, Text: "ContainersReady: True"})
		f.Message = fmt.Sprintf("its containers are ready for %s, and it is not: nothing has set the condition %s", rule.Human(p.Age(containers.LastTransitionTime.Time)), strings.Join(closed, ", "))
		p.Report(f)
	},
}
