package controllers

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const admissionGroup = "admissionregistration.k8s.io"

// Source: k8s.io/apiserver pkg/admission/plugin/webhook/errors/statuserror.go and
// plugin/policy/validating/dispatcher.go.
var (
	deniedByWebhook = knowledge.Regexp(`(?s)admission webhook "([^"]+)" denied the request(?:: (.{0,1000})| without explanation)`)
	deniedByPolicy  = knowledge.Regexp(`ValidatingAdmissionPolicy '([^']+)'(?: with binding '([^']+)')? denied request: ([^\n]*)`)
)

// WebhookDenied finds controllers whose pods an admission webhook or an admission policy refuses.
var WebhookDenied = rule.Cause{
	ID: "webhook-denied", Title: "an admission policy refuses the pods", Doc: rule.ReadDoc(docs, "webhook_denied.md"),
	Stage: rule.StageNotCreated, On: admitted,
	Wants: func(p *rule.Pass) []snapshot.Want {
		d := denialOf(p)
		switch {
		case d == nil:
			return nil
		case d.policy != "":
			wants := []snapshot.Want{snapshot.WantGet(snapshot.AdmissionPolicyKind, "", d.policy)}
			if d.binding != "" && strings.Contains(d.words, unconfigured) {
				wants = append(wants, snapshot.WantGet(snapshot.AdmissionBindingKind, "", d.binding))
			}
			return wants
		}
		return []snapshot.Want{snapshot.WantList(snapshot.ValidatingWebhookKind, "", ""), snapshot.WantList(snapshot.MutatingWebhookKind, "", "")}
	},
	Run: func(p *rule.Pass) {
		switch d := denialOf(p); {
		case d == nil:
		case strings.Contains(d.words, noParams) && d.binding != "":
			reportParamless(p, d)
		default:
			reportDenied(p, d)
		}
	},
}

// denial is what an admission webhook or policy said of the pods.
type denial struct {
	*refusedThing
	webhook, policy string // one of them
	words           string
	binding         string // of the policy
}

func denialOf(p *rule.Pass) *denial {
	r := apiRefused(p)
	if r == nil {
		return nil
	}
	if m := deniedByWebhook.FindStringSubmatch(r.Message); m != nil {
		return &denial{r, m[1], "", m[2], ""}
	}
	if m := deniedByPolicy.FindStringSubmatch(r.Message); m != nil {
		return &denial{r, "", m[1], m[3], m[2]}
	}
	return nil
}

func reportDenied(p *rule.Pass, d *denial) {
	spec := p.PodSpec()
	who, words := "webhook "+clip(d.webhook), "without a reason"
	f := rule.Finding{
		Object: spec.Object, Stage: d.stage(p), Certainty: rule.Certain, Evidence: []rule.Evidence{d.Evidence},
		NoField: "what the policy wants is in its own words, and they name no field of " + d.of.the(),
		Fix: &rule.Fix{
			Title:         "change the pod template as the policy asks, or have whoever owns the policy make an exception",
			Caution:       "a policy is somebody's decision: see what it guards before you go round it",
			Applicability: rule.NeedsThought,
		},
		RuledOut: []string{"a webhook that does not answer: this one did, and said no"},
	}
	if d.policy != "" {
		who = "validatingadmissionpolicy/" + clip(d.policy)
		f.RuledOut = nil
	}
	if d.words != "" {
		words = rule.Quote(d.words)
	}
	if name := policyIn(d.words); name != "" {
		who = clip(name) + " (" + who + ")"
	}
	f.NoField += ": " + who
	f.Message = fmt.Sprintf("%s refuses %s: %s; %s", who, d.of.the(), words, d.left())
	switch {
	case strings.Contains(d.words, unconfigured):
		f.NoField = "the policy itself could not be set up, so that nothing in the pods helps: " + who
		f.Fix.Title = "have whoever owns the policy set it up as its words say"
	case d.of == aClaim:
		deniedClaim(p, &f, d)
	case d.of == aBinding:
		f.Fix.Title = "have whoever owns the policy make an exception, or see what it asks for"
	}
	if s := podSpoken(p, spec, d); s != nil {
		f.Field, f.NoField, f.Label = s.path, "", s.how
		if s.how == byConcept {
			f.Certainty = rule.Likely
		}
		if o := holder(p, spec); o != nil {
			if v, ok := rule.ValueAt(o, s.path); ok {
				f.Value = scalar(v)
			}
		}
		if s.key != "" {
			carry(p, &f, s)
		}
	}
	if owner := deniedBy(p, d); owner != nil {
		f.Fix.Lines = append([]string{rule.Kubectl(p.Context, "", "get", owner.String(), "-o", "yaml")}, f.Fix.Lines...)
		if tool := owner.Meta.GetLabels()["app.kubernetes.io/part-of"]; tool != "" {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: owner.Ref, Field: "metadata.labels[app.kubernetes.io/part-of]", Text: fmt.Sprintf("%s belongs to %s", owner.String(), clip(tool))})
		}
	}
	p.Report(f)
}

// deniedBy is the configuration or policy that said no, where it was read.
func deniedBy(p *rule.Pass, d *denial) *snapshot.Object {
	if d.policy != "" {
		o, _ := p.Lookup(snapshot.AdmissionPolicyKind, "", d.policy)
		return o
	}
	if w := webhookNamed(p, d.webhook); w != nil {
		return w.object
	}
	return nil
}

// webhook is one webhook of a configuration.
type webhook struct {
	object *snapshot.Object
	path   *field.Path
	client admissionv1.WebhookClientConfig
	policy *admissionv1.FailurePolicyType
}

// webhookNamed is the webhook of that name among the configurations that were read; nil where there is
// none, or more than one.
func webhookNamed(p *rule.Pass, name string) *webhook {
	var found []*webhook
	for _, gk := range []schema.GroupKind{snapshot.ValidatingWebhookKind, snapshot.MutatingWebhookKind} {
		for _, o := range p.List(gk, "") {
			at := field.NewPath("webhooks")
			switch t := o.Typed.(type) {
			case *admissionv1.ValidatingWebhookConfiguration:
				for i, w := range t.Webhooks {
					if w.Name == name {
						found = append(found, &webhook{o, at.Index(i), w.ClientConfig, w.FailurePolicy})
					}
				}
			case *admissionv1.MutatingWebhookConfiguration:
				for i, w := range t.Webhooks {
					if w.Name == name {
						found = append(found, &webhook{o, at.Index(i), w.ClientConfig, w.FailurePolicy})
					}
				}
			}
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// scalar is a value as people write it, "" for what is not one line.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return clip(v)
	case bool, int64, float64, int32, int:
		return fmt.Sprint(v)
	}
	return ""
}
