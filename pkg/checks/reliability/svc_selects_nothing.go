package reliability

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcSelectsNothing finds Services that lead nowhere.
var SvcSelectsNothing = rule.Check{
	ID: "svc-selects-nothing", Title: "Service selects no pod", Doc: rule.ReadDoc(docs, "svc_selects_nothing.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.ServiceKind),
	Applies: func(p *rule.Pass) bool { return selectorOf(p) != nil },
	Run: func(p *rule.Pass) {
		want := selectorOf(p)
		if len(selected(p, labels.SelectorFromSet(want))) > 0 {
			return
		}
		if why := unread(p, selectable...); why != "" {
			p.Unknown("%s", why)
			return
		}
		where, certainty := absence(p)
		path := field.NewPath("spec", "selector")
		f := rule.Finding{
			Field: path, Value: labels.FormatLabels(want), Certainty: certainty,
			Message: fmt.Sprintf("selector %s finds no pod and no pod template %s: every connection is refused", labels.FormatLabels(want), where),
			Label:   "finds no pod",
		}
		n, ok := nearest(p, want)
		if ok {
			f.Message += "; " + n.text
		}
		if n.key != "" {
			f.Field, f.Value = path.Key(n.key), n.old
			f.Label = n.text
		}
		out := p.Report(f)
		if n.new != "" {
			patch := p.Put(path.Key(n.key), n.new)
			out.WithFix(rule.Fix{
				Title:         fmt.Sprintf("select %s=%s, which the pods have", n.key, n.new),
				Caution:       "that these are the pods that were meant, only you know",
				Applicability: rule.NeedsThought,
				Patch:         patch,
				Command:       p.Live(patch),
			})
		}
	},
	Peers: map[string][]string{
		"popeye": {"POP-1100", "POP-1105", "POP-1110"}, "kube-score": {"service-targets-pod"}, "kube-linter": {"dangling-service"}, "kubescape": {"service-with-no-workload"},
	},
}

// selectorOf is the selector of a Service that finds its pods itself, or nil: without a selector
// somebody else writes its endpoints, and ExternalName has none.
func selectorOf(p *rule.Pass) map[string]string {
	svc, ok := p.Object.Typed.(*corev1.Service)
	if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName || len(svc.Spec.Selector) == 0 {
		return nil
	}
	return svc.Spec.Selector
}
