package maintenance

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// caNotice is how long before its end a certificate that nobody renews by itself is spoken of.
const caNotice = 30 * 24 * time.Hour

// WebhookCAExpiring finds webhooks and API services whose certificate authority ends soon, or has ended.
var WebhookCAExpiring = rule.Check{
	ID: "webhook-ca-expiring", Title: "caBundle that ends soon, or has ended", Doc: rule.ReadDoc(docs, "webhook_ca_expiring.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: webhookKinds,
	Applies: func(p *rule.Pass) bool {
		for _, w := range webhooks(p.Object) {
			if len(w.client.CABundle) > 0 {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		said := map[string]bool{}
		for _, w := range webhooks(p.Object) {
			if len(w.client.CABundle) == 0 || said[string(w.client.CABundle)] {
				continue
			}
			said[string(w.client.CABundle)] = true
			judgeBundle(p, w)
		}
	},
}

func judgeBundle(p *rule.Pass, w webhook) {
	f := rule.Finding{Field: w.path.Child("clientConfig", "caBundle")}
	refused := "the API server refuses to speak to webhook " + w.name
	if !w.fails {
		f.Severity = rule.Medium
	}
	end, subject := lastEnd(w.client.CABundle)
	fix := rule.Fix{Title: "renew the authority, and put its certificate here", Applicability: rule.NeedsThought, Caution: "what serves the webhook must get a certificate of the new authority in the same step"}
	renewed := renewedBy(p.Object)
	switch left := end.Sub(p.Now); {
	case end.IsZero() && p.Files && (renewed != "" || len(bytes.TrimSpace(w.client.CABundle)) == 0):
		return // a line that somebody fills in once it is applied
	case end.IsZero():
		f.Message = "caBundle holds no certificate: " + refused
		f.Label = "no certificate in PEM form"
	case left <= 0:
		f.Message = fmt.Sprintf("the certificates in caBundle ended on %s (%s): %s", end.UTC().Format(time.DateOnly), subject, refused)
		f.Label = "ended " + rule.Human(-left) + " ago"
		if renewed != "" {
			f.Message += ", and " + renewed + " has not renewed it"
		}
	case left < caNotice && renewed == "":
		f.Message = fmt.Sprintf("the certificates in caBundle end on %s, in %s (%s): from then on %s", end.UTC().Format(time.DateOnly), rule.Human(left), subject, refused)
		f.Label = "ends in " + rule.Human(left)
	default:
		return
	}
	p.Report(f).WithFix(fix)
}

// lastEnd is when the last of the certificates in PEM text ends, and whose it is: of a bundle in which an authority
// is being replaced, the newer one counts. It is zero where there is none.
func lastEnd(text []byte) (end time.Time, subject string) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return end, subject
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && cert.NotAfter.After(end) {
			end, subject = cert.NotAfter, cert.Subject.String()
		}
	}
}

// renewedBy is who writes the bundle anew in time, by the annotation that asks for it, or "".
func renewedBy(o *snapshot.Object) string {
	for k := range o.Meta.GetAnnotations() {
		switch {
		case strings.HasPrefix(k, "cert-manager.io/inject-"):
			return "cert-manager"
		case k == "service.beta.openshift.io/inject-cabundle":
			return "OpenShift"
		}
	}
	return ""
}
