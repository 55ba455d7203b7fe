package security

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageSignatureUnchecked finds clusters that run any image, whoever made it.
var ImageSignatureUnchecked = rule.Check{
	ID: "image-signature-unchecked", Title: "no policy asks who signed an image", Doc: rule.ReadDoc(docs, "image_signature_unchecked.md"),
	Dimension: rule.Security, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: slices.Concat(rule.SigningKinds, []schema.GroupKind{
		snapshot.SigstorePolicyKind, snapshot.RatifyConstraintKind, snapshot.RatifyVerifierKind, snapshot.OpenShiftImagesKind, snapshot.OpenShiftAllImagesKind,
		snapshot.ValidatingWebhookKind, snapshot.MutatingWebhookKind, snapshot.NamespaceKind,
	}),
	Run: func(p *rule.Pass) {
		var soft []string
		note := func(o *snapshot.Object, why string) { soft = append(soft, fmt.Sprintf("%s: %s", o, why)) }
		for _, a := range rule.AdmissionPolicies(p.Snapshot) {
			switch {
			case !a.Signed:
			case a.Refuses:
				return
			default:
				note(a.Object, a.Soft)
			}
		}
		for _, o := range p.List(snapshot.SigstorePolicyKind, "") {
			why := sigstoreIdle(p, o)
			if why == "" {
				return
			}
			note(o, why)
		}
		for _, o := range p.List(snapshot.RatifyConstraintKind, "") {
			if rule.Denies(o) {
				return
			}
			note(o, "it only reports")
		}
		for _, gk := range []schema.GroupKind{snapshot.OpenShiftImagesKind, snapshot.OpenShiftAllImagesKind} {
			for _, o := range p.List(gk, "") {
				if o.Name != "openshift" && !rule.Shipped(o) { // that one is for the release's own images
					return
				}
			}
		}
		if list := p.List(snapshot.RatifyVerifierKind, ""); len(list) > 0 {
			p.Unknown("%s is there, and which constraint asks it does not show", list[0])
			return
		}
		if o := verifier(p); o != nil {
			p.Unknown("%s is asked about images, and whether it refuses or only tells stands in its own configuration", o)
			return
		}
		f := rule.Finding{
			NoField: "what is missing stands nowhere", Certainty: rule.Likely,
			Message: "no policy refuses an image whose signature is missing or somebody else's",
		}
		if len(soft) > 0 {
			f.Message += "; " + soft[0]
			if more := len(soft) - 1; more > 0 {
				f.Message += fmt.Sprintf(", and %d more", more)
			}
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "sign what your own pipeline builds, verify that first, and refuse once nothing else comes", Applicability: rule.NeedsThought,
			Caution: "what is not signed is refused from then on, also when a node is drained at night: start with reports, and one registry",
		})
	},
}

// sigstoreIdle is why a policy of Sigstore's policy-controller refuses nothing; "" where it does. Source: the project's
// API, where the mode is enforce unless set, and its webhook, which is asked about the namespaces that its selector finds.
func sigstoreIdle(p *rule.Pass, o *snapshot.Object) string {
	if mode, _ := o.At("spec", "mode"); mode == "warn" {
		return "it only warns"
	}
	v, _ := o.At("spec", "authorities")
	authorities, _ := v.([]any)
	if !slices.ContainsFunc(authorities, func(v any) bool {
		m, _ := v.(map[string]any)
		fixed, _ := m["static"].(map[string]any)
		return m != nil && fixed["action"] != "pass"
	}) {
		return "it lets every image pass"
	}
	for _, hook := range p.List(snapshot.ValidatingWebhookKind, "") {
		t, ok := hook.Typed.(*admissionv1.ValidatingWebhookConfiguration)
		if !ok || !strings.Contains(hook.Name, "policy.sigstore.dev") {
			continue
		}
		for i := range t.Webhooks {
			w := &t.Webhooks[i]
			if w.Name != "policy.sigstore.dev" { // others of it look after its own kinds
				continue
			}
			if w.FailurePolicy != nil && *w.FailurePolicy == admissionv1.Ignore {
				return "its webhook lets pass what it does not answer"
			}
			if w.NamespaceSelector != nil {
				selector, err := snapshot.SelectorOf(w.NamespaceSelector)
				if err != nil || !rule.SelectsNamespace(p.Snapshot, selector) {
					return "no namespace has the label that its webhook looks for"
				}
			}
			return ""
		}
	}
	return "its webhook is not there"
}

// verifier is a webhook of a program that verifies signatures, and has its rules in a configuration of its own.
func verifier(p *rule.Pass) *snapshot.Object {
	for _, gk := range []schema.GroupKind{snapshot.MutatingWebhookKind, snapshot.ValidatingWebhookKind} {
		for _, o := range p.List(gk, "") {
			if strings.Contains(o.Name, "connaisseur") || strings.Contains(o.Name, "portieris") || o.Name == "image-admission-config" {
				return o
			}
		}
	}
	return nil
}
