package policy

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// KeysUnsorted finds manifests whose keys are not in the order of the alphabet.
var KeysUnsorted = rule.Check{
	ID: "keys-unsorted", Title: "keys are not sorted", Doc: rule.ReadDoc(docs, "keys_unsorted.md"),
	Dimension: rule.Policy, Severity: rule.Info, Off: true, On: rule.Everything,
	Applies: func(p *rule.Pass) bool { return p.Object.Origin != nil }, // what a cluster holds has no order
	Run: func(p *rule.Pass) {
		doc, prefix := p.Object.Origin.Document, p.Object.Origin.Prefix
		at, above, found := doc.Unsorted(prefix)
		if !found {
			return
		}
		p.Report(rule.Finding{
			Field: rule.FieldPath(at[len(prefix):].String()), AtKey: true, Label: "sorts before " + above,
			Message: fmt.Sprintf("%s stands below %s: its keys are not sorted", at[len(at)-1].Key, above),
		}).WithFix(rule.Fix{
			Title: "let a formatter sort the keys of all mappings, and keep the lists as they are", Applicability: rule.NeedsThought,
			Caution: "comments between keys may end up beside others",
		})
	},
	Peers: map[string][]string{"kube-linter": {"sorted-keys"}},
}
