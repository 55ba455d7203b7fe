package state

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// BackupOneLocation finds clusters whose backups all are in one place.
var BackupOneLocation = rule.Check{
	ID: "backup-one-location", Title: "backups are kept in one place alone", Doc: rule.ReadDoc(docs, "backup_one_location.md"),
	Dimension: rule.State, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{snapshot.VeleroLocationKind, snapshot.VeleroScheduleKind, snapshot.VeleroBackupKind},
	Applies: func(p *rule.Pass) bool {
		for _, gk := range []schema.GroupKind{snapshot.VeleroLocationKind, snapshot.VeleroScheduleKind, snapshot.VeleroBackupKind} {
			if len(p.List(gk, "")) > 0 || !p.ListRead(gk, "") {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		list := p.List(snapshot.VeleroLocationKind, "")
		places, available := map[[3]string]bool{}, 0
		for _, o := range list {
			if snapshot.TextIn(o.Content, "status", "phase") != "Available" || snapshot.TextIn(o.Content, "spec", "accessMode") == "ReadOnly" {
				continue
			}
			available++
			places[[3]string{snapshot.TextIn(o.Content, "spec", "provider"), snapshot.TextIn(o.Content, "spec", "objectStorage", "bucket"), snapshot.TextIn(o.Content, "spec", "config", "s3Url")}] = true
		}
		if len(places) > 1 {
			return
		}
		f := rule.Finding{NoField: "what is missing stands nowhere"}
		switch {
		case available == 0:
			f.Message = fmt.Sprintf("none of %s of Velero is available and may be written to: no backup is kept", rule.Count(len(list), "location"))
		case available > 1:
			f.Message = fmt.Sprintf("%d locations of Velero are one bucket: who loses that, loses all backups", available)
		default:
			f.Message = "one location of Velero is available: whoever deletes its bucket, or loses its region or account, has no backup"
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "keep a second copy in another account or region, and have a schedule write there", Applicability: rule.NeedsThought,
			Caution: "a bucket that its provider copies elsewhere by itself serves as well, and is not seen here",
		})
	},
}
