package reliability

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HPAFightsReplicas finds manifests that set the number of replicas of what an autoscaler scales: each time
// they are applied they undo its work.
var HPAFightsReplicas = rule.Check{
	ID: "hpa-fights-replicas", Title: "manifest sets replicas that an autoscaler decides", Doc: rule.ReadDoc(docs, "hpa_fights_replicas.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.DeploymentKind, snapshot.StatefulSetKind),
	Applies: func(p *rule.Pass) bool {
		by, _ := p.AutoscalerOf(p.Object)
		return by != nil && p.Object.Origin != nil // on a cluster the autoscaler itself sets the field
	},
	Run: func(p *rule.Pass) {
		path := field.NewPath("spec", "replicas")
		count, ok := rule.ValueAt(p.Object, path)
		if !ok || count == nil {
			return
		}
		by, least := p.AutoscalerOf(p.Object)
		p.Report(rule.Finding{
			Field: path, Value: fmt.Sprint(count), Label: by.String() + " decides this",
			Message: fmt.Sprintf("replicas is %v, and %s scales it, from %d up: each apply sets it back to %v", count, by, least, count),
		}).WithFix(rule.Fix{
			Title:         "leave replicas out, and let the autoscaler decide",
			Caution:       "of an object that kubectl apply keeps, take it out of its last applied configuration first (kubectl apply edit-last-applied): otherwise the next apply sets it to 1 once",
			Applicability: rule.NeedsThought,
			Patch:         p.Drop(path),
		})
	},
	Peers: map[string][]string{"kube-score": {"deployment-targeted-by-hpa-does-not-have-replicas-configured"}},
}
