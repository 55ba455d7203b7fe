package reliability

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
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
		if key := writtenAtRun(p, want); key != "" {
			p.Unknown("the pods may get the label %s from their own program", key)
			return
		}
		if o := labelledInside(p, want); o != nil {
			p.Unknown("%s may make the pods that it is for", o)
			return
		}
		n, ok := nearest(p, want)
		switch {
		case ok:
		case p.MadeByOperator(p.Object.Namespace, &metav1.LabelSelector{MatchLabels: want}):
			p.Unknown("an operator may make the pods that it is for")
			return
		case p.Files && !p.Closed && knowledge.SystemNamespace(p.Object.Namespace) && len(p.Workloads(p.Object.Namespace)) == 0:
			p.Unknown("what runs in namespace %s comes with the cluster", p.Object.Namespace)
			return
		}
		where, certainty := absence(p)
		path := field.NewPath("spec", "selector")
		effect, names := "every connection is refused", headless(p.Object)
		if names {
			effect = "its name has no address"
		}
		f := rule.Finding{
			Field: path, Value: labels.FormatLabels(want), Certainty: certainty,
			Message: fmt.Sprintf("selector %s finds no pod and no pod template %s: %s", labels.FormatLabels(want), where, effect),
			Label:   "finds no pod",
		}
		svc, typed := p.Object.Typed.(*corev1.Service)
		switch {
		case certainty == rule.Possible, typed && knowledge.MetricsService(svc.Name, svc.Spec.Ports),
			names && len(svc.Spec.Ports) == 0 && !ok: // nobody connects to it: it is to name pods that a program may make as it runs
			f.Severity = rule.Low
		}
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

// writtenAtRun is a label of a selector that no template has and that programs put on their own pods as they run, where
// all the rest of the selector finds templates; else "". A cluster shows the pods with all their labels.
func writtenAtRun(p *rule.Pass, want map[string]string) string {
	if !p.Files {
		return ""
	}
	rest, key := map[string]string{}, ""
	for k, v := range want {
		if knowledge.RuntimeLabel(k) {
			key = k
			continue
		}
		rest[k] = v
	}
	if key == "" || len(rest) == 0 {
		return ""
	}
	found := selected(p, labels.SelectorFromSet(rest))
	for _, s := range found {
		for k := range want {
			if _, has := s.Template.Labels[k]; has && knowledge.RuntimeLabel(k) {
				return "" // it is written there, with another value
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return key
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
