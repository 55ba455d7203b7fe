package engine

import (
	"testing"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// A budget that allows no eviction of pods that are well is one of many that are looked at; one that shares
// its pods with another is told.
func TestOverviewOfBudgets(t *testing.T) {
	s := snapshot.New(time.Time{})
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}, Status: policyv1.PodDisruptionBudgetStatus{ExpectedPods: 2, CurrentHealthy: 2, DesiredHealthy: 2}}
	o, err := s.Add(policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), budget, nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, state := range map[string]State{"eviction-blocked": Healthy, "pdb-multiple": Unhealthy} {
		kept := Overview(s, []Diagnosis{{Target: o.Ref, Health: Health{State: Unhealthy}, Findings: []*rule.Finding{{Rule: id, Certainty: rule.Certain}}}})
		if len(kept) != 1 || kept[0].Health.State != state || (len(kept[0].Findings) > 0) != (state == Unhealthy) {
			t.Errorf("%s: got %+v, want one that is %s", id, kept, state)
		}
	}
}
