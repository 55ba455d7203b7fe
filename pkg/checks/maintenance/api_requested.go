package maintenance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// APIRequested finds versions of the API that somebody asks for and that go with one of the next releases.
var APIRequested = rule.Check{
	ID: "api-requested", Title: "somebody asks for an apiVersion that goes soon", Doc: rule.ReadDoc(docs, "api_requested.md"),
	Dimension: rule.Maintenance, Severity: rule.Medium, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Run: func(p *rule.Pass) {
		c := p.Itself()
		if c == nil {
			return
		}
		if why := c.WhyUnread(snapshot.PartRequested); why != "" {
			p.Unknown("the server's own count of what it was asked for: %s", why)
			return
		}
		_, server, ok := serverVersion(p)
		if !ok {
			return
		}
		type gone struct {
			api   snapshot.RequestedAPI
			minor int
		}
		var list []gone
		for _, api := range c.Requested {
			if minor, ok := minorOf(api.RemovedRelease); ok && minor <= server+1+aheadOfPlan {
				list = append(list, gone{api, minor})
			}
		}
		if len(list) == 0 {
			return
		}
		slices.SortStableFunc(list, func(a, b gone) int { return cmp.Compare(a.minor, b.minor) })
		var words []string
		for _, g := range list[:min(len(list), namedAPIs)] {
			words = append(words, fmt.Sprintf("%s of %s (1.%d)", g.api.Resource, strings.TrimPrefix(g.api.Group+"/"+g.api.Version, "/"), g.minor))
		}
		if more := len(list) - len(words); more > 0 {
			words = append(words, fmt.Sprintf("%d more", more))
		}
		f := rule.Finding{
			NoField: "what a server is asked for stands in its metrics alone, apiserver_requested_deprecated_apis",
			Message: fmt.Sprintf("since its start one API server was asked for versions that go: %s", strings.Join(words, ", ")),
		}
		if list[0].minor <= server+1 {
			f.Severity = rule.High
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "find out who asks, and bring it to a newer version: the audit log names the client, as does api-removed-next where it writes", Applicability: rule.NeedsThought,
			Caution: "the server counts from its start, and one request is enough: what has stopped asking is counted until it starts anew",
		})
	},
}

// namedAPIs is how many versions a message names.
const namedAPIs = 5
