package policy

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// judging is what must be seen before one can say that nothing holds people to rules.
var judging = slices.Concat(rule.JudgingKinds, []schema.GroupKind{snapshot.ValidatingWebhookKind, snapshot.NamespaceKind})

// PolicyEngineMissing finds clusters in which anything goes that the API allows.
var PolicyEngineMissing = rule.Check{
	ID: "policy-engine-missing", Title: "no admission policy is in effect", Doc: rule.ReadDoc(docs, "policy_engine_missing.md"),
	Dimension: rule.Policy, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind), Needs: judging,
	Run: func(p *rule.Pass) {
		all := rule.AdmissionPolicies(p.Snapshot)
		if slices.ContainsFunc(all, func(a rule.AdmissionPolicy) bool { return a.Judges }) {
			return
		}
		if g := guard(p); g != nil {
			p.Unknown("%s is asked about new pods, and its rules do not show", g)
			return
		}
		p.Report(rule.Finding{
			NoField: "what is missing stands nowhere", Certainty: rule.Likely,
			Message: "no admission policy is in effect, not even one that only reports" + because(all, func(a rule.AdmissionPolicy) string { return a.Idle }),
		}).WithFix(rule.Fix{
			Title: "start with one rule that warns: a ValidatingAdmissionPolicy needs no engine", Applicability: rule.NeedsThought, YAML: firstPolicy,
			Caution: "Warn and Audit refuse nothing: see who breaks the rule before a binding denies",
		})
	},
}

const firstPolicy = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: named-app
spec:
  matchConstraints:
    resourceRules:
    - apiGroups: [apps]
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [deployments, statefulsets, daemonsets]
  validations:
  - expression: "'app.kubernetes.io/name' in object.metadata.?labels.orValue({})"
    message: say with the label app.kubernetes.io/name what it is
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: named-app
spec:
  policyName: named-app
  validationActions: [Warn, Audit]
`

// because names the first policy for which there is a reason, and counts the others: "; clusterpolicy/a: it only reports".
func because(all []rule.AdmissionPolicy, why func(rule.AdmissionPolicy) string) string {
	text, more := "", 0
	for _, a := range all {
		switch reason := why(a); {
		case reason == "":
		case text == "":
			text = fmt.Sprintf("; %s: %s", a.Object, reason)
		default:
			more++
		}
	}
	if more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

type guardKey struct{}

// guard is a validating webhook that is asked about new pods, and belongs neither to an engine that is known here nor to
// whoever provides the cluster; nil where there is none.
func guard(p *rule.Pass) *snapshot.Object {
	return snapshot.Derived(p.Snapshot, guardKey{}, func() *snapshot.Object {
		for _, o := range p.List(snapshot.ValidatingWebhookKind, "") {
			t, ok := o.Typed.(*admissionv1.ValidatingWebhookConfiguration)
			if !ok || rule.Shipped(o) || slices.ContainsFunc(knownEngines, func(word string) bool { return strings.Contains(o.Name, word) }) {
				continue
			}
			for i := range t.Webhooks {
				if slices.ContainsFunc(t.Webhooks[i].Rules, aboutPods) {
					return o
				}
			}
		}
		return nil
	})
}

// knownEngines are parts of the names that engines give their webhooks, whose policies are judged as such.
var knownEngines = []string{"kyverno", "gatekeeper", "kubewarden", "sigstore"}
