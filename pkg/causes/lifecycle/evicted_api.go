package lifecycle

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// EvictedAPI finds pods that somebody had evicted: a drain, an autoscaler, a descheduler.
var EvictedAPI = rule.Cause{
	ID: "evicted-api", Title: "evicted on somebody's request", Doc: rule.ReadDoc(docs, "evicted_api.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Wants: wantsNode(byEviction),
	Run: func(p *rule.Pass) {
		c, ok := taken(p, byEviction)
		if !ok {
			return
		}
		f := takenFinding(p, c)
		f.NoField = "no setting is to blame: somebody asked the API server to evict it, and no disruption budget kept it"
		who, evidence := evictedBy(p)
		f.Evidence = append(f.Evidence, evidence...)
		f.Message = fmt.Sprintf("was evicted from %s through the API: %s", nodeRef(p).String(), who)
		f.Fix = nextStep(p, rule.Fix{Object: nodeRef(p), Caution: "a PodDisruptionBudget decides how many pods of a workload may be evicted at a time"})
		p.Report(f)
	},
}

// evictWords are the events in which those who evict pods say so.
// Source: kubernetes/autoscaler, cluster-autoscaler/core/scaledown/actuation and vertical-pod-autoscaler/pkg/updater;
// kubernetes-sigs/descheduler, evictions; kubernetes-sigs/karpenter, node/termination/terminator/events.
var evictWords = []struct{ reason, words, who string }{
	{"ScaleDown", "node scale down", "the cluster autoscaler takes the node away"},
	{"EvictedByVPA", "VPA", "the vertical pod autoscaler gives it other resources"},
	{"Evicted", "Evicted pod", "karpenter takes the node away"},
	{"", "sigs.k8s.io/descheduler", "the descheduler wants it on another node"},
}

// drainTaints are the taints that those who empty a node put on it.
var drainTaints = map[string]string{
	"ToBeDeletedByClusterAutoscaler": "the cluster autoscaler takes the node away",
	"karpenter.sh/disrupted":         "karpenter takes the node away",
	"karpenter.sh/disruption":        "karpenter takes the node away",
}

// evictedBy is who had the pod evicted, as far as events and the node tell.
func evictedBy(p *rule.Pass) (who string, evidence []rule.Evidence) {
	for _, w := range evictWords {
		for _, e := range p.EventsOf(p.Object) {
			if (w.reason == "" || e.Reason == w.reason) && strings.Contains(e.Message, w.words) {
				return w.who, []rule.Evidence{rule.EventEvidence(e)}
			}
		}
	}
	o := nodeOf(p)
	if o == nil {
		if _, out := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName); out.State == snapshot.Absent && out.Proven {
			return "the node is gone now, so it was drained before", nil
		}
		return "whoever did it left no word, and the node was not read: a drain, an autoscaler or a descheduler", nil
	}
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return "whoever did it left no word", nil
	}
	for _, t := range node.Spec.Taints {
		if by := drainTaints[t.Key]; by != "" {
			return by, []rule.Evidence{{Source: rule.FromSpec, Object: o.Ref, Field: "spec.taints", Time: timeAdded(t), Text: "taint " + t.ToString()}}
		}
	}
	if node.Spec.Unschedulable {
		return "the node is cordoned, so it is being drained", []rule.Evidence{{Source: rule.FromSpec, Object: o.Ref, Field: "spec.unschedulable", Text: o.String() + " unschedulable: true"}}
	}
	return "whoever did it left no word (a drain that is over, an autoscaler, a descheduler, an operator)", nil
}
