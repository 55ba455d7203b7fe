package engine_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What another check says is said once, and is no pass of the one that is silent. Who names what passes finds it here
// too, so that it can be waived here.
func TestSaidBy(t *testing.T) {
	s := snapshot.New(time.Unix(0, 0))
	if _, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "a"}}, nil); err != nil {
		t.Fatal(err)
	}
	check := &rule.Check{ID: "a", On: rule.Pods, Run: func(p *rule.Pass) { p.SaidBy("b") }}
	for _, naming := range []bool{false, true} {
		e := &engine.Engine{Checks: []*rule.Check{check}, NamePassing: naming}
		res := e.Check(s, nil)
		if len(res.Findings) > 0 != naming || len(res.Tallies) != 1 {
			t.Fatalf("%+v", res)
		}
		tally := res.Tallies[0]
		if tally.Pass > 0 || len(tally.Fail) > 0 != naming || tally.NotApplicable > 0 == naming {
			t.Errorf("naming %v: %+v", naming, tally)
		}
	}
}
