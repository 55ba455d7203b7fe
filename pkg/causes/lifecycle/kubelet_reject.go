package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// outOf is what a kubelet says of a pod that its node has no room for.
var outOf = knowledge.Regexp(`resource: ([^,\s]+), requested: (\d+), used: (\d+), capacity: (\d+)`)

// rejections are the reasons of a kubelet that does not take a pod, besides those that start with OutOf.
// Source: kubelet, lifecycle/predicate.go, cm/topologymanager, cm/cpumanager and nodeshutdown.
var rejections = []string{
	"NodeAffinity", "UnexpectedAdmissionError", "TopologyAffinityError", "SMTAlignmentError", "NodeShutdown", "InvalidNodeInfo", "PodOSSelectorNodeLabelDoesNotMatch",
	"PodOSNotSupported", "InitContainerRestartPolicyForbidden", "SupplementalGroupsPolicyNotSupported", "AppArmor", "PodLevelResourcesNotSupported",
}

// KubeletReject finds pods that had a node, and whose kubelet did not take them.
var KubeletReject = rule.Cause{
	ID: "kubelet-reject", Title: "the node's kubelet did not take the pod", Doc: rule.ReadDoc(docs, "kubelet_reject.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.Status.Phase == corev1.PodFailed && (slices.Contains(rejections, pod.Status.Reason) || strings.HasPrefix(pod.Status.Reason, "OutOf")) {
			reportRejected(p, pod)
		}
	},
}

func reportRejected(p *rule.Pass, pod *corev1.Pod) {
	node := snapshot.NodeRef(pod.Spec.NodeName)
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Certainty: rule.Certain,
		NoField:  "the kubelet names no setting",
		Message:  fmt.Sprintf("%s did not take it: %s", node.String(), pod.Status.Reason),
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Text: pod.Status.Reason + ": " + rule.Quote(pod.Status.Message)}},
		RuledOut: []string{"a program that failed: no container was ever started"},
		History:  replaced(p),
	}
	// A pod that was named its node got there past the scheduler, which would have kept it back.
	past := false
	if t := owners(p); t != nil && t.NodeName != "" || t == nil && pod.Spec.NodeName != "" && !scheduled(p) {
		past = true
		f.Marks = append(f.Marks, rule.Mark{Field: spec.Child("nodeName").Path, Label: "put here past the scheduler, which would have kept it back"})
	}
	f.Fix = &rule.Fix{Title: "delete the pod; where a controller made it, that has made another already", Caution: "a failed pod stays until somebody deletes it", Applicability: rule.NeedsThought, Object: p.Object.Ref, Command: []string{"delete", p.Object.String()}}
	switch m := outOf.FindStringSubmatch(pod.Status.Message); {
	case m != nil:
		rejectedRoom(p, &f, node, corev1.ResourceName(m[1]), m)
	case pod.Status.Reason == "NodeAffinity":
		f.Field, f.NoField = spec.Child("nodeSelector").Path, ""
		if len(pod.Spec.NodeSelector) == 0 {
			f.Field = spec.Child("affinity", "nodeAffinity").Path
		}
		f.Message = fmt.Sprintf("%s does not have the labels that it asks for, and did not take it", node.String())
		f.Label = "the node does not satisfy this"
		if !past {
			f.Message += ": they were changed after the scheduler chose the node, or before the kubelet came back"
		}
	case pod.Status.Reason == "NodeShutdown":
		f.Object, f.NoField = node, "no setting of the pod is to blame: the machine was shutting down"
		f.Message = fmt.Sprintf("%s was shutting down, and did not take it", node.String())
	}
	if past {
		f.Fix = &rule.Fix{Title: "leave out nodeName, so that a scheduler chooses a node that has room", Caution: "if it was meant for one machine, ask for that by a nodeSelector on kubernetes.io/hostname. A failed pod is not started again: delete it and create it anew", Applicability: rule.NeedsThought}
		if at := spec.Child("nodeName"); spec.Object.Kind != "Pod" {
			f.Fix.Patch = &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: at.Pointer(), Value: pod.Spec.NodeName}, {Op: "remove", Path: at.Pointer()}}}
			f.Fix.Command = p.PatchCommand(spec.Object, f.Fix.Patch)
		}
	}
	p.Report(f)
}

// rejectedRoom words the numbers that the kubelet gives: CPU in thousandths, all else in bytes or pieces.
func rejectedRoom(p *rule.Pass, f *rule.Finding, node snapshot.Ref, name corev1.ResourceName, m []string) {
	asked, used, all := words(name, m[2]), words(name, m[3]), words(name, m[4])
	f.Message = fmt.Sprintf("%s did not take it: it asks for %s of %s, and of %s the pods there have %s", node.String(), asked, name, all, used)
	var best snapshot.Container
	for _, c := range p.Object.PodContainers() {
		q, have := c.Resources.Requests[name]
		if !have {
			continue
		}
		if best.Container == nil || q.Cmp(best.Resources.Requests[name]) > 0 {
			best = c
		}
	}
	if best.Container == nil {
		return
	}
	q := best.Resources.Requests[name]
	resources := p.ContainerSetting(best).Child("resources", "requests")
	setting := rule.Setting{Object: resources.Object, Path: resources.Path.Child(string(name))}
	if strings.ContainsAny(string(name), "./") {
		setting.Path = resources.Path.Key(string(name))
	}
	f.Object, f.Field, f.NoField, f.Value, f.Seen = setting.Object, setting.Path, "", q.String(), p.Object.In(best.Name)
	f.Label = fmt.Sprintf("the node has %s in all", all)
}

// scheduled tells whether a scheduler said that it placed the pod.
func scheduled(p *rule.Pass) bool {
	if p.Event(p.Object, "Scheduled") != nil {
		return true
	}
	_, owned := p.Object.OwnerRef()
	return owned || !p.EventsCover(p.Object.Pod().CreationTimestamp.Time)
}

// owners is the pod spec of what made the pod, nil for a bare one.
func owners(p *rule.Pass) *corev1.PodSpec {
	top := p.TopOwner(p.Object)
	if top == p.Object || len(top.Templates) == 0 {
		return nil
	}
	return top.Templates[0].Spec
}

// replaced tells whether the pod is what a controller has left lying about: a newer one of it is ready.
func replaced(p *rule.Pass) bool {
	if rule.Superseded(p.Snapshot, p.Object) {
		return true
	}
	owner := p.Owner(p.Object)
	if owner == nil {
		return false
	}
	for _, o := range p.PodsOf(owner) {
		if o != p.Object && rule.PodReady(o.Pod()) && o.Pod().CreationTimestamp.After(p.Object.Pod().CreationTimestamp.Time) {
			return true
		}
	}
	return false
}
