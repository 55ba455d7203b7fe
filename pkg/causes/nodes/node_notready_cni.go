package nodes

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeNotReadyCNI finds nodes whose kubelet reports that the pod network is not set up.
var NodeNotReadyCNI = rule.Cause{
	ID: "node-notready-cni", Title: "the node's pod network is not set up", Doc: rule.ReadDoc(docs, "node_notready_cni.md"),
	Peers: map[string][]string{"popeye": {"POP-702", "POP-707"}},
	Stage: rule.StageNodeLost, On: rule.Kinds(snapshot.NodeKind),
	Run: func(p *rule.Pass) {
		c := complaint(p)
		if c == nil || !says(c.Message, "network not ready", "cni plugin not initialized", "cni config uninitialized", "network plugin is not ready") {
			return
		}
		p.Report(rule.Finding{
			NoField:  "no setting of a workload is to blame: the network plugin of the node has not written its configuration",
			Message:  fmt.Sprintf("its pod network has not been set up for %s: no new pod gets an address there, so none starts", since(p, c)),
			Evidence: []rule.Evidence{conditionEvidence(p, *c)}, Certainty: rule.Certain, Pods: notReadyOn(p),
			RuledOut: []string{"a kubelet that does not answer: it says this itself"},
			Fix: &rule.Fix{
				Title: "see why the pod of the network plugin (a DaemonSet: calico, cilium, flannel, aws-node ...) does not run on this node", Applicability: rule.NeedsThought,
				Lines: []string{rule.Kubectl(p.Context, "kube-system", "get", "pods", "-o", "wide", "--field-selector=spec.nodeName="+p.Object.Name)},
			},
		})
	},
}

// complaint is the Ready condition of a node whose kubelet says that it is not.
func complaint(p *rule.Pass) *corev1.NodeCondition {
	node, ok := p.Object.Typed.(*corev1.Node)
	if !ok {
		return nil
	}
	for i, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionFalse {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}

func says(message string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(message, part) {
			return true
		}
	}
	return false
}

func since(p *rule.Pass, c *corev1.NodeCondition) string {
	return rule.Human(p.Age(c.LastTransitionTime.Time))
}

func conditionEvidence(p *rule.Pass, c corev1.NodeCondition) rule.Evidence {
	return rule.Evidence{
		Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[" + string(c.Type) + "]", Time: c.LastTransitionTime.Time,
		Text: fmt.Sprintf("%s is %s: %s: %s", c.Type, c.Status, c.Reason, c.Message),
	}
}

// notReadyOn are the pods on the node that are to run and are not ready.
func notReadyOn(p *rule.Pass) []snapshot.Ref {
	var list []snapshot.Ref
	for _, o := range p.List(snapshot.PodKind, "") {
		pod := o.Pod()
		if pod.Spec.NodeName == p.Object.Name && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed && !rule.PodReady(pod) {
			list = append(list, o.Ref)
		}
	}
	return list
}
