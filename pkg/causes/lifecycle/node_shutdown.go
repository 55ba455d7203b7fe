package lifecycle

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeShutdown finds pods that their kubelet ended because the machine was shutting down.
var NodeShutdown = rule.Cause{
	ID: "node-shutdown", Title: "ended in order, since its machine was shut down", Doc: rule.ReadDoc(docs, "node_shutdown.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if !shutDown(p.Object.Pod()) || p.Object.Pod().Spec.NodeName == "" {
			return nil
		}
		return []snapshot.Want{snapshot.WantGet(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName)}
	},
	Run: func(p *rule.Pass) {
		if shutDown(p.Object.Pod()) {
			reportShutdown(p)
		}
	},
}

// shutdownWords are the kubelet's, by status.reason; those of a pod that it refused meanwhile are told by
// kubelet-reject. Source: kubelet, nodeshutdown_manager.go; the second up to 1.21.
var shutdownWords = map[string]string{
	"Terminated": "imminent node shutdown",
	"Shutdown":   "Node is shutting",
}

func shutDown(pod *corev1.Pod) bool {
	words := shutdownWords[pod.Status.Reason]
	return words != "" && strings.Contains(pod.Status.Message, words)
}

func reportShutdown(p *rule.Pass) {
	pod, node := p.Object.Pod(), nodeRef(p)
	c := rule.Disruption(pod)
	at := c.LastTransitionTime.Time
	if at.IsZero() {
		at = endOf(p)
	}
	f := rule.Finding{
		Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Certain, History: remade(p),
		NoField:  "no setting is to blame: the machine was shut down, and its kubelet ended the pods first",
		Message:  fmt.Sprintf("was ended since %s was shutting down", node.String()),
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Time: at, Text: pod.Status.Reason + ": " + pod.Status.Message}},
		RuledOut: []string{"a program that failed: the kubelet ended it", "an eviction: the node ran short of nothing"},
	}
	switch o, out := p.Lookup(snapshot.NodeKind, "", node.Name); {
	case o == nil && out.State == snapshot.Absent && out.Proven:
		f.Message += ", and the node is gone: a machine that was given back, or taken away (spot, preemptible)"
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Text: "the API has no " + node.String()})
	case o == nil:
	case rule.NodeReady(o) == corev1.ConditionTrue:
		f.Message += "; it is back, and ready"
	default:
		f.Because = &o.Ref
		f.Message += ", and it is not back"
	}
	f.Fix = nextStep(p, rule.Fix{Object: node, Caution: "a failed pod of this kind stays until somebody deletes it; it does no harm"})
	if _, owned := p.Object.OwnerRef(); owned {
		f.Fix.Object, f.Fix.Command = p.Object.Ref, []string{"delete", p.Object.String()}
		f.Fix.Title += "; the command clears away what is left"
	}
	p.Report(f)
}
