package nodes

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeNotReadyKubelet finds nodes whose kubelet has stopped reporting.
var NodeNotReadyKubelet = rule.Cause{
	ID: "node-notready-kubelet", Title: "the node's kubelet stopped reporting", Doc: rule.ReadDoc(docs, "node_notready_kubelet.md"),
	Peers: map[string][]string{"popeye": {"POP-701", "POP-702"}},
	Stage: rule.StageNodeLost, On: rule.Kinds(snapshot.NodeKind),
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok {
			return
		}
		for _, c := range node.Status.Conditions {
			// A kubelet that has a complaint says so itself, with status False; only the node
			// controller, which hears nothing, writes Unknown.
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionUnknown {
				reportSilent(p, node, c)
			}
		}
	},
}

func reportSilent(p *rule.Pass, node *corev1.Node, c corev1.NodeCondition) {
	since := c.LastTransitionTime.Time
	if h := c.LastHeartbeatTime.Time; !h.IsZero() && h.Before(since) {
		since = h
	}
	f := rule.Finding{
		NoField:   "no setting of Kubernetes is to blame: the machine is off, cut off, or its kubelet does not run",
		Message:   fmt.Sprintf("its kubelet has not reported for %s: nothing is started, stopped or probed on it", rule.Human(p.Age(since))),
		Evidence:  []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[Ready]", Time: c.LastTransitionTime.Time, Text: fmt.Sprintf("Ready is Unknown: %s: %s", c.Reason, c.Message)}},
		RuledOut:  []string{"a complaint of the kubelet (network plugin, container runtime, pressure): it would report that itself, as Ready False"},
		Certainty: rule.Certain,
	}
	for _, o := range p.List(snapshot.PodKind, "") {
		pod := o.Pod()
		if pod.Spec.NodeName != p.Object.Name || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || rule.PodReady(pod) {
			continue
		}
		f.Pods = append(f.Pods, o.Ref)
	}
	if len(f.Pods) > 0 {
		f.Message = fmt.Sprintf("its kubelet has not reported for %s: %s on it no longer count as ready", rule.Human(p.Age(since)), rule.Count(len(f.Pods), "pod"))
		if len(f.Pods) == 1 {
			f.Message = fmt.Sprintf("its kubelet has not reported for %s: 1 pod on it no longer counts as ready", rule.Human(p.Age(since)))
		}
		f.Evidence = append(f.Evidence, podEvidence(p, f.Pods[0])...)
	}
	for _, t := range node.Spec.Taints {
		if t.Key == corev1.TaintNodeUnreachable && t.Effect == corev1.TaintEffectNoExecute && t.TimeAdded != nil {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.taints", Time: t.TimeAdded.Time, Text: "tainted " + t.Key + ":NoExecute: pods that do not tolerate it for longer are deleted after 5 minutes"})
		}
	}
	f.Fix = &rule.Fix{
		Title:         "bring the machine or its kubelet back; pods on it recover by themselves",
		Caution:       "the containers may still run and write. Force-delete their pods only when the machine is certainly off",
		Applicability: rule.NeedsThought,
		Lines:         []string{"on the machine: systemctl status kubelet; journalctl -u kubelet --since -15min"},
	}
	p.Report(f)
}

// podEvidence shows on one pod that the node controller, not the kubelet, took its readiness.
func podEvidence(p *rule.Pass, ref snapshot.Ref) []rule.Evidence {
	o, _ := p.Lookup(snapshot.PodKind, ref.Namespace, ref.Name)
	if o == nil {
		return nil
	}
	if e := p.Event(o, "NodeNotReady"); e != nil {
		evidence := rule.EventEvidence(e)
		evidence.Text = ref.String() + " " + evidence.Text
		return []rule.Evidence{evidence}
	}
	return nil
}
