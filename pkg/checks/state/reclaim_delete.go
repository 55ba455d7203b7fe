package state

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ReclaimDelete finds volumes that go with their claim while there is no copy of them.
var ReclaimDelete = rule.Check{
	ID: "reclaim-delete", Title: "a volume without a backup goes with its claim", Doc: rule.ReadDoc(docs, "reclaim_delete.md"),
	Dimension: rule.State, Severity: rule.Medium, On: rule.Kinds(snapshot.PVKind),
	Needs: backupKinds,
	Applies: func(p *rule.Pass) bool {
		pv, ok := p.Object.Typed.(*corev1.PersistentVolume)
		return ok && (!p.Files || p.Closed) && pv.Status.Phase == corev1.VolumeBound && pv.Spec.ClaimRef != nil && !knowledge.SystemNamespace(pv.Spec.ClaimRef.Namespace) && asked(p, backupKinds)
	},
	Run: func(p *rule.Pass) {
		pv, ok := p.Object.Typed.(*corev1.PersistentVolume)
		if !ok || pv.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
			return
		}
		of := pv.Spec.ClaimRef
		o, _ := p.Lookup(snapshot.PVCKind, of.Namespace, of.Name)
		b := backupsOf(p)
		switch {
		case o == nil || ephemeral(o) || b.claim(o) || b.namespace(p, of.Namespace):
			return
		case !othersBackedUp(p, b, of.Namespace):
			p.SaidBy("backup-missing")
			return
		}
		at := field.NewPath("spec", "persistentVolumeReclaimPolicy")
		patch := p.Put(at, string(corev1.PersistentVolumeReclaimRetain))
		p.Report(rule.Finding{
			Field: at, Value: "Delete", Certainty: rule.Likely, Label: "the volume goes with its claim",
			Message: fmt.Sprintf("nothing that was read backs up claim %s/%s, as it does its neighbours, and the volume is deleted with the claim", of.Namespace, of.Name),
		}).WithFix(rule.Fix{
			Title: "keep the volume when its claim goes, and have it backed up like its neighbours", Applicability: rule.NeedsThought,
			Caution: "a volume that is kept must be deleted by hand one day; what can be made again needs neither", Patch: patch, Command: p.Live(patch),
		})
	},
}

// othersBackedUp tells whether other claims of the namespace are: where none is, backup-missing says so once for all.
func othersBackedUp(p *rule.Pass, b *backups, namespace string) bool {
	for _, o := range p.List(snapshot.PVCKind, namespace) {
		if b.claim(o) {
			return true
		}
	}
	return false
}
