package reliability

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HPAOrphan finds autoscalers of something that is not there.
var HPAOrphan = rule.Check{
	ID: "hpa-orphan", Title: "autoscales something that is not there", Doc: rule.ReadDoc(docs, "hpa_orphan.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.HPAKind),
	Run: func(p *rule.Pass) {
		hpa, ok := p.Object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		if !ok {
			return
		}
		to := hpa.Spec.ScaleTargetRef
		ref := snapshot.Ref{APIVersion: to.APIVersion, Kind: to.Kind, Namespace: p.Object.Namespace, Name: to.Name}
		switch ref.GroupKind() {
		case snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind, snapshot.PodKind:
			p.Report(rule.Finding{
				Field: field.NewPath("spec", "scaleTargetRef", "kind"), Value: to.Kind, Label: "has no number of replicas",
				Message: fmt.Sprintf("is for %s, and a %s cannot be scaled, so nothing is", ref, to.Kind),
			}).WithFix(rule.Fix{Title: "name a Deployment, a StatefulSet or another kind that has replicas, or delete the autoscaler", Applicability: rule.NeedsThought})
			return
		}
		path := field.NewPath("spec", "scaleTargetRef", "name")
		a := p.Absent(path, ref)
		if a == nil {
			return
		}
		p.Report(a.Finding("%s %s, so nothing is scaled", ref, a.Where)).WithFix(a.Fix(p, "scale", "name what is to be scaled, or delete the autoscaler"))
	},
	Peers: map[string][]string{
		"popeye": {"POP-600"}, "kube-score": {"horizontalpodautoscaler-has-target"}, "kube-linter": {"dangling-horizontalpodautoscaler"}, "kubescape": {"hpa-has-target"},
	},
}
