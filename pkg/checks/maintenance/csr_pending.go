package maintenance

import (
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// decided is how long those who decide about requests by themselves take at the most.
const decided = 10 * time.Minute

// CSRPending finds requests for a certificate about which nobody decides.
var CSRPending = rule.Check{
	ID: "csr-pending", Title: "request for a certificate that nobody decides about", Doc: rule.ReadDoc(docs, "csr_pending.md"),
	Dimension: rule.Maintenance, Severity: rule.Medium, On: rule.Kinds(snapshot.CSRKind),
	Applies: func(p *rule.Pass) bool {
		_, ok := p.Object.Typed.(*certificatesv1.CertificateSigningRequest)
		created := p.Object.Meta.GetCreationTimestamp()
		return ok && !created.IsZero()
	},
	Run: func(p *rule.Pass) {
		csr, ok := p.Object.Typed.(*certificatesv1.CertificateSigningRequest)
		if !ok || len(csr.Status.Conditions) > 0 || len(csr.Status.Certificate) > 0 {
			return
		}
		all := waiting(p.Snapshot, csr)
		age := p.Age(all.since)
		if age < decided || all.newest != csr { // who gets no answer asks again with another key: only the newest is of use
			return
		}
		f := rule.Finding{
			Field: field.NewPath("spec", "signerName"), Value: csr.Spec.SignerName, Label: "nobody has approved or denied it",
			Message: fmt.Sprintf("%s waits for %s, and nobody has approved or denied it", csr.Spec.Username, rule.Human(age)),
		}
		if all.count > 1 {
			f.Message += fmt.Sprintf(", nor %s of it before", rule.Count(all.count-1, "request"))
		}
		switch csr.Spec.SignerName {
		case certificatesv1.KubeletServingSignerName:
			f.Message += ": kubectl logs and exec, and metrics, fail at that node, or go there unverified"
		case certificatesv1.KubeAPIServerClientKubeletSignerName:
			f.Message += ": the node cannot join, or falls out once its present certificate ends"
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "approve it, and bring back who does that by itself", Applicability: rule.NeedsThought, Command: []string{"certificate", "approve", p.Object.Name},
			Caution: "whoever gets the certificate can act as what it names: compare the request with the node that it is for",
		})
	},
}

// asker is who wants a certificate, and of whom.
type asker struct{ username, signer string }

// unanswered are the requests of one asker that nobody has decided about.
type unanswered struct {
	newest *certificatesv1.CertificateSigningRequest
	since  time.Time // of the oldest
	count  int
}

type unansweredKey struct{}

// waiting are the requests of the same asker that wait too.
func waiting(s *snapshot.Snapshot, csr *certificatesv1.CertificateSigningRequest) unanswered {
	return snapshot.Derived(s, unansweredKey{}, func() map[asker]unanswered {
		all := map[asker]unanswered{}
		for _, o := range s.List(snapshot.CSRKind, "") {
			c, ok := o.Typed.(*certificatesv1.CertificateSigningRequest)
			if !ok || c.CreationTimestamp.IsZero() || len(c.Status.Conditions) > 0 || len(c.Status.Certificate) > 0 {
				continue
			}
			by := asker{c.Spec.Username, c.Spec.SignerName}
			have := all[by]
			have.count++
			if have.newest == nil || have.newest.CreationTimestamp.Before(&c.CreationTimestamp) {
				have.newest = c
			}
			if have.since.IsZero() || c.CreationTimestamp.Time.Before(have.since) {
				have.since = c.CreationTimestamp.Time
			}
			all[by] = have
		}
		return all
	})[asker{csr.Spec.Username, csr.Spec.SignerName}]
}
