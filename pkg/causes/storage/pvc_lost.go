package storage

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCLost finds claims whose volume is gone.
var PVCLost = rule.Cause{
	ID: "pvc-lost", Title: "the volume that the claim was bound to is gone", Doc: rule.ReadDoc(docs, "pvc_lost.md"),
	Peers: map[string][]string{"popeye": {"POP-1004"}},
	Stage: rule.StageVolume, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim); ok && pvc.Status.Phase == corev1.ClaimLost {
			return []snapshot.Want{snapshot.WantGet(snapshot.PVKind, "", pvc.Spec.VolumeName)}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim)
		if !ok || pvc.Status.Phase != corev1.ClaimLost {
			return
		}
		ref := pvRef(pvc.Spec.VolumeName)
		f := rule.Finding{
			Object: p.Object.Ref, Field: field.NewPath("spec", "volumeName"), Value: pvc.Spec.VolumeName, Certainty: rule.Certain, Severity: rule.Critical,
			Message:  fmt.Sprintf("was bound to %s, which is gone: no pod can mount it any more", ref.String()),
			Label:    "no PersistentVolume of this name",
			Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.phase", Text: "phase: Lost"}},
		}
		if e := p.Event(p.Object, "ClaimLost"); e != nil {
			f.Evidence = append(f.Evidence, rule.EventEvidence(e))
		}
		if o, out := p.Lookup(snapshot.PVKind, "", pvc.Spec.VolumeName); o != nil {
			f.Label = "is there, and bound to another claim"
			f.Message = fmt.Sprintf("was bound to %s, which now belongs to another claim: no pod can mount it any more", ref.String())
		} else if out.State == snapshot.Absent {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Text: "the API has no " + ref.String()})
		}
		f.Fix = &rule.Fix{
			Title:         "make a PersistentVolume of this name anew for the disk or folder that the old one stood for, with a claimRef to this claim; else restore a backup into a new claim",
			Caution:       "deleting the PersistentVolume object does not always delete what it stood for: look at the storage system before you make anything new",
			Applicability: rule.NeedsThought, Object: ref,
			YAML: fmt.Sprintf("apiVersion: v1\nkind: PersistentVolume\nmetadata:\n  name: %s\nspec:\n  storageClassName: %q\n  claimRef:\n    namespace: %s\n    name: %s\n  # <CAPACITY, ACCESS MODES AND WHERE THE DATA IS>\n", pvc.Spec.VolumeName, className(pvc), p.Object.Namespace, p.Object.Name),
		}
		p.Report(f)
	},
}

func className(pvc *corev1.PersistentVolumeClaim) string {
	name, _ := classOf(pvc)
	return name
}
