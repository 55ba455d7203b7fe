package security

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// HostAliases finds addresses of other machines that are written into a pod.
var HostAliases = rule.Check{
	ID: "host-aliases", Title: "addresses of others stand in the manifest", Doc: rule.ReadDoc(docs, "host_aliases.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil {
				continue
			}
			for i, a := range t.Spec.HostAliases {
				ip, err := netip.ParseAddr(a.IP)
				if err == nil && (ip.IsLoopback() || ip.IsUnspecified()) || len(a.Hostnames) == 0 {
					continue // the pod itself, or a name that is to lead nowhere: neither moves
				}
				path := t.SpecPath().Child("hostAliases").Index(i)
				f := rule.Finding{Field: path.Child("ip"), Value: a.IP}
				f.Message = fmt.Sprintf("%s is %s for this pod, whatever DNS says: when it moves nobody tells the pod", strings.Join(a.Hostnames, ", "), a.IP)
				f.Fix = &rule.Fix{
					Title: "give it a name in DNS, or a Service without selector and an EndpointSlice with the address", Applicability: rule.NeedsThought,
					Caution: "where nobody can add a name to DNS, this is the way: write down who changes the address when it moves",
				}
				p.Report(f)
			}
		}
	},
	Peers: map[string][]string{
		"kubesec": {"HostAliases"},
	},
}
