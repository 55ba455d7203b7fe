package engine

import (
	"slices"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Overview leaves out what nobody who names no object asks for: questions about routes, policies and
// autoscalers that seem to work, and that budgets forbid what nobody has tried; those still count among what
// was looked at. Who names one of them is told.
func Overview(s *snapshot.Snapshot, diagnoses []Diagnosis) []Diagnosis {
	var kept []Diagnosis
	for _, d := range diagnoses {
		o, _ := s.Lookup(d.Target.GroupKind(), d.Target.Namespace, d.Target.Name)
		if o == nil {
			kept = append(kept, d)
			continue
		}
		if budget, ok := o.Typed.(*policyv1.PodDisruptionBudget); ok && d.Health.State == Unhealthy && onlyStrict(budget) && !slices.ContainsFunc(d.Findings, otherThanStrict) {
			d = Diagnosis{Target: d.Target, Health: Health{Healthy, "its pods are well; it lets none of them be evicted"}}
		}
		beside := slices.Contains([]string{"Ingress", "NetworkPolicy", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Gateway"}, o.Kind) || isRoute(o)
		if beside && d.Health.State != Unhealthy {
			d.Findings = slices.DeleteFunc(d.Findings, func(f *rule.Finding) bool { return f.Certainty == rule.Possible })
		}
		kept = append(kept, d)
	}
	return kept
}

// otherThanStrict tells whether a finding says more of a budget than that it allows no eviction now.
func otherThanStrict(f *rule.Finding) bool { return f.Rule != "eviction-blocked" && !f.History }

// onlyStrict tells whether a budget allows no eviction although all its pods are well: that is a fault when
// a node is to be drained, and not before.
func onlyStrict(budget *policyv1.PodDisruptionBudget) bool {
	st := budget.Status
	failed := slices.ContainsFunc(st.Conditions, func(c metav1.Condition) bool { return c.Reason == policyv1.SyncFailedReason })
	return !failed && st.ExpectedPods > 0 && st.CurrentHealthy >= st.ExpectedPods
}
