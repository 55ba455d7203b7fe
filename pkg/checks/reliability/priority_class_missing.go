package reliability

import (
	schedulingv1 "k8s.io/api/scheduling/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PriorityClassMissing finds workloads that do not say how important they are.
var PriorityClassMissing = rule.Check{
	ID: "priority-class-missing", Title: "no priority class", Doc: rule.ReadDoc(docs, "priority_class_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Info, Off: true, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec.PriorityClassName != "" || t.Spec.Priority != nil && *t.Spec.Priority != 0 || defaultPriority(p) {
				continue
			}
			at := t.SpecPath().Child("priorityClassName")
			patch := p.Put(at, "<PRIORITY_CLASS>")
			p.Report(rule.Finding{
				Field: at, Label: "no priorityClassName here",
				Message: "no priorityClassName: where there is not room for all, it is as important as whatever else names none",
			}).WithFix(rule.Fix{
				Title: "name a priority class of the cluster", Caution: "a high one makes room by ending others: give it to few",
				Applicability: rule.Placeholders, Patch: patch, Command: p.Live(patch), YAML: "priorityClassName: <PRIORITY_CLASS>\n",
			})
		}
	},
	Peers: map[string][]string{"polaris": {"priorityClassNotSet"}, "kube-linter": {"priority-class-name"}},
}

// defaultPriority tells whether a class is for all pods that name none.
func defaultPriority(p *rule.Pass) bool {
	for _, o := range p.List(snapshot.PriorityClassKind, "") {
		if class, ok := o.Typed.(*schedulingv1.PriorityClass); ok && class.GlobalDefault {
			return true
		}
	}
	return false
}
