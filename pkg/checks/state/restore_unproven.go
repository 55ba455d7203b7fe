package state

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RestoreUnproven finds clusters with data in which nobody has been seen to restore any.
var RestoreUnproven = rule.Check{
	ID: "restore-unproven", Title: "that data can be restored is not proven", Doc: rule.ReadDoc(docs, "restore_unproven.md"),
	Dimension: rule.State, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{snapshot.PVCKind, snapshot.VeleroRestoreKind, snapshot.CNPGClusterKind, snapshot.VolSyncTargetKind},
	Applies: func(p *rule.Pass) bool {
		return asked(p, []schema.GroupKind{snapshot.PVCKind}) && (holdsData(p) || !p.ListRead(snapshot.PVCKind, ""))
	},
	Run: func(p *rule.Pass) {
		last, what := lastRestore(p)
		f := rule.Finding{NoField: "what is missing stands nowhere", Certainty: rule.Possible}
		switch {
		case last.IsZero():
			f.Message = "the cluster keeps data, and no restore of any is seen"
		case p.Age(last) > unproven:
			f.Message = fmt.Sprintf("the last restore that is seen (%s) was %s ago", what, rule.Human(p.Age(last)))
		default:
			return
		}
		f.Message += ": that backups bring it back is not proven, unless it was done in another cluster"
		p.Report(f).WithFix(rule.Fix{
			Title: "restore a backup into a namespace of its own, and look whether the application starts with it", Applicability: rule.NeedsThought,
			Caution: "a restored application may send mails or take jobs: keep it from the network",
		})
	},
}

// holdsData tells whether any claim outside of the cluster's own namespaces is bound to a volume.
func holdsData(p *rule.Pass) bool {
	for _, o := range p.List(snapshot.PVCKind, "") {
		if pvc, ok := o.Typed.(*corev1.PersistentVolumeClaim); ok && pvc.Status.Phase != corev1.ClaimPending && !ephemeral(o) && !knowledge.SystemNamespace(o.Namespace) {
			return true
		}
	}
	return false
}

// lastRestore is the newest restore of anything that was complete.
func lastRestore(p *rule.Pass) (last time.Time, what string) {
	add := func(o *snapshot.Object, t time.Time) {
		if t.After(last) {
			last, what = t, o.String()
		}
	}
	for _, o := range p.List(snapshot.VeleroRestoreKind, "") {
		if snapshot.TextIn(o.Content, "status", "phase") == "Completed" {
			add(o, snapshot.TimeIn(o.Content, "status", "completionTimestamp"))
		}
	}
	for _, o := range p.List(snapshot.PVCKind, "") { // made from a snapshot
		pvc, ok := o.Typed.(*corev1.PersistentVolumeClaim)
		if ok && pvc.Status.Phase != corev1.ClaimPending && (pvc.Spec.DataSource != nil && pvc.Spec.DataSource.Kind == "VolumeSnapshot" || pvc.Spec.DataSourceRef != nil && pvc.Spec.DataSourceRef.Kind == "VolumeSnapshot") {
			add(o, pvc.CreationTimestamp.Time)
		}
	}
	for _, o := range p.List(snapshot.CNPGClusterKind, "") {
		if recovery, _ := snapshot.Inside(o.Content, "spec", "bootstrap", "recovery").(map[string]any); recovery != nil {
			if ready, _ := snapshot.WholeIn(o.Content, "status", "readyInstances"); ready > 0 {
				add(o, o.Meta.GetCreationTimestamp().Time)
			}
		}
	}
	for _, o := range p.List(snapshot.VolSyncTargetKind, "") {
		for _, mover := range []string{"restic", "kopia", "rclone"} { // the others only receive copies
			if snapshot.Inside(o.Content, "spec", mover) != nil {
				add(o, snapshot.TimeIn(o.Content, "status", "lastSyncTime"))
			}
		}
	}
	return last, what
}
