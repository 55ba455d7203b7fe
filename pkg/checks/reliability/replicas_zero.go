package reliability

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ReplicasZero finds workloads that are switched off.
var ReplicasZero = rule.Check{
	ID: "replicas-zero", Title: "scaled to zero", Doc: rule.ReadDoc(docs, "replicas_zero.md"),
	Dimension: rule.Reliability, Severity: rule.Info, On: rule.Kinds(snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.RolloutKind),
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && s.object == p.Object && !knowledge.SystemNamespace(p.Object.Namespace)
	},
	Run: func(p *rule.Pass) {
		s, ok := scaleOf(p, p.Object)
		if !ok || s.count > 0 || s.object != p.Object {
			return
		}
		f := rule.Finding{Field: s.field, Value: "0", Label: "no pod runs", Message: "replicas is 0: no pod runs"}
		if by, least := p.AutoscalerOf(p.Object); by != nil {
			if least == 0 || keda(by) {
				return // it scales down to none when there is nothing to do
			}
			f.Message = fmt.Sprintf("replicas is 0: no pod runs, and %s is switched off by that", by)
		} else if primary, _ := p.Lookup(p.Object.GroupKind(), p.Object.Namespace, p.Object.Name+"-primary"); primary != nil {
			return // Flagger runs a copy of it
		} else if rollsOut(p) {
			return // Argo Rollouts runs its template
		}
		if services := depending(p, servicesInFront(p)); len(services) > 0 {
			f.Message += "; " + does(services, "has", "have") + " nobody to answer"
		}
		patch := p.Put(field.NewPath("spec", "replicas"), "<REPLICAS>")
		p.Report(f).WithFix(rule.Fix{
			Title: "scale it up again, or delete what nobody needs any more", Applicability: rule.Placeholders,
			Caution: "who scaled it down may have had a reason", Patch: patch, Command: liveNumber(p, patch, "<REPLICAS>"), YAML: "replicas: <REPLICAS>\n",
		})
	},
	Peers: map[string][]string{"popeye": {"POP-500"}},
}

// rollsOut tells whether a Rollout takes its template from the object, which it may scale down then.
func rollsOut(p *rule.Pass) bool {
	return slices.ContainsFunc(p.List(snapshot.RolloutKind, p.Object.Namespace), func(o *snapshot.Object) bool {
		ref := snapshot.MapIn(o.Content, "spec", "workloadRef")
		return snapshot.TextIn(ref, "kind") == p.Object.Kind && snapshot.TextIn(ref, "name") == p.Object.Name
	})
}

// keda tells whether an autoscaler is KEDA's own, which scales to none.
func keda(by *snapshot.Object) bool {
	owner, ok := by.OwnerRef()
	return by.GroupKind() == snapshot.ScaledObjectKind || ok && owner.GroupKind() == snapshot.ScaledObjectKind
}
