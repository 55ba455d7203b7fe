package delivery

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RevisionHistoryNone finds workloads that keep no revision to go back to.
var RevisionHistoryNone = rule.Check{
	ID: "revision-history-none", Title: "keeps no revision to go back to", Doc: rule.ReadDoc(docs, "revision_history_none.md"),
	Dimension: rule.Delivery, Severity: rule.Low, On: rule.Kinds(snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind),
	Applies: func(p *rule.Pass) bool { return p.Object.Typed != nil },
	Run: func(p *rule.Pass) {
		var kept *int32
		switch t := p.Object.Typed.(type) {
		case *appsv1.Deployment:
			kept = t.Spec.RevisionHistoryLimit
		case *appsv1.StatefulSet:
			kept = t.Spec.RevisionHistoryLimit
		case *appsv1.DaemonSet:
			kept = t.Spec.RevisionHistoryLimit
		}
		if kept == nil || *kept != 0 {
			return
		}
		at := field.NewPath("spec", "revisionHistoryLimit")
		patch := p.Drop(at)
		p.Report(rule.Finding{
			Field: at, Value: "0", Label: "revisions without pods are deleted at once",
			Message: fmt.Sprintf("revisionHistoryLimit 0: kubectl rollout undo %s has nothing to go back to once a rollout is through", p.Object.Ref),
		}).WithFix(rule.Fix{
			Title: "leave it out, then ten are kept", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
			Caution: "revisions that are gone do not come back: there is something to go back to from the next rollout on",
		})
	},
}
