package collect_test

import (
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// TestAutoscalerV1 holds that the goal of autoscaling/v1 is one of the metrics of v2, which rules look at.
func TestAutoscalerV1(t *testing.T) {
	const text = `
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 4
`
	for goal, want := range map[string]int32{"  targetCPUUtilizationPercentage: 50\n": 50, "": 0, "  targetCPUUtilizationPercentage: many\n": 0} {
		s, problems, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text + goal), Namespace: "default", Now: time.Now()})
		if err != nil || len(problems) > 0 {
			t.Fatal(goal, err, problems)
		}
		got := int32(0)
		o, _ := s.Lookup(snapshot.HPAKind, "default", "web")
		hpa, ok := o.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		if !ok {
			t.Fatalf("%q: it is a %T", goal, o.Typed)
		}
		for _, m := range hpa.Spec.Metrics {
			got += *m.Resource.Target.AverageUtilization
		}
		if got != want || hpa.Spec.MaxReplicas != 4 || len(o.UnknownFields) > 0 {
			t.Errorf("%q: aims at %d%%, want %d%%; %d replicas at most; unknown %v", goal, got, want, hpa.Spec.MaxReplicas, o.UnknownFields)
		}
	}
}
