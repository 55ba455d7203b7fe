package rule

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// TolerationFor is which of the tolerations is for a taint: the first counts; -1 where none is. It compares as the
// scheduler and the taint manager do. Source: k8s.io/api core/v1, Toleration.ToleratesTaint; but operators that compare
// numbers, and those that are newer than this program, are taken to tolerate.
func TolerationFor(t corev1.Taint, list []corev1.Toleration) int {
	return slices.IndexFunc(list, func(tol corev1.Toleration) bool {
		switch {
		case tol.Effect != "" && tol.Effect != t.Effect, tol.Key != "" && tol.Key != t.Key:
			return false
		case tol.Operator == "" || tol.Operator == corev1.TolerationOpEqual:
			return tol.Key != "" && tol.Value == t.Value
		}
		return true
	})
}

// passing are how taints start that nobody chose for a node: of Kubernetes, which lets the pods of DaemonSets tolerate its own, and
// of clouds, drivers, network plugins and autoscalers, which a node has for a moment only, or which mark what is no machine.
// Source: k8s.io/kubernetes, pkg/controller/daemon/util, AddOrUpdateDaemonPodTolerations; the documentation of each project.
var passing = []string{
	"node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler", "karpenter.sh/", "node.cilium.io/",
	"ebs.csi.aws.com/", "efs.csi.aws.com/", "virtual-kubelet.io/", "eks.amazonaws.com/compute-type",
}

// PassingTaint tells whether a taint comes and goes by itself, or marks what is no machine.
func PassingTaint(t corev1.Taint) bool {
	return slices.ContainsFunc(passing, func(start string) bool { return strings.HasPrefix(t.Key, start) })
}
