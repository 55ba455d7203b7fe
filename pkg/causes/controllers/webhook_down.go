package controllers

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Source: k8s.io/apiserver pkg/util/webhook/error.go.
var failedCalling = knowledge.Regexp(`failed calling webhook "([^"]+)": ([^\n]*)`)

// WebhookDown finds what cannot be created because an admission webhook does not answer: pods, a claim of
// theirs, a Deployment's ReplicaSet, or the binding of a pod to its node.
var WebhookDown = rule.Cause{
	ID: "webhook-down", Title: "an admission webhook that must answer does not", Doc: rule.ReadDoc(docs, "webhook_down.md"),
	Stage: rule.StageNotCreated, On: admitted,
	Wants: func(p *rule.Pass) []snapshot.Want {
		c := callOf(p)
		if c == nil {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantList(snapshot.ValidatingWebhookKind, "", ""), snapshot.WantList(snapshot.MutatingWebhookKind, "", "")}
		if w := webhookNamed(p, c.webhook); w != nil && w.client.Service != nil {
			s := w.client.Service
			wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, s.Namespace, s.Name),
				snapshot.WantEndpoints(s.Namespace, s.Name))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if c := callOf(p); c != nil {
			reportDown(p, c)
		}
	},
}

// call is an admission webhook that the API server could not ask.
type call struct {
	*refusedThing
	webhook, words string
}

func callOf(p *rule.Pass) *call {
	r := apiRefused(p)
	if r == nil {
		return nil
	}
	m := failedCalling.FindStringSubmatch(r.Message)
	if m == nil {
		return nil
	}
	return &call{r, m[1], m[2]}
}

// failures are what may go wrong on the way to a webhook, by words of the API server and of Go's network
// libraries, and what to look at then.
var failures = []struct{ words, means, look string }{
	{"no endpoints available", "its Service has no ready pod", "bring up the pods behind its Service"},
	{"x509", "the API server does not trust its certificate", "renew its certificate, or put the authority that signed it into clientConfig.caBundle"},
	{"tls: ", "they do not agree on TLS", "see its certificate and port"},
	{"connection refused", "nothing listens at its port", "see that its pods run, and on which port"},
	{"no such host", "its host name is unknown", "see whether the host of its URL exists"},
	{"context deadline exceeded", "it did not answer in time", "see that its pods run, and that the control plane reaches their port: a firewall, a NetworkPolicy"},
	{"i/o timeout", "it cannot be reached", "see that the control plane reaches its port: a firewall, a NetworkPolicy"},
	{"no route to host", "it cannot be reached", "see that the control plane reaches its port: a firewall, a NetworkPolicy"},
	{"the server could not find the requested resource", "it does not know the path", "see the path in its clientConfig"},
	{"EOF", "it hung up", "see its pods' log"},
	{"not found", "its Service does not exist", "bring its Service back"},
}

func reportDown(p *rule.Pass, c *call) {
	comes := "the pods are then created by themselves"
	if c.of == aBinding {
		comes = "the pod is then given its node by itself"
	}
	stage := rule.StageNotScheduled
	if c.of != aBinding {
		stage = p.RefusedStage()
	}
	f := rule.Finding{
		Object: topOf(p), Stage: stage, Certainty: rule.Certain, Evidence: []rule.Evidence{c.Evidence},
		NoField: "the webhook's configuration could not be read; nothing is wrong with the pods",
		Fix: &rule.Fix{
			Title:         "bring the webhook back; " + comes,
			Applicability: rule.NeedsThought,
		},
		RuledOut: []string{"the pods themselves: nobody has judged them"},
	}
	means, look := "it could not be asked: "+rule.Quote(c.words), ""
	for _, w := range failures {
		if strings.Contains(c.words, w.words) {
			means, look = w.means, w.look
			break
		}
	}
	w := webhookNamed(p, c.webhook)
	if w == nil {
		f.Message = fmt.Sprintf("webhook %s has to be asked about each %s, and %s; %s", clip(c.webhook), c.of, means, c.left())
		if look != "" {
			f.Fix.Title = look + "; " + comes
		}
		p.Report(f)
		return
	}
	f.Object, f.NoField = w.object.Ref, ""
	f.Field, f.Label = w.path.Child("clientConfig"), means
	f.Fix.Title = look
	if look == "" {
		f.Fix.Title = "bring the webhook back"
	}
	where := clip(c.webhook)
	if url := w.client.URL; url != nil {
		f.Field, f.Value = w.path.Child("clientConfig", "url"), *url
	}
	if s := w.client.Service; s != nil {
		where += fmt.Sprintf(" (service/%s in namespace %s)", s.Name, s.Namespace)
		f.Field, f.Value = w.path.Child("clientConfig", "service", "name"), s.Name
		serviceOf(p, s, &f)
	}
	f.Message = fmt.Sprintf("%s has to be asked about each %s, and %s; %s", where, c.of, means, c.left())
	policy := w.path.Child("failurePolicy")
	f.Marks = append(f.Marks, rule.Mark{Field: policy, Label: "Fail: without its answer nothing is admitted"})
	f.Fix.Title += ". Until then Ignore goes on without asking it; where it is left over from something uninstalled, delete the configuration"
	// The controllers' queues wait up to 1000 seconds. Source: client-go util/workqueue, DefaultTypedControllerRateLimiter.
	f.Fix.Caution = "with Ignore nobody checks what it is to check, or puts in what it would: set it back to Fail afterwards. Controllers try again by themselves, in up to 17 minutes"
	f.Fix.Object = w.object.Ref
	f.Fix.Patch = rule.PutIn(w.object, policy, string(admissionv1.Ignore))
	f.Fix.Command = p.PatchCommand(w.object.Ref, f.Fix.Patch)
	p.Report(f)
}

// serviceOf adds what is known of the Service of a webhook.
func serviceOf(p *rule.Pass, s *admissionv1.ServiceReference, f *rule.Finding) {
	ref := snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: s.Namespace, Name: s.Name}
	svc, out := p.Lookup(snapshot.ServiceKind, s.Namespace, s.Name)
	switch {
	case svc == nil && out.State == snapshot.Absent && out.Proven:
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Text: fmt.Sprintf("%s in namespace %s: not found", ref.String(), s.Namespace)})
	case svc != nil:
		if ready, read := p.ReadyEndpoints(svc); read {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Text: fmt.Sprintf("%s in namespace %s: %s", ref.String(), s.Namespace, rule.Count(ready, "ready endpoint"))})
		}
		f.Fix.Lines = []string{p.Explain(snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: svc.Namespace, Name: svc.Name})}
	}
}
