package maintenance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const (
	authorityNotice = 90 * day // to replace an authority touches every kubeconfig and every machine
	dayPass         = day      // who has a certificate for that long gets a new one each day
)

// ConnectionCertificate finds certificates of the connection to the API server that end soon.
var ConnectionCertificate = rule.Check{
	ID: "connection-certificate", Title: "certificate of the API server that ends soon", Doc: rule.ReadDoc(docs, "connection_certificate.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.ClusterKind),
	Applies: func(p *rule.Pass) bool {
		c := p.Itself()
		return c != nil && len(c.Certificates) > 0
	},
	Run: func(p *rule.Pass) {
		c := p.Itself()
		if c == nil {
			return
		}
		provider := providerOfServer(p.Snapshot, c.Version)
		var list []rule.Finding
		var authority snapshot.Certificate // while one is being replaced there are two, and the newer one stays
		if slices.ContainsFunc(c.Certificates, public) {
			provider = aProxy
		}
		for _, cert := range c.Certificates {
			switch cert.Of {
			case "authority":
				if cert.NotAfter.After(authority.NotAfter.Time) && !public(cert) {
					authority = cert
				}
			case "server":
				list = append(list, ofServer(p, cert, provider)...)
			case "client":
				list = append(list, ofClient(p, cert)...)
			}
		}
		list = append(list, ofAuthority(p, authority)...)
		if len(list) == 0 {
			return
		}
		// One cluster, one finding: the worst leads, and its way out is the one to take first.
		slices.SortStableFunc(list, func(a, b rule.Finding) int { return cmp.Compare(a.Severity.Rank(), b.Severity.Rank()) })
		f := list[0]
		for _, other := range list[1:] {
			if !strings.Contains(f.Message, other.Message) {
				f.Message += "; " + other.Message
			}
		}
		f.NoField = "a certificate of the connection stands in no object"
		p.Report(f)
	},
}

// aProxy is whoever ends the connection in front of the server, with a certificate that everybody trusts.
const aProxy = "what stands in front of the server"

// publicAuthority is what those call themselves whom everybody trusts: they replace their own certificates, and who gets one
// of them renews it by a program every few weeks.
var publicAuthority = knowledge.Regexp(`^(?:Y?[RE]|W[RE])\d{1,3}$|Let's Encrypt|ISRG|DigiCert|Sectigo|USERTrust|ZeroSSL|GlobalSign|^GTS |Google Trust|^Amazon (?:RSA|ECDSA|Root)|Go ?Daddy|Entrust|Buypass|Certum|Microsoft (?:Azure )?(?:RSA|ECC) TLS`)

// public tells an authority, or one between it and the server, that everybody trusts.
func public(cert snapshot.Certificate) bool {
	return cert.Of != "server" && publicAuthority.MatchString(cert.Name)
}

// ends words when a certificate ends; soon is false where that is further away than notice.
func ends(p *rule.Pass, whose string, cert snapshot.Certificate, notice time.Duration) (words string, left time.Duration, soon bool) {
	left = cert.NotAfter.Sub(p.Now)
	if cert.NotAfter.IsZero() || left >= notice {
		return "", left, false
	}
	if cert.Name != "" {
		whose += " (" + cert.Name + ")"
	}
	on := cert.NotAfter.UTC().Format(time.DateOnly)
	if left <= 0 {
		return fmt.Sprintf("%s ended on %s", whose, on), left, true
	}
	return fmt.Sprintf("%s ends on %s, in %s", whose, on, rule.Human(left)), left, true
}

func ofServer(p *rule.Pass, cert snapshot.Certificate, provider string) []rule.Finding {
	notice, own := caNotice, provider == "" || provider == "k3s" || provider == "RKE2"
	if !own {
		notice = caUrgent // a provider renews it without being asked, OpenShift that of each month in its middle
	}
	words, left, soon := ends(p, "the certificate of the API server", cert, notice)
	if !soon {
		return nil
	}
	f := rule.Finding{Severity: rule.Medium, Message: words + ": from then on nobody can connect, no kubelet and no controller either"}
	if left <= 0 {
		f.Message = words + ": who checks it cannot connect"
	}
	if provider == aProxy {
		f.Message = words + ": who comes by this way cannot connect then"
	}
	fix := rule.Fix{
		Title: "renew it: on each machine of the control plane kubeadm certs renew all, then start its static pods anew", Applicability: rule.NeedsThought,
		Caution: "one machine after the other; where something else than kubeadm made it, a proxy or a load balancer, renew it there",
	}
	switch {
	case provider == aProxy:
		f.Certainty = rule.Possible
		f.Message += ", unless " + aProxy + " renews it first"
		fix.Title, fix.Caution = "look at what renews the certificate of the proxy or load balancer in front of the server", "kubeconfigs that lead to the server itself are not touched by it"
	case !own:
		f.Certainty = rule.Possible
		f.Message += ", unless " + provider + " renews it first"
		fix.Title, fix.Caution = "ask "+provider+" why it was not renewed, and look at the state of its operators or its console", "renewing it by hand may leave two who write the same file"
	case provider != "":
		fix.Title, fix.Caution = "start the servers anew: "+provider+" renews what is near its end when it starts", "one server after the other"
	}
	if own && left < caUrgent {
		f.Severity = rule.High
	}
	f.Fix = &fix
	return []rule.Finding{f}
}

func ofAuthority(p *rule.Pass, cert snapshot.Certificate) []rule.Finding {
	words, _, soon := ends(p, "the certificate authority of the cluster", cert, authorityNotice)
	if !soon {
		return nil
	}
	return []rule.Finding{{
		Severity: rule.High, Message: words + ": all certificates that it signed end with it",
		Fix: &rule.Fix{
			Title: "replace the authority, as the page on manual rotation of Kubernetes says", Applicability: rule.NeedsThought,
			Caution: "old and new must be trusted side by side until every server, kubelet, kubeconfig and pod has the new one",
		},
	}}
}

func ofClient(p *rule.Pass, cert snapshot.Certificate) []rule.Finding {
	words, left, soon := ends(p, "the certificate in your kubeconfig", cert, caNotice)
	if !soon || left > 0 && left < dayPass {
		return nil
	}
	return []rule.Finding{{
		Severity: rule.Low, Message: words,
		Fix: &rule.Fix{
			Title: "get a new kubeconfig from whoever issues them; of kubeadm, kubeadm certs renew admin.conf", Applicability: rule.NeedsThought,
			Caution: "what else uses this kubeconfig, such as a pipeline, needs the new one too",
		},
	}}
}
