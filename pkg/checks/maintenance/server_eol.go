package maintenance

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ServerEOL finds a cluster whose API server gets no fixes any more.
var ServerEOL = rule.Check{
	ID: "server-eol", Title: "API server that gets no more fixes", Doc: rule.ReadDoc(docs, "server_eol.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.ClusterKind),
	Run: func(p *rule.Pass) {
		version, minor, ok := serverVersion(p)
		if !ok {
			return
		}
		if f, found := ended(p, "kube-apiserver", version, providerOfServer(p.Snapshot, version)); found {
			f.NoField = noVersionField
			if f.Certainty == "" && !p.ListRead(snapshot.NodeKind, "") { // some providers show in labels of nodes alone
				f.Certainty = rule.Possible
				if f.Severity == "" {
					f.Severity = rule.Medium
				}
				f.Message += "; whether a provider has fixes of its own does not show, since nodes were not read"
			}
			p.Report(f).WithFix(upgrade())
			return
		}
		if _, known := knowledge.Supported(minor, p.Now); !known {
			p.Unknown("when 1.%d ends is not known here: the newest version that is known is 1.%d", minor, knowledge.KubernetesMinor)
		}
	},
}

// noVersionField is why no field shows the version of a server.
const noVersionField = "the version of a server stands in no object: kubectl version shows it"

// serverVersion is the version of the API server; where it is not known it has said so.
func serverVersion(p *rule.Pass) (version string, minor int, ok bool) {
	c := p.Itself()
	switch {
	case c == nil:
		p.Unknown("the version of the API server: %s", snapshot.ReasonUnread)
		return "", 0, false
	case c.Version == "":
		why := c.WhyUnread(snapshot.PartVersion)
		if why == "" {
			why = snapshot.ReasonUnread
		}
		p.Unknown("the version of the API server: %s", why)
		return "", 0, false
	}
	if minor, ok = minorOf(c.Version); !ok {
		p.Unknown("%s is no version of Kubernetes 1", rule.Quote(c.Version))
	}
	return c.Version, minor, ok
}

// providerOfServer is who built the version of the API server, by its mark or by those of the nodes that were read.
func providerOfServer(s *snapshot.Snapshot, version string) string {
	if provider := providerOf(nil, version); provider != "" {
		return provider
	}
	for _, o := range s.List(snapshot.NodeKind, "") {
		if provider := providerOf(o.Meta.GetLabels(), ""); provider != "" {
			return provider
		}
	}
	return ""
}
