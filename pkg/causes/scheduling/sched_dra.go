package scheduling

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

var (
	resourceClaimKind    = schema.GroupKind{Group: "resource.k8s.io", Kind: "ResourceClaim"}
	resourceTemplateKind = schema.GroupKind{Group: "resource.k8s.io", Kind: "ResourceClaimTemplate"}
)

// The scheduler's words, from its DynamicResources plugin.
var classGone = knowledge.Regexp(`device class ([a-z0-9.-]+) does not exist`)

// SchedDRA finds pods that wait for a device claim which is not there, or which nothing fits.
var SchedDRA = rule.Cause{
	ID: "sched-dra", Title: "waits for a device claim", Doc: rule.ReadDoc(docs, "sched_dra.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range deviceClaims(p) {
			wants = append(wants, snapshot.WantGet(c.kind, p.Object.Namespace, c.name), snapshot.WantList(c.kind, p.Object.Namespace, ""))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range deviceClaims(p) {
			if reportDeviceClaim(p, c) {
				return
			}
		}
		message, evidence, ok := unschedulable(p)
		if !ok || len(p.Object.Pod().Spec.ResourceClaims) == 0 {
			return
		}
		message = withoutPreemption(message)
		if m := classGone.FindStringSubmatch(message); m != nil {
			setting := p.PodSpec().Child("resourceClaims")
			p.Report(rule.Finding{
				Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
				Message: fmt.Sprintf("its claim asks for devices of class %s, which does not exist", m[1]), Label: "asks for devices of class " + m[1],
				Fix: &rule.Fix{Title: "install the driver that brings the class, or name a class that is there in the claim", Applicability: rule.NeedsThought, Lines: []string{rule.Kubectl(p.Context, "", "get", "deviceclasses")}},
			})
			return
		}
		for _, said := range []string{"cannot allocate all claims", "resourceclaim in use", "resourceclaim not available on the node"} {
			if strings.Contains(message, said) {
				setting := p.PodSpec().Child("resourceClaims")
				p.Report(rule.Finding{
					Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
					Message: "no node has the devices that its claims ask for, or has them left: " + said, Label: "asks for these devices",
					Fix: &rule.Fix{Title: "see what the claims ask for and which devices the nodes offer", Applicability: rule.NeedsThought, Lines: []string{p.Line("describe", "resourceclaims"), rule.Kubectl(p.Context, "", "get", "resourceslices")}},
				})
				return
			}
		}
	},
}

// deviceClaim is a claim for devices that the pod names, or the template that one is to be made from.
type deviceClaim struct {
	index int
	field string
	kind  schema.GroupKind
	name  string
}

func (c deviceClaim) ref(namespace string) snapshot.Ref {
	return snapshot.Ref{APIVersion: "resource.k8s.io/v1", Kind: c.kind.Kind, Namespace: namespace, Name: c.name}
}

// deviceClaims are the claims of a pod that no scheduler has taken up.
func deviceClaims(p *rule.Pass) []deviceClaim {
	pod := p.Object.Pod()
	if pod == nil || pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil || p.Age(pod.CreationTimestamp.Time) < 10*time.Second {
		return nil
	}
	var list []deviceClaim
	for i, c := range pod.Spec.ResourceClaims {
		switch {
		case c.ResourceClaimName != nil:
			list = append(list, deviceClaim{i, "resourceClaimName", resourceClaimKind, *c.ResourceClaimName})
		case c.ResourceClaimTemplateName != nil:
			list = append(list, deviceClaim{i, "resourceClaimTemplateName", resourceTemplateKind, *c.ResourceClaimTemplateName})
		}
	}
	return list
}

func reportDeviceClaim(p *rule.Pass, c deviceClaim) bool {
	found, out := p.Lookup(c.kind, p.Object.Namespace, c.name)
	event := p.Event(p.Object, "FailedResourceClaimCreation", fmt.Sprintf("%q", c.name), "not found")
	proven := out.State == snapshot.Absent && out.Proven
	// A list that lacks it proves nothing by itself; that no scheduler looks at the pod agrees with it.
	if found != nil || event == nil && !proven && (out.State != snapshot.Absent || !untouched(p)) {
		return false
	}
	setting := p.PodSpec().Child("resourceClaims").Index(c.index).Child(c.field)
	ref := c.ref(p.Object.Namespace)
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: c.name, Certainty: rule.Certain,
		Message: fmt.Sprintf("names %s, which does not exist: no scheduler looks at the pod until it does", ref.String()),
		Label:   fmt.Sprintf("no %s of this name in namespace %s", c.kind.Kind, ref.Namespace),
	}
	if event == nil && !proven {
		f.Certainty = rule.Likely
	}
	if out.State == snapshot.Absent && event == nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions", Text: "no scheduler has said anything of it"})
	}
	if event != nil {
		f.Evidence = append(f.Evidence, rule.EventEvidence(event))
	}
	if out.State == snapshot.Absent {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Text: fmt.Sprintf("the API has no %s in namespace %s", ref.String(), ref.Namespace)})
	}
	f.Fix = &rule.Fix{Title: fmt.Sprintf("create %s, or name one that is there in %s", ref.String(), setting.Object.String()), Applicability: rule.NeedsThought}
	if near := knowledge.Nearest(c.name, p.Names(c.kind, ref.Namespace)); near != "" && setting.Object.Kind != "Pod" {
		f.Label = fmt.Sprintf("not there; there is %q", near)
		f.Fix = &rule.Fix{Title: fmt.Sprintf("use %s, the nearest that is there", near), Caution: "the name is alike; that it is meant, only you know", Applicability: rule.NeedsThought, Patch: setting.ReplaceValue(c.name, near)}
		f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
	}
	p.Report(f)
	return true
}
