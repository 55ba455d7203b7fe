package state

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVUnused finds volumes that nobody uses any more.
var PVUnused = rule.Check{
	ID: "pv-unused", Title: "a volume that nobody uses", Doc: rule.ReadDoc(docs, "pv_unused.md"),
	Dimension: rule.Efficiency, Severity: rule.Low, On: rule.Kinds(snapshot.PVKind),
	Applies: func(p *rule.Pass) bool {
		pv, ok := p.Object.Typed.(*corev1.PersistentVolume)
		return ok && pv.Status.Phase != ""
	},
	Run: func(p *rule.Pass) {
		pv, ok := p.Object.Typed.(*corev1.PersistentVolume)
		if !ok {
			return
		}
		since := pv.CreationTimestamp.Time
		if t := pv.Status.LastPhaseTransitionTime; t != nil {
			since = t.Time
		}
		age := p.Age(since)
		claim := "a claim"
		if r := pv.Spec.ClaimRef; r != nil {
			claim = r.Namespace + "/" + r.Name
		}
		size := pv.Spec.Capacity.Storage().String()
		f := rule.Finding{Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.phase", Text: "phase: " + string(pv.Status.Phase)}}}
		switch pv.Status.Phase {
		case corev1.VolumeAvailable:
			if age < idle || pv.Spec.ClaimRef != nil {
				return
			}
			f.Severity, f.NoField = rule.Info, "no setting is at fault: nothing claims it"
			f.Message = fmt.Sprintf("%s that nobody has claimed for %s", size, rule.Human(age))
			p.Report(f)
		case corev1.VolumeReleased:
			if age < settled {
				return
			}
			f.Field, f.Value = field.NewPath("spec", "persistentVolumeReclaimPolicy"), string(pv.Spec.PersistentVolumeReclaimPolicy)
			f.Label = "the volume stays when its claim goes"
			f.Message = fmt.Sprintf("%s whose claim %s was deleted %s ago: the data is kept and paid for, and nobody can claim it as it is", size, claim, rule.Human(age))
			if pv.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete {
				f.Severity, f.Label = rule.Medium, "the volume was to go with its claim"
				f.Message = fmt.Sprintf("%s whose claim %s was deleted %s ago: it was to be deleted too, and is still there", size, claim, rule.Human(age))
			}
			p.Report(f).WithFix(rule.Fix{
				Title: "look what is in it; delete it and its disk, or clear spec.claimRef so that it can be claimed again", Applicability: rule.NeedsThought,
				Caution: "it is kept so that nothing is lost by mistake: make sure that nobody misses it. Deleting the object alone leaves the disk in the cloud",
			})
		case corev1.VolumeFailed:
			f.Severity = rule.Medium
			f.Field, f.Value, f.Label = field.NewPath("spec", "persistentVolumeReclaimPolicy"), string(pv.Spec.PersistentVolumeReclaimPolicy), "could not be done"
			f.Message = fmt.Sprintf("%s of claim %s could not be reclaimed", size, claim)
			if pv.Status.Message != "" {
				f.Message += ": " + rule.Quote(pv.Status.Message)
			}
			p.Report(f).WithFix(rule.Fix{Title: "mend what its provisioner complains of, and delete the volume if it is not wanted", Applicability: rule.NeedsThought, Caution: "its data may still be there"})
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1000", "POP-1001", "POP-1002"}, "clusterlint": {"unused-pv"}},
}

const (
	idle    = 24 * time.Hour // a volume made by hand is claimed soon after, or not at all
	settled = time.Hour      // reclaiming takes a while
)
