package state

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RestoreNever finds backups from which nobody has been seen to restore anything.
var RestoreNever = rule.Check{
	ID: "restore-never", Title: "no restore was seen for half a year", Doc: rule.ReadDoc(docs, "restore_never.md"),
	Dimension: rule.State, Severity: rule.Low, On: rule.Kinds(snapshot.VeleroScheduleKind),
	Needs: []schema.GroupKind{snapshot.VeleroRestoreKind},
	// It is said once, at the first schedule.
	Applies: func(p *rule.Pass) bool {
		list := p.List(snapshot.VeleroScheduleKind, "")
		return (!p.Files || p.Closed) && len(list) > 0 && list[0] == p.Object
	},
	Run: func(p *rule.Pass) {
		made := p.Object.Meta.GetCreationTimestamp().Time
		if made.IsZero() || p.Age(made) < unproven { // a manifest, or one that is young
			return
		}
		last, _ := lastRestore(p)
		f := rule.Finding{Field: field.NewPath("spec", "schedule"), Value: snapshot.TextIn(p.Object.Content, "spec", "schedule"), Label: "backups are made", Certainty: rule.Possible}
		switch {
		case last.IsZero():
			f.Message = "backups are made, and no restore is seen: that they can be restored is not proven, unless it was done in another cluster"
		case p.Age(last) >= unproven:
			f.Message = fmt.Sprintf("the last restore that is seen was %s ago: that today's backups can be restored is not proven, unless it was done in another cluster", rule.Human(p.Age(last)))
		default:
			return
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "restore a backup into a namespace of its own, and look whether the application starts with it", Applicability: rule.Placeholders,
			Caution: "a restored application may send mails or take jobs: keep it from the network", Lines: []string{"velero restore create --from-schedule " + p.Object.Name + " --namespace-mappings <NAMESPACE>:<NAMESPACE>-restored"},
		})
	},
}

// unproven is after how long without a restore nobody can rely on one.
const unproven = 180 * 24 * time.Hour
