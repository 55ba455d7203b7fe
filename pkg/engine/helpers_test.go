package engine

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

var timeZero = time.Unix(0, 0)

func addPod(t *testing.T, s *snapshot.Snapshot, name string) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "a"}}
	if _, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil); err != nil {
		t.Fatal(err)
	}
}
