package report

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/revision"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func TestMayHaveWorked(t *testing.T) {
	recreate := &appsv1.Deployment{}
	recreate.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	for _, c := range []struct {
		workload        runtime.Object
		pods, ready, to int
		want            bool
	}{
		{&appsv1.Deployment{}, 2, 1, 0, true},
		{&appsv1.Deployment{}, 1, 0, 0, false},
		{&appsv1.Deployment{}, 0, 0, 0, false}, // a rolling update takes broken pods away first
		{recreate, 0, 0, 0, true},
		{recreate, 0, 0, 2, false},
		{&appsv1.StatefulSet{}, 0, 0, 0, true},
		{&appsv1.StatefulSet{}, 1, 0, 0, false},
		{&appsv1.DaemonSet{}, 0, 0, 0, true},
		{&appsv1.DaemonSet{}, 0, 0, 1, false},
	} {
		changed := &engine.Changed{From: revision.Revision{Pods: c.pods, Ready: c.ready}, To: revision.Revision{Ready: c.to}}
		if got := mayHaveWorked(changed, &snapshot.Object{Typed: c.workload}); got != c.want {
			t.Errorf("%T with %d pods, %d ready, then %d: %v", c.workload, c.pods, c.ready, c.to, got)
		}
	}
}
