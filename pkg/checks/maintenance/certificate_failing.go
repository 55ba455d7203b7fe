package maintenance

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const (
	issued  = 10 * time.Minute // which the first certificate takes at the most
	renewal = time.Hour        // which a renewal takes at the most
)

// CertificateFailing finds certificates of cert-manager that are not issued, or not renewed in time.
var CertificateFailing = rule.Check{
	ID: "certificate-failing", Title: "certificate that is not issued, or not renewed", Doc: rule.ReadDoc(docs, "certificate_failing.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.CertificateKind),
	Applies: func(p *rule.Pass) bool { return rule.ConditionOf(p.Object, "Ready") != nil },
	Run: func(p *rule.Pass) {
		c := rule.ConditionOf(p.Object, "Ready")
		since := c.LastTransitionTime.Time
		end, renew := timeAt(p.Object, "status", "notAfter"), timeAt(p.Object, "status", "renewalTime")
		f := rule.Finding{Field: field.NewPath("spec", "issuerRef"), Label: "asked there"}
		f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions", Time: since, Text: c.Reason + ": " + rule.Quote(c.Message)}}
		switch {
		case !end.IsZero() && end.Before(p.Now):
			f.Message = fmt.Sprintf("the certificate ended %s ago, and no new one was issued: clients refuse it", rule.Human(p.Now.Sub(end)))
		case c.Status == metav1.ConditionFalse && (since.IsZero() || p.Age(since) >= issued):
			f.Message = "no certificate is issued"
			if !since.IsZero() {
				f.Message += ", for " + rule.Human(p.Age(since))
			}
			if c.Message != "" {
				f.Message += ", " + rule.Quote(c.Message)
			}
			if !end.IsZero() {
				f.Message += fmt.Sprintf("; the one before ends in %s", rule.Human(end.Sub(p.Now)))
			}
		case !renew.IsZero() && p.Age(renew) >= renewal:
			f.Message = fmt.Sprintf("should have been renewed %s ago", rule.Human(p.Age(renew)))
			if !end.IsZero() {
				f.Message += fmt.Sprintf(", and ends in %s", rule.Human(end.Sub(p.Now)))
			}
		default:
			return
		}
		fix := rule.Fix{Title: "see in its requests why the issuer does not answer", Applicability: rule.NeedsThought, Caution: "public authorities limit how often one may ask: mend the cause before trying again"}
		if !p.Files {
			fix.Lines = []string{p.Line("get", "certificaterequests.cert-manager.io,orders.acme.cert-manager.io,challenges.acme.cert-manager.io", "-o", "wide")}
		}
		p.Report(f).WithFix(fix)
	},
}
