package reliability

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
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
		path := field.NewPath("spec", "scaleTargetRef", "name")
		o, out := p.Lookup(ref.GroupKind(), ref.Namespace, ref.Name)
		switch {
		case o != nil:
			return
		case out.State == snapshot.Absent:
		case out.Reason == snapshot.ReasonNotInFiles:
			p.Unresolved(path, ref)
			return
		default:
			p.Unknown("%s: %s", ref, out.Reason)
			return
		}
		where := "does not exist"
		if p.Files {
			where = "is not in the input"
		}
		f := rule.Finding{
			Field: path, Value: to.Name, Certainty: proof(out), Label: where,
			Message: fmt.Sprintf("%s %s, so nothing is scaled", ref, where),
		}
		fix := rule.Fix{Title: "name what is to be scaled, or delete the autoscaler", Applicability: rule.NeedsThought}
		if near := knowledge.Nearest(to.Name, p.Names(ref.GroupKind(), ref.Namespace)); near != "" {
			f.Message += fmt.Sprintf("; there is %q", near)
			fix.Title = fmt.Sprintf("scale %q, the nearest that there is", near)
			fix.Patch = p.Put(path, near)
			fix.Command = command(p, fix.Patch)
		}
		p.Report(f).WithFix(fix)
	},
	Peers: map[string][]string{
		"popeye": {"POP-600"}, "kube-score": {"horizontalpodautoscaler-has-target"}, "kube-linter": {"dangling-horizontalpodautoscaler"}, "kubescape": {"hpa-has-target"},
	},
}
