package storage

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// protection keeps a claim until no pod uses it. Source: the PVC protection controller.
const protection = "kubernetes.io/pvc-protection"

// PVCTerminating finds claims that somebody deleted while pods use them.
var PVCTerminating = rule.Cause{
	ID: "pvc-terminating", Title: "the claim is deleted, and pods still use it", Doc: rule.ReadDoc(docs, "pvc_terminating.md"),
	Peers: map[string][]string{"popeye": {"POP-200"}},
	Stage: rule.StageStuckDeletion, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if p.Object.Meta.GetDeletionTimestamp() != nil {
			return []snapshot.Want{snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim)
		if !ok || pvc.DeletionTimestamp == nil || !slices.Contains(pvc.Finalizers, protection) {
			return
		}
		list := users(p)
		if len(list) == 0 {
			return
		}
		age := rule.Human(p.Age(pvc.DeletionTimestamp.Time))
		f := rule.Finding{
			Object: p.Object.Ref, Certainty: rule.Certain,
			NoField: "a deletion cannot be taken back: the claim goes when the last pod that uses it does",
			Message: fmt.Sprintf("was deleted %s ago and goes when %s does: no new pod may use it, so the next restart elsewhere fails", age, refs(list)),
			Evidence: []rule.Evidence{
				{Source: rule.FromStatus, Object: p.Object.Ref, Field: "metadata.deletionTimestamp", Time: pvc.DeletionTimestamp.Time, Text: "Terminating, kept by finalizer " + protection},
				{Source: rule.FromSpec, Text: "in use by " + refs(list)},
			},
		}
		for _, o := range list {
			f.Pods = append(f.Pods, o.Ref)
		}
		f.Fix = &rule.Fix{
			Title:         "copy the data out of a pod that still has it; then let the pods go, and create the claim anew",
			Caution:       "with reclaimPolicy Delete the data goes with the claim: set the volume's to Retain first. Never remove the finalizer while a pod writes",
			Applicability: rule.NeedsThought,
		}
		if pvc.Spec.VolumeName != "" {
			f.Fix.Title = "keep the volume beyond its claim, before anything else; then let the pods go and bind a new claim to it"
			f.Fix.Object = pvRef(pvc.Spec.VolumeName)
			patch := &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"persistentVolumeReclaimPolicy": string(corev1.PersistentVolumeReclaimRetain)}}}
			f.Fix.Patch, f.Fix.Command = patch, p.PatchCommand(f.Fix.Object, patch)
		}
		p.Report(f)
	},
}
