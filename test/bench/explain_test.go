package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// crowd adds n pods that are well to a namespace.
func crowd(b *testing.B, s *snapshot.Snapshot, namespace string, n int) {
	b.Helper()
	ready := []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}, {Type: corev1.ContainersReady, Status: corev1.ConditionTrue}}
	for i := range n {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("other-%d", i), Namespace: namespace, Labels: map[string]string{"app": fmt.Sprintf("other-%d", i%100)}, CreationTimestamp: metav1.NewTime(s.Now.Add(-time.Hour))},
			Spec:       corev1.PodSpec{NodeName: "real-1", Containers: []corev1.Container{{Name: "app", Image: "example.com/app:1"}}},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready, ContainerStatuses: []corev1.ContainerStatus{{Name: "app", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}},
		}
		if _, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// explainLimit is how long the plugin itself may take to explain one object, whatever else is in its namespace.
const explainLimit = time.Second

// BenchmarkExplain explains one Deployment, and the pod of it that is not well, among 3,000 other pods: what it
// wants, the verdict, the report and the text. It fails where that takes a second.
func BenchmarkExplain(b *testing.B) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		b.Fatal(err)
	}
	for _, target := range []string{"deploy/web", "pods"} {
		b.Run(target, func(b *testing.B) {
			s, fetcher, _, err := collect.Archive(os.DirFS("../captures/oomkilled"))
			if err != nil {
				b.Fatal(err)
			}
			targets, err := collect.TargetsIn(s, "s-oomkilled", nil, []string{target})
			if err != nil || len(targets) != 1 {
				b.Fatal(targets, err)
			}
			crowd(b, s, "s-oomkilled", 3000)
			for b.Loop() {
				if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
					b.Fatal(err)
				}
				builder := report.NewBuilder("explain", s, eng)
				builder.Explain(eng.Explain(s, targets))
				var out bytes.Buffer
				if err := render.Explain(&out, builder.Report, render.NewTheme(false, true, 100), true, false); err != nil || !bytes.Contains(out.Bytes(), []byte("oom-own-limit")) {
					b.Fatal(err, out.String())
				}
			}
			if each := b.Elapsed() / time.Duration(b.N); each > explainLimit {
				b.Errorf("%s takes %s, and may take %s", target, each, explainLimit)
			}
		})
	}
}
