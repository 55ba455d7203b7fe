package reliability

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// StrategyRecreate finds Deployments that stop all of their replicas before a rollout starts new ones.
var StrategyRecreate = rule.Check{
	ID: "strategy-recreate", Title: "every rollout stops all replicas first", Doc: rule.ReadDoc(docs, "strategy_recreate.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.DeploymentKind),
	// Of a single replica replicas-min says it.
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && s.count > 1 && p.Object.Typed != nil
	},
	Run: func(p *rule.Pass) {
		d, ok := p.Object.Typed.(*appsv1.Deployment)
		if !ok || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
			return
		}
		services := frontOf(p)
		if len(services) == 0 || exclusive(p, p.Object.Templates[0]) {
			return
		}
		s, _ := scaleOf(p, p.Object)
		at := field.NewPath("spec", "strategy", "type")
		patch := p.Put(at, string(appsv1.RollingUpdateDeploymentStrategyType))
		p.Report(rule.Finding{
			Field: at, Value: string(d.Spec.Strategy.Type), Label: "stops all, then starts the new ones",
			Message: fmt.Sprintf("strategy Recreate stops all %d replicas at every rollout: %s nobody to answer until new ones are ready, and nobody at all if they never are", s.count, does(services, "has", "have")),
		}).WithFix(rule.Fix{
			Title:         "replace them one after the other",
			Caution:       "for a while two versions answer side by side: where they cannot, as with a change of the schema of a database, Recreate is right",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		})
	},
	Peers: map[string][]string{
		"kube-score": {"deployment-strategy"}, "kube-linter": {"no-rolling-update-strategy"}, "kubescape": {"no-rolling-update-strategy"},
	},
}
