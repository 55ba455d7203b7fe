package lifecycle

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The kubelet's words, from its eviction manager.
var emptyDirOverLimit = knowledge.Regexp(`Usage of EmptyDir volume "([^"]+)" exceeds the limit "([^"]+)"`)

// EvictedEmptyDir finds pods that were evicted because they wrote more into an emptyDir than it may hold.
var EvictedEmptyDir = rule.Cause{
	ID: "evicted-emptydir", Title: "evicted: past the sizeLimit of an emptyDir", Doc: rule.ReadDoc(docs, "evicted_emptydir.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Run: func(p *rule.Pass) {
		if volume, limit, evidence := emptyDirEviction(p); volume != "" {
			reportEmptyDir(p, volume, limit, evidence)
		}
	},
}

// emptyDirEviction reads the pod's own status, else the event.
func emptyDirEviction(p *rule.Pass) (volume, limit string, evidence rule.Evidence) {
	pod := p.Object.Pod()
	if pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded {
		return "", "", evidence
	}
	if m := emptyDirOverLimit.FindStringSubmatch(pod.Status.Message); m != nil && pod.Status.Reason == "Evicted" {
		return m[1], m[2], rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Time: endOf(p), Text: "Evicted: " + pod.Status.Message}
	}
	if e := p.Event(p.Object, "Evicted", "EmptyDir"); e != nil {
		if m := emptyDirOverLimit.FindStringSubmatch(e.Message); m != nil {
			return m[1], m[2], rule.EventEvidence(e)
		}
	}
	return "", "", evidence
}

func reportEmptyDir(p *rule.Pass, volume, limit string, evidence rule.Evidence) {
	f := rule.Finding{
		Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		NoField:  "the volume was not found in what makes the pod",
		Message:  fmt.Sprintf("evicted: wrote more than %s into emptyDir volume %q", limit, volume),
		RuledOut: []string{"a node that runs out of disk: the kubelet would say \"The node was low on resource\"", "a container's own ephemeral-storage limit: the kubelet names the volume"},
		History:  over(p, &eviction{at: endOf(p)}),
	}
	setting, ok := volumeSetting(p, volume)
	if !ok {
		p.Report(f)
		return
	}
	at := setting.Child("emptyDir", "sizeLimit")
	f.Object, f.Field, f.NoField, f.Value = at.Object, at.Path, "", limit
	f.Label = "the kubelet evicts the pod when the volume holds more"
	title, to := "write less, or raise the limit", "<SIZE>"
	f.Fix = &rule.Fix{Applicability: rule.Placeholders}
	if q, err := resource.ParseQuantity(limit); err == nil {
		raised := q.DeepCopy()
		raised.Add(q)
		to, f.Fix.Applicability = raised.String(), rule.NeedsThought
		f.Fix.Caution = fmt.Sprintf("%s is twice the present limit, a first step and no measurement; what keeps writing reaches any limit. It is disk of the node, shared by all its pods; data that must outlive the pod belongs into a claim", to)
	}
	for _, v := range p.Object.Pod().Spec.Volumes {
		if v.Name == volume && v.EmptyDir != nil && v.EmptyDir.Medium == corev1.StorageMediumMemory {
			f.Fix.Caution = "the volume is memory: it counts towards the memory limit of the containers that write it"
		}
	}
	f.Fix.Title = title
	f.Fix.Patch = at.ReplaceValue(limit, to)
	f.Fix.Command = p.PatchCommand(at.Object, f.Fix.Patch)
	p.Report(f)
}

// volumeSetting is a volume in the object to change, or in the pod where its template has none such.
func volumeSetting(p *rule.Pass, name string) (rule.Setting, bool) {
	spec := p.PodSpec()
	if owner, _ := p.Lookup(spec.Object.GroupKind(), spec.Object.Namespace, spec.Object.Name); owner != nil && len(owner.Templates) > 0 {
		for i, v := range owner.Templates[0].Spec.Volumes {
			if v.Name == name {
				return spec.Child("volumes").Index(i), true
			}
		}
	}
	for i, v := range p.Object.Pod().Spec.Volumes {
		if v.Name == name {
			own := rule.Setting{Object: p.Object.Ref, Path: p.Object.Templates[0].SpecPath()}
			return own.Child("volumes").Index(i), true
		}
	}
	return rule.Setting{}, false
}

// nodeOf is the node of the pod, or nil where it was not read.
func nodeOf(p *rule.Pass) *snapshot.Object {
	o, _ := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName)
	return o
}
