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
		age := p.Age(p.Object.Meta.GetCreationTimestamp().Time)
		if !ok || len(csr.Status.Conditions) > 0 || len(csr.Status.Certificate) > 0 || age < decided {
			return
		}
		f := rule.Finding{
			Field: field.NewPath("spec", "signerName"), Value: csr.Spec.SignerName, Label: "nobody has approved or denied it",
			Message: fmt.Sprintf("%s waits for %s, and nobody has approved or denied it", csr.Spec.Username, rule.Human(age)),
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
