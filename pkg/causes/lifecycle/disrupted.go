package lifecycle

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The reasons of a DisruptionTarget condition that the API has no constants for.
// Source: kubernetes, controller/tainteviction, registry/core/pod/storage/eviction.go, controller/podgc.
const (
	byTaintManager = "DeletionByTaintManager"
	byEviction     = "EvictionByEvictionAPI"
	byPodGC        = "DeletionByPodGC"
)

// taken is the condition of a pod that was taken away for one of the reasons, and has ended or is ending.
func taken(p *rule.Pass, reason string) (corev1.PodCondition, bool) {
	pod := p.Object.Pod()
	c := rule.Disruption(pod)
	gone := pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
	return c, gone && c.Reason == reason
}

// takenFinding is what is alike in findings on pods that were taken away.
func takenFinding(p *rule.Pass, c corev1.PodCondition) rule.Finding {
	return rule.Finding{
		Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Certain, History: remade(p),
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[DisruptionTarget]", Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + c.Message}},
		RuledOut: []string{"a program that failed, and its memory limit: the pod was ended from outside"},
	}
}

func nodeRef(p *rule.Pass) snapshot.Ref {
	return snapshot.NodeRef(p.Object.Pod().Spec.NodeName)
}

// wantsNode asks for the node of a pod that was taken away for the reason, and for the pod's events.
func wantsNode(reason string) func(p *rule.Pass) []snapshot.Want {
	return func(p *rule.Pass) []snapshot.Want {
		if _, ok := taken(p, reason); !ok || p.Object.Pod().Spec.NodeName == "" {
			return nil
		}
		return []snapshot.Want{snapshot.WantGet(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName), snapshot.WantEvents(p.Object.Ref)}
	}
}

// remade tells whether a pod that was taken away is the past: what controls it makes another one by itself,
// and that one's own state says how things are. A StatefulSet waits for the old pod, a Job may count it as a
// failure, and a pod of its own is not made again by anybody.
func remade(p *rule.Pass) bool {
	if replaced(p) {
		return true
	}
	ref, owned := p.Object.OwnerRef()
	if !owned || ref.GroupKind() == snapshot.StatefulSetKind {
		return false
	}
	owner := p.Owner(p.Object)
	if owner == nil {
		return true
	}
	switch t := owner.Typed.(type) {
	case *batchv1.Job:
		return rule.JobEnded(t).Type != batchv1.JobFailed
	case *appsv1.ReplicaSet:
		return t.Status.Replicas > 0
	}
	return true
}

// nextStep is what is left to do for a pod that was taken away, by who makes it again; fix carries what
// else there is to say.
func nextStep(p *rule.Pass, fix rule.Fix) *rule.Fix {
	ref, owned := p.Object.OwnerRef()
	fix.Applicability = rule.NeedsThought
	switch {
	case !owned:
		fix.Title = "create the pod again, best by a controller (a Deployment): nothing does so by itself"
		if fix.Caution == "" {
			fix.Caution = "what it had written into its own files is gone"
		}
	case ref.GroupKind() == snapshot.JobKind:
		fix.Title = "nothing, where the Job goes on; else let it not count such ends as failures, and run it again"
		fix.YAML = "podFailurePolicy:\n  rules:\n  - action: Ignore\n    onPodConditions:\n    - type: DisruptionTarget\n"
		fix.Caution = "it takes restartPolicy Never, and is set when the Job is created: no Job can be given it later"
	default:
		fix.Title = fmt.Sprintf("nothing here: %s makes another pod by itself", p.TopOwner(p.Object).String())
	}
	return &fix
}
