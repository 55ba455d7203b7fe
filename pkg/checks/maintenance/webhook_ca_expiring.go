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

const (
	caNotice = 30 * 24 * time.Hour // before its end a certificate that nobody renews by itself is spoken of
	caUrgent = 7 * 24 * time.Hour  // before its end it is as good as ended
	// brief is how long authorities live that a program makes for itself and renews: nobody plans to do so by hand every
	// few weeks. Source: knative.dev/pkg, a week, renewed in the last day; CloudNativePG, 90 days, renewed in the last 7.
	brief = 100 * 24 * time.Hour
	// briefPart is which part of such a life is left when its renewal has failed.
	briefPart = 15
)

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
	f := rule.Finding{Field: w.path.Child("clientConfig", "caBundle"), AtKey: true} // the value is a screen long
	refused := "the API server refuses to speak to webhook " + w.name
	if !w.fails {
		f.Severity = rule.Medium
	}
	end, life, subject := lastEnd(w.client.CABundle)
	notice := caNotice
	if life < brief {
		notice = life / briefPart
	}
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
	case left < notice && renewed == "":
		if left > caUrgent {
			f.Severity = rule.Medium
		}
		f.Message = fmt.Sprintf("the certificates in caBundle end on %s, in %s (%s): from then on %s", end.UTC().Format(time.DateOnly), rule.Human(left), subject, refused)
		f.Label = "ends in " + rule.Human(left)
	default:
		return
	}
	p.Report(f).WithFix(fix)
}

// lastEnd is when the last of the certificates in PEM text ends, how long it is valid, and whose it is: of a bundle in
// which an authority is being replaced, the newer one counts. It is zero where there is none.
func lastEnd(text []byte) (end time.Time, life time.Duration, subject string) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return end, life, subject
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && cert.NotAfter.After(end) {
			end, life, subject = cert.NotAfter, cert.NotAfter.Sub(cert.NotBefore), cert.Subject.String()
		}
	}
}

// renewedBy is who writes the bundle anew in time, by the annotation that asks for it, or by the mark of who made the
// configuration and renews its own authority; "" where nobody is known to. Source: the documentation of each project.
func renewedBy(o *snapshot.Object) string {
	labels := o.Meta.GetLabels()
	switch {
	case labels["webhook.kyverno.io/managed-by"] != "":
		return "Kyverno"
	case labels["olm.owner"] != "":
		return "the Operator Lifecycle Manager"
	case o.Name == "elastic-webhook.k8s.elastic.co":
		return "the operator of Elastic"
	}
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
