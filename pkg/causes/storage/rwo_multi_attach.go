package storage

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RWOMultiAttach finds pods that wait for a volume which is attached to another node.
var RWOMultiAttach = rule.Cause{
	ID: "rwo-multi-attach", Title: "its volume is attached to another node", Doc: rule.ReadDoc(docs, "rwo_multi_attach.md"),
	Stage: rule.StageVolume, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if attachEvent(p) == nil {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")}
		for _, v := range p.Object.Pod().Spec.Volumes {
			if v.PersistentVolumeClaim != nil {
				wants = append(wants, snapshot.WantGet(snapshot.PVCKind, p.Object.Namespace, v.PersistentVolumeClaim.ClaimName))
			}
		}
		for _, o := range holders(p) {
			wants = append(wants, snapshot.WantGet(snapshot.NodeKind, "", o.Pod().Spec.NodeName))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if e := attachEvent(p); e != nil {
			reportAttached(p, e)
		}
	},
}

// attachEvent is what the attach controller says: "Multi-Attach error" up to 1.36, "Waiting for detach"
// since.
func attachEvent(p *rule.Pass) *corev1.Event {
	if !waitsForVolumes(p) {
		return nil
	}
	for _, said := range []string{"Volume is already used by", "Volume is already exclusively attached"} {
		if e := p.Event(p.Object, "FailedAttachVolume", said); e != nil {
			if ok := p.Event(p.Object, "SuccessfulAttachVolume"); ok == nil || snapshot.EventTime(ok).Before(snapshot.EventTime(e)) {
				return e
			}
		}
	}
	return nil
}

// holders are the other pods, on other nodes, that use a claim of the pod.
func holders(p *rule.Pass) []*snapshot.Object {
	mine := map[string]bool{}
	for _, v := range p.Object.Pod().Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			mine[v.PersistentVolumeClaim.ClaimName] = true
		}
	}
	var list []*snapshot.Object
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		pod := o.Pod()
		if o == p.Object || pod.Spec.NodeName == "" || pod.Spec.NodeName == p.Object.Pod().Spec.NodeName || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		for _, v := range pod.Spec.Volumes {
			if v.PersistentVolumeClaim != nil && mine[v.PersistentVolumeClaim.ClaimName] {
				list = append(list, o)
				break
			}
		}
	}
	return list
}

func reportAttached(p *rule.Pass, e *corev1.Event) {
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Field: spec.Child("volumes").Path, Certainty: rule.Certain,
		Message: fmt.Sprintf("its volume is attached to another node, and can be at one at a time: node/%s waits until that lets go", p.Object.Pod().Spec.NodeName),
		Label:   "one of these is ReadWriteOnce", Evidence: []rule.Evidence{rule.EventEvidence(e)},
		RuledOut: []string{"a volume that is missing: it is there, elsewhere"},
		Fix:      &rule.Fix{Title: "wait: the volume comes free by itself, at the latest six minutes after its last pod there has gone", Applicability: rule.NeedsThought},
	}
	list := holders(p)
	if len(list) == 0 {
		p.Report(f)
		return
	}
	other := list[0]
	node := other.Pod().Spec.NodeName
	f.Message = fmt.Sprintf("its volume is attached to node/%s, where %s uses it: it can be at one node at a time, and this pod is on node/%s", node, refs(list), p.Object.Pod().Spec.NodeName)
	if n, _ := p.Lookup(snapshot.NodeKind, "", node); n != nil && rule.NodeReady(n) == corev1.ConditionUnknown {
		f.Because = &n.Ref
		f.Field, f.NoField = nil, "the node that has the volume does not answer, so nobody can detach it"
		f.Message = fmt.Sprintf("its volume is attached to node/%s, which does not answer: it stays there until that node is back or declared gone", node)
		f.Fix = &rule.Fix{
			Title:   fmt.Sprintf("bring node/%s back; where its machine is certainly off, say so, and the volume is detached", node),
			Caution: "on a machine that still runs the old pod goes on writing, and two writers destroy the data: be certain that it is off", Applicability: rule.NeedsThought,
			Object: n.Ref, Command: []string{"taint", "node", node, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"},
		}
		p.Report(f)
		return
	}
	top := p.TopOwner(p.Object)
	d, isDeployment := top.Typed.(*appsv1.Deployment)
	switch {
	case !isDeployment || p.TopOwner(other) != top:
		f.Fix = &rule.Fix{Title: fmt.Sprintf("run this pod where %s is, or one of them at a time; or use a volume that several nodes may mount (ReadWriteMany)", other.String()), Applicability: rule.NeedsThought}
	case d.Spec.Replicas != nil && *d.Spec.Replicas > 1:
		f.Object, f.Field, f.Value = top.Ref, field.NewPath("spec", "replicas"), fmt.Sprint(*d.Spec.Replicas)
		f.Label = "more pods than one node's volume allows"
		f.Fix = &rule.Fix{Title: "run one pod", Caution: "with more than one, each needs a claim of its own (a StatefulSet makes them) or a volume that several nodes may mount", Applicability: rule.NeedsThought, Object: top.Ref, Command: []string{"scale", top.String(), "--replicas=1"}}
	default:
		f.Object, f.Field, f.Value = top.Ref, field.NewPath("spec", "strategy", "type"), string(appsv1.RollingUpdateDeploymentStrategyType)
		f.Label = "starts the new pod before it stops the old one, which has the volume"
		f.Message = fmt.Sprintf("the new pod waits on node/%s for a volume that the old one, %s, has on node/%s, and the old one stays until the new one runs", p.Object.Pod().Spec.NodeName, other.String(), node)
		patch := &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"strategy": map[string]any{"type": "Recreate", "rollingUpdate": nil}}}}
		f.Fix = &rule.Fix{Title: "stop the old pod before the new one starts", Caution: "nothing serves in between", Applicability: rule.NeedsThought, Object: top.Ref, Patch: patch, Command: p.PatchCommand(top.Ref, patch)}
	}
	p.Report(f)
}
