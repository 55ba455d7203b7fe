package reliability

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PDBOrphan finds PodDisruptionBudgets that protect nothing.
var PDBOrphan = rule.Check{
	ID: "pdb-orphan", Title: "PodDisruptionBudget selects no pod", Doc: rule.ReadDoc(docs, "pdb_orphan.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.PDBKind),
	Run: func(p *rule.Pass) {
		pdb, selector, found := budget(p)
		if pdb == nil || len(found) > 0 {
			return
		}
		path := field.NewPath("spec", "selector")
		if pdb.Spec.Selector == nil {
			p.Reportf(path, "there is no selector, so it protects no pod (an empty one, {}, would take all of the namespace)")
			return
		}
		if why := unread(p, selectable...); why != "" {
			p.Unknown("%s", why)
			return
		}
		var n near
		fits := false
		if len(pdb.Spec.Selector.MatchExpressions) == 0 && len(pdb.Spec.Selector.MatchLabels) > 0 {
			if o := labelledInside(p, pdb.Spec.Selector.MatchLabels); o != nil {
				p.Unknown("%s may make the pods that it is for", o)
				return
			}
			n, fits = nearest(p, pdb.Spec.Selector.MatchLabels)
		}
		if !fits && p.MadeByOperator(p.Object.Namespace, pdb.Spec.Selector) {
			p.Unknown("an operator may make the pods that it is for")
			return
		}
		where, certainty := absence(p)
		text := metav1.FormatLabelSelector(pdb.Spec.Selector)
		f := rule.Finding{
			Field: path, Value: text, Certainty: certainty, Label: "finds no pod",
			Message: fmt.Sprintf("selector %s finds no pod and no pod template %s: it protects nothing from a drain", text, where),
		}
		if selector.Empty() {
			f.Message = fmt.Sprintf("there is no pod and no pod template %s that it could protect", where)
		}
		if certainty == rule.Possible {
			f.Severity = rule.Low
		}
		if fits {
			f.Message += "; " + n.text
		}
		labelsPath := path.Child("matchLabels")
		if n.key != "" {
			f.Field, f.Value, f.Label = labelsPath.Key(n.key), n.old, n.text
		}
		out := p.Report(f)
		if n.new != "" {
			patch := p.Put(labelsPath.Key(n.key), n.new)
			out.WithFix(rule.Fix{
				Title:         fmt.Sprintf("select %s=%s, which the pods have", n.key, n.new),
				Caution:       "that these are the pods that were meant, only you know",
				Applicability: rule.NeedsThought,
				Patch:         patch,
				Command:       p.Live(patch),
			})
		}
	},
	Peers: map[string][]string{"popeye": {"POP-900"}},
}
