package scheduling

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The scheduler's words, from its NodeAffinity and TaintToleration plugins. Since 1.34 the latter
// no longer names the taint.
const (
	selectorWords = "didn't match Pod's node affinity/selector"
	taintWords    = "had untolerated taint"
)

// refusals are the parts of the scheduler's message, "1 node(s) had untolerated taint(s)".
var refusals = knowledge.Regexp(`(\d+) (node\(s\) [^,.]+|Insufficient [^,.\s]+(?:\.[^,.\s]+)*|Too many pods)`)

// refused are the reasons why nodes were refused, without what the message says of preemption.
func refused(message string) []string {
	var reasons []string
	for _, m := range refusals.FindAllStringSubmatch(withoutPreemption(message), -1) {
		reasons = append(reasons, m[2])
	}
	return reasons
}

// onlyRefused tells whether every node was refused for one of the given reasons.
func onlyRefused(message string, words ...string) bool {
	reasons := refused(message)
	for _, r := range reasons {
		known := false
		for _, w := range words {
			known = known || strings.Contains(r, w)
		}
		if !known {
			return false
		}
	}
	return len(reasons) > 0
}

// nodes are the nodes that were read.
func nodes(p *rule.Pass) []*corev1.Node {
	var list []*corev1.Node
	for _, o := range p.List(snapshot.NodeKind, "") {
		if n, ok := o.Typed.(*corev1.Node); ok {
			list = append(list, n)
		}
	}
	return list
}

// matching are the nodes that the pod's nodeSelector and required node affinity allow.
func matching(p *rule.Pass) []*corev1.Node {
	required := nodeaffinity.GetRequiredNodeAffinity(p.Object.Pod())
	var list []*corev1.Node
	for _, n := range nodes(p) {
		if ok, err := required.Match(n); ok && err == nil {
			list = append(list, n)
		}
	}
	return list
}
