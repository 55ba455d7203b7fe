package observability

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CannotLook finds that whoever runs this may not read what a fault is found by.
var CannotLook = rule.Check{
	ID: "cannot-look", Title: "logs or events that one may not read", Doc: rule.ReadDoc(docs, "cannot_look.md"),
	Dimension: rule.Observability, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Run: func(p *rule.Pass) {
		c := p.Itself()
		if c == nil {
			return
		}
		if len(c.Rights) == 0 {
			why := c.WhyUnread(snapshot.PartRights)
			if why == "" {
				why = snapshot.ReasonUnread
			}
			p.Unknown("one's own rights: %s", why)
			return
		}
		var denied []string
		in := ""
		for _, r := range c.Rights {
			if !r.Allowed {
				denied = append(denied, r.Verb+" "+r.Resource)
				in = r.Namespace
			}
		}
		if len(denied) == 0 {
			return
		}
		where := "in all namespaces"
		if in != "" {
			where = "in namespace " + in
		}
		p.Report(rule.Finding{
			NoField: "rights are of whoever asks", Message: fmt.Sprintf("you may not %s %s: why a pod fails shows there, and nowhere else", strings.Join(denied, ", nor "), where),
		}).WithFix(rule.Fix{
			Title: "ask for the role view in the namespaces that you work in", Applicability: rule.NeedsThought,
		})
	},
}
