package cluster_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// TestScale fills a small cluster with all that a large one has: each way to be broken is there, and the
// plugin reads it to the end and shows no value of a Secret.
func TestScale(t *testing.T) {
	const nodes, pods = 10, 400
	c := testcluster.Scale(t, nodes, pods)
	ctx := context.Background()
	list, err := c.Client().CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	size, broken, namespaces := 0, 0, map[string]bool{}
	for _, p := range list.Items {
		size += p.Size()
		namespaces[p.Namespace] = true
		if len(p.OwnerReferences) == 0 {
			t.Errorf("pod %s has no owner", p.Name)
		}
		ready := slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		if !ready && p.Status.Phase != corev1.PodSucceeded {
			broken++
		}
	}
	if len(list.Items) != pods {
		t.Errorf("%d pods, want %d", len(list.Items), pods)
	}
	if broken == 0 || broken > pods/10 {
		t.Errorf("%d of %d pods are broken, want a few per cent", broken, pods)
	}
	t.Logf("%d pods in %d namespaces, %d of them broken, %d bytes of protobuf each", len(list.Items), len(namespaces), broken, size/len(list.Items))
	if each := size / len(list.Items); each < 5000 || each > 8000 {
		t.Errorf("a pod has %d bytes, want as many as pods of real charts have", each)
	}

	placedTable(t, maturity(t, c.Kubeconfig, "level", "-A"))
	for _, args := range [][]string{{"level", "-A", "-o", "json"}, {"check", "-A"}, {"check", "-A", "-o", "json"}} {
		s := maturity(t, c.Kubeconfig, args...)
		if s.code != 0 && s.code != 1 {
			t.Errorf("%v: exit %d\n%s", args, s.code, s.err)
		}
		if strings.Contains(s.out+s.err, testcluster.PlantedSecret) {
			t.Errorf("%v shows the value of a Secret", args)
		}
	}
}
