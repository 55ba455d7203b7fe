package controllers

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// admitted are the kinds for which the API may refuse to create what they need: their pods, a claim of
// those, their ReplicaSet; or to bind a pod to its node.
var admitted = rule.Kinds(snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.RCKind, snapshot.DeploymentKind, snapshot.PodKind)

// thing is what the API refuses.
type thing string

const (
	aPod     thing = "pod"
	aClaim   thing = "claim"
	aSet     thing = "ReplicaSet"
	aBinding thing = "binding"
)

// the names it in a sentence.
func (t thing) the() string {
	switch t {
	case aPod:
		return "the pods"
	case aBinding:
		return "the binding of the pod to its node"
	}
	return "the " + string(t)
}

// refusal is what the API said, and of what.
type refusedThing struct {
	*rule.Refusal
	of       thing
	claim    string // the claim's name
	template string // and that of its claim template
}

// left words what there is without what is refused.
func (r *refusedThing) left() string {
	switch {
	case r.of == aBinding:
		return "the scheduler has a node for it, and may not say so"
	case r.of == aSet && r.Have == 0:
		return "without it there are no pods"
	case r.of == aSet:
		return fmt.Sprintf("the revision before goes on with %s", rule.Count(int(r.Have), "pod"))
	case r.of == aClaim:
		return "no pod is created without it; " + exist(r.Refusal)
	}
	return exist(r.Refusal)
}

// Source: kubernetes pkg/controller/statefulset/stateful_pod_control.go; before 1.34 without "for".
var claimCreated = knowledge.Regexp(`(?i)\bcreate (?:Claim|PVC) ([a-z0-9][a-z0-9.-]*)`)

// apiRefused is what the API server said no to when it was last asked for what the Pass' object needs; nil
// where nothing is refused now.
func apiRefused(p *rule.Pass) *refusedThing {
	switch t := p.Object.Typed.(type) {
	case *corev1.Pod:
		for _, c := range t.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && strings.Contains(c.Message, "Bind plugin") && t.Spec.NodeName == "" && t.DeletionTimestamp == nil {
				return &refusedThing{Refusal: &rule.Refusal{Message: c.Message, Want: 1, Evidence: rule.Evidence{
					Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[PodScheduled]", Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + c.Message,
				}}, of: aBinding}
			}
		}
		return nil
	case *appsv1.Deployment:
		for _, c := range t.Status.Conditions { // taken back as soon as creating works
			if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.Reason == "ReplicaSetCreateError" && t.DeletionTimestamp == nil {
				return &refusedThing{Refusal: &rule.Refusal{Message: c.Message, Have: t.Status.Replicas, Want: wanted(t.Spec.Replicas), Evidence: rule.Evidence{
					Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[Progressing]", Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + c.Message,
				}}, of: aSet}
			}
		}
		return nil
	}
	r := p.RefusedPods()
	if r == nil {
		return nil
	}
	out := &refusedThing{Refusal: r, of: aPod}
	sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
	m := claimCreated.FindStringSubmatch(r.Message)
	if !ok || m == nil {
		return out
	}
	out.claim = strings.TrimRight(m[1], ".-")
	for i := range sts.Spec.VolumeClaimTemplates {
		name := sts.Spec.VolumeClaimTemplates[i].Name
		if ordinal, ok := strings.CutPrefix(out.claim, name+"-"+sts.Name+"-"); ok && ordinal != "" && strings.Trim(ordinal, "0123456789") == "" {
			out.of, out.template = aClaim, name
		}
	}
	return out
}
