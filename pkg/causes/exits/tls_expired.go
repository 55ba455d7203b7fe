package exits

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// TLSExpired finds programs that end because a certificate is not valid at this time.
var TLSExpired = logCause("tls-expired", "a certificate has expired, or is not valid yet", "tls_expired.md", nil, reportExpired)

var (
	notYet  = knowledge.Regexp(`(?i)not yet valid(?:$|["']|: (?:NotBefore|current time \S+ is before))|CERT_NOT_YET_VALID|CertificateNotYetValid|is before \d{4}|is not yet valid`)
	until   = knowledge.Regexp(`is (?:after|before) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)`)
	urlHost = knowledge.Regexp(`\b[a-z]{2,8}://([A-Za-z0-9.-]+)(?::\d+)?`)
)

var tlsReading = reading{
	words: knowledge.Regexp(`(?i)certificate (?:has|is) (?:expired|not yet valid)|certificate expired|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CertificateExpiredException|CertificateNotYetValidException|certificate verify failed: certificate (?:has expired|is not yet valid)|certificate has expired or is not yet valid`),
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		r := &reason{cause: "tls-expired", more: "has expired"}
		if strings.Contains(line, "is before ") || notYet.MatchString(line) && !strings.Contains(line, "has expired or") {
			r.more = "is not valid yet"
		}
		if m := urlHost.FindStringSubmatch(line); m != nil {
			r.what = m[1]
		}
		if m := until.FindStringSubmatch(line); m != nil {
			r.port = m[1] // the moment that the certificate's validity ends or begins at
		}
		return r
	},
}

func reportExpired(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	whose := "a certificate"
	if e.what != "" {
		whose = "the certificate of " + e.what
	}
	when := ""
	if e.port != "" {
		when = ", on " + strings.TrimSuffix(strings.Replace(e.port, "T", " ", 1), "Z") + " UTC"
		if e.more != "has expired" {
			when = " (from" + strings.TrimPrefix(when, ", on") + " on)"
		}
	}
	f.Message = fmt.Sprintf("%s %s%s, and the program ends%s", whose, e.more, when, e.exit())
	f.RuledOut = []string{"an authority that is not trusted, and a name that does not fit: TLS libraries have other words for those"}
	f.NoField = "no setting of the pod holds the certificate that the other side shows"
	if s, value, ok := wordSetting(p, c, e.what, e.line); ok {
		point(&f, s, value, "where the program connects to")
	}
	f.Fix = &rule.Fix{
		Title:         "renew the certificate where it is served; a server in this cluster takes it from a Secret, and reads it again after a restart",
		Applicability: rule.NeedsThought,
	}
	if e.more != "has expired" {
		f.Fix.Title = "see whose clock is wrong: that of the node, or that of whoever signed the certificate"
	}
	if mounts := secretMounts(p, c); len(mounts) > 0 {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Text: "Secrets that the container mounts: " + few(mounts)})
		f.Fix.Lines = []string{p.Line("get", "secret", mounts[0], "-o", jsonpath("tls.crt")) + " | base64 -d | openssl x509 -noout -subject -enddate"}
	}
	p.Report(f)
}

// secretMounts are the Secrets in volumes that the container mounts.
func secretMounts(p *rule.Pass, c snapshot.Container) []string {
	var names []string
	for _, m := range c.VolumeMounts {
		if v := volumeOf(p, m.Name); v != nil && v.Secret != nil {
			names = append(names, v.Secret.SecretName)
		}
	}
	return names
}
