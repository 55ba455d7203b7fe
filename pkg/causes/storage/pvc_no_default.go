package storage

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCNoDefault finds claims that leave the class to a default which the cluster does not have.
var PVCNoDefault = rule.Cause{
	ID: "pvc-no-default", Title: "the claim names no class, and there is no default", Doc: rule.ReadDoc(docs, "pvc_no_default.md"),
	Stage: rule.StageNotScheduled, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if pvc := pendingClaim(p); pvc != nil {
			if _, named := classOf(pvc); !named && pvc.Spec.VolumeName == "" {
				return []snapshot.Want{snapshot.WantList(snapshot.StorageClassKind, "", ""), snapshot.WantList(snapshot.PVKind, "", "")}
			}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		pvc := pendingClaim(p)
		if pvc == nil || pvc.Spec.VolumeName != "" {
			return
		}
		if _, named := classOf(pvc); named {
			return
		}
		event := p.Event(p.Object, "FailedBinding", "no storage class is set")
		classes, standard := classesThere(p)
		read := p.ListRead(snapshot.StorageClassKind, "")
		if standard != "" || event == nil && !read {
			return // a default that is there now will be put into the claim
		}
		setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "storageClassName")}
		f := rule.Finding{
			Object: setting.Object, Field: setting.Path, Certainty: rule.Likely,
			Message:  "names no storage class, and the cluster has no default one: no volume is made, and the claim stays Pending",
			Label:    "nothing here, and no class is the default",
			RuledOut: []string{"a class that is missing: the claim names none"},
		}
		if event != nil {
			f.Certainty = rule.Certain
			f.Evidence = append(f.Evidence, rule.EventEvidence(event))
		} else {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.phase", Text: "phase: Pending"})
		}
		f.Fix = &rule.Fix{
			Title: "name a class, or make one the default", Applicability: rule.Placeholders,
			Caution: "a claim may be given a class as long as it has none (Kubernetes 1.28 and later); after that it cannot be changed",
		}
		switch {
		case len(classes) == 1:
			f.Fix.Title = fmt.Sprintf("name a class (there is one, %s), or make it the default", classes[0])
			f.Label = "nothing here; there is class " + classes[0]
		case read && len(classes) == 0:
			f.Fix.Title = "install a storage provisioner and name its class, or make a volume by hand"
			f.Message += "; it has no storage class at all"
		}
		if len(classes) > 0 {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: "storage classes, none of them the default: " + strings.Join(classes, ", ")})
		}
		f.Fix.Patch = &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"storageClassName": "<CLASS>"}}}
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
		p.Report(f)
	},
}
