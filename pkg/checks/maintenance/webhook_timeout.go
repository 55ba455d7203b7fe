package maintenance

import (
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// The bounds of a webhook's timeoutSeconds, and its default. Source: the types of admissionregistration.k8s.io/v1.
const (
	leastTimeout   = 1
	mostTimeout    = 30
	defaultTimeout = 10
)

// WebhookTimeout finds webhooks that may hold up a request for long.
var WebhookTimeout = rule.Check{
	ID: "webhook-timeout", Title: "admission webhook that may take long to answer", Doc: rule.ReadDoc(docs, "webhook_timeout.md"),
	Dimension: rule.Maintenance, Severity: rule.Low, On: webhookKinds,
	Applies: func(p *rule.Pass) bool { return len(webhooks(p.Object)) > 0 },
	Run: func(p *rule.Pass) {
		for _, w := range webhooks(p.Object) {
			if w.seconds == nil || *w.seconds >= leastTimeout && *w.seconds <= defaultTimeout {
				continue
			}
			at := w.path.Child("timeoutSeconds")
			f := rule.Finding{Field: at, Value: fmt.Sprint(*w.seconds)}
			patch := p.Put(at, int64(defaultTimeout))
			fix := rule.Fix{
				Title: fmt.Sprintf("set the default, %d, or less", defaultTimeout), Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
				Caution: "a webhook that really takes that long then counts as failed: see how long its answers take",
			}
			switch {
			case *w.seconds < leastTimeout || *w.seconds > mostTimeout:
				f.Severity = rule.High
				f.Message = fmt.Sprintf("timeoutSeconds %d: the API server takes %d to %d, and refuses the configuration", *w.seconds, leastTimeout, mostTimeout)
				f.Label = fmt.Sprintf("%d to %d are allowed", leastTimeout, mostTimeout)
			case !w.asksKubernetes(), w.ofControlPlane(): // of its own kinds, whose clients know how long it takes
				continue
			case w.asks(admissionv1.Create, "", "pods"):
				f.Message = fmt.Sprintf("webhook %s may hold up each pod that it is asked about for %d seconds: while it hangs rollouts and restarts crawl", w.name, *w.seconds)
			default:
				f.Message = fmt.Sprintf("webhook %s may hold up what it is asked about for %d seconds: while it hangs clients give up before they hear why", w.name, *w.seconds)
			}
			p.Report(f).WithFix(fix)
		}
	},
	Peers: map[string][]string{"clusterlint": {"admission-controller-webhook-timeout"}},
}
