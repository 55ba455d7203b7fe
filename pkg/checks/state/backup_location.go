package state

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// BackupLocation finds places for backups that cannot be reached.
var BackupLocation = rule.Check{
	ID: "backup-location-unavailable", Title: "the place for backups cannot be reached", Doc: rule.ReadDoc(docs, "backup_location.md"),
	Dimension: rule.State, Severity: rule.High, On: rule.Kinds(snapshot.VeleroLocationKind),
	Run: func(p *rule.Pass) {
		if snapshot.TextIn(p.Object.Content, "status", "phase") != "Unavailable" {
			return
		}
		f := rule.Finding{
			Field: field.NewPath("spec", "objectStorage", "bucket"), Value: snapshot.TextIn(p.Object.Content, "spec", "objectStorage", "bucket"), Label: "cannot be reached",
			Message: "Velero cannot reach it: no backup is written there, and none can be restored from it",
		}
		if said := snapshot.TextIn(p.Object.Content, "status", "message"); said != "" {
			f.Message += ": " + rule.Quote(said)
		}
		f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.phase", Time: snapshot.TimeIn(p.Object.Content, "status", "lastValidationTime"), Text: "phase: Unavailable"}}
		p.Report(f).WithFix(rule.Fix{Title: "mend the bucket's name, its credentials or the way to it", Applicability: rule.NeedsThought})
	},
}
