package policy

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PolicyUnbound finds admission policies that no binding puts into force.
var PolicyUnbound = rule.Check{
	ID: "policy-unbound", Title: "admission policy that no binding puts into force", Doc: rule.ReadDoc(docs, "policy_unbound.md"),
	Dimension: rule.Policy, Severity: rule.Medium, On: rule.Kinds(snapshot.AdmissionPolicyKind),
	Needs: []schema.GroupKind{snapshot.AdmissionBindingKind},
	// The binding of a policy in files may be in the cluster.
	Applies: func(p *rule.Pass) bool { return p.Object.Typed != nil && (!p.Files || p.Closed) },
	Run: func(p *rule.Pass) {
		if boundPolicies(p.Snapshot)[p.Object.Name] {
			return
		}
		p.Report(rule.Finding{
			NoField: "the policy says what it should: what puts it into force is missing", Certainty: rule.Likely,
			Message: fmt.Sprintf("no ValidatingAdmissionPolicyBinding names %s, so it checks nothing", p.Object.Name),
		}).WithFix(rule.Fix{
			Title: "bind it, first with Warn and Audit, and with Deny once nobody breaks it", Applicability: rule.NeedsThought,
			Caution: "with Deny whatever breaks the policy is refused from that moment on, pods of controllers included",
			YAML: "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata:\n  name: " + p.Object.Name +
				"\nspec:\n  policyName: " + p.Object.Name + "\n  validationActions: [Warn, Audit]\n",
		})
	},
}

type boundKey struct{}

// boundPolicies are the policies that some binding names.
func boundPolicies(s *snapshot.Snapshot) map[string]bool {
	return snapshot.Derived(s, boundKey{}, func() map[string]bool {
		bound := map[string]bool{}
		for _, o := range s.List(snapshot.AdmissionBindingKind, "") {
			if b, ok := o.Typed.(*admissionv1.ValidatingAdmissionPolicyBinding); ok {
				bound[b.Spec.PolicyName] = true
			} else if name, ok := o.At("spec", "policyName"); ok {
				bound[fmt.Sprint(name)] = true
			}
		}
		return bound
	})
}

// PolicyBindingOrphan finds bindings of admission policies that are not there.
var PolicyBindingOrphan = rule.Check{
	ID: "policy-binding-orphan", Title: "binds an admission policy that is not there", Doc: rule.ReadDoc(docs, "policy_binding_orphan.md"),
	Dimension: rule.Policy, Severity: rule.Medium, On: rule.Kinds(snapshot.AdmissionBindingKind),
	Run: func(p *rule.Pass) {
		b, ok := p.Object.Typed.(*admissionv1.ValidatingAdmissionPolicyBinding)
		if !ok || b.Spec.PolicyName == "" {
			return
		}
		ref := snapshot.Ref{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicy", Name: b.Spec.PolicyName}
		if a := p.Absent(field.NewPath("spec", "policyName"), ref); a != nil {
			p.Report(a.Finding("%s %s, so nothing is checked", ref, a.Where)).WithFix(a.Fix(p, "name", "bring the policy back, or delete the binding"))
		}
	},
}

// PolicyBindingSilent finds bindings of admission policies that refuse nothing.
var PolicyBindingSilent = rule.Check{
	ID: "policy-binding-silent", Title: "admission policy that refuses nothing", Doc: rule.ReadDoc(docs, "policy_binding_silent.md"),
	Dimension: rule.Policy, Severity: rule.Info, On: rule.Kinds(snapshot.AdmissionBindingKind),
	Applies: func(p *rule.Pass) bool {
		b, ok := p.Object.Typed.(*admissionv1.ValidatingAdmissionPolicyBinding)
		return ok && len(b.Spec.ValidationActions) > 0
	},
	Run: func(p *rule.Pass) {
		b, ok := p.Object.Typed.(*admissionv1.ValidatingAdmissionPolicyBinding)
		if !ok {
			return
		}
		actions, warns := "", false
		for i, a := range b.Spec.ValidationActions {
			if a == admissionv1.Deny {
				return
			}
			if i > 0 {
				actions += " and "
			}
			actions += string(a)
			warns = warns || a == admissionv1.Warn
		}
		f := rule.Finding{Field: field.NewPath("spec", "validationActions"), Value: "[" + actions + "]", Label: "no Deny"}
		f.Message = fmt.Sprintf("validationActions %s: what breaks policy %s is admitted", actions, b.Spec.PolicyName)
		if !warns {
			f.Message += ", and nobody but the audit log hears of it"
		}
		patch := p.Put(f.Field, []any{"Deny", "Audit"})
		p.Report(f).WithFix(rule.Fix{
			Title: "add Deny once nobody breaks the policy any more", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
			Caution: "whatever breaks the policy is refused from then on, pods of controllers included: look through the audit log first",
		})
	},
}

// PolicyFailOpen finds admission policies that let pass what they cannot judge.
var PolicyFailOpen = rule.Check{
	ID: "policy-fail-open", Title: "admission policy that lets pass what it cannot judge", Doc: rule.ReadDoc(docs, "policy_fail_open.md"),
	Dimension: rule.Policy, Severity: rule.Low, On: rule.Kinds(snapshot.AdmissionPolicyKind),
	Applies: func(p *rule.Pass) bool {
		t, ok := p.Object.Typed.(*admissionv1.ValidatingAdmissionPolicy)
		return ok && len(t.Spec.Validations) > 0
	},
	Run: func(p *rule.Pass) {
		t, ok := p.Object.Typed.(*admissionv1.ValidatingAdmissionPolicy)
		if !ok || t.Spec.FailurePolicy == nil || *t.Spec.FailurePolicy != admissionv1.Ignore {
			return
		}
		at := field.NewPath("spec", "failurePolicy")
		patch := p.Put(at, "Fail")
		p.Report(rule.Finding{
			Field: at, Value: "Ignore", Label: "an error counts as allowed",
			Message: "failurePolicy Ignore: an object for which an expression ends in an error passes, and whoever knows the expression can bring that about",
		}).WithFix(rule.Fix{
			Title: "set Fail, which is the default, and write expressions that end in no error", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
			Caution: "a field that is not there ends an expression in an error: ask has(...) first, or such objects are refused",
		})
	},
}

// gist is the first fault that a warning names. Source: its text is that of the errors of CEL's compiler.
func gist(warning string) string {
	_, said, ok := strings.Cut(warning, "ERROR: ")
	if !ok {
		said = warning
	}
	said, _, _ = strings.Cut(said, "\n")
	if at := strings.Index(said, ": "); ok && at >= 0 { // behind the place
		said = said[at+2:]
	}
	return rule.Quote(said)
}

// PolicyTypeWarning finds admission policies whose expressions do not fit the objects that they are about.
var PolicyTypeWarning = rule.Check{
	ID: "policy-type-warning", Title: "admission policy with an expression that does not fit", Doc: rule.ReadDoc(docs, "policy_type_warning.md"),
	Dimension: rule.Policy, Severity: rule.Medium, On: rule.Kinds(snapshot.AdmissionPolicyKind),
	Applies: func(p *rule.Pass) bool {
		t, ok := p.Object.Typed.(*admissionv1.ValidatingAdmissionPolicy)
		return ok && t.Status.TypeChecking != nil
	},
	Run: func(p *rule.Pass) {
		t, ok := p.Object.Typed.(*admissionv1.ValidatingAdmissionPolicy)
		if !ok || t.Status.ObservedGeneration < t.Generation {
			return
		}
		effect := "what it cannot judge is refused"
		if t.Spec.FailurePolicy != nil && *t.Spec.FailurePolicy == admissionv1.Ignore {
			effect = "what it cannot judge passes"
		}
		for _, w := range t.Status.TypeChecking.ExpressionWarnings {
			f := rule.Finding{
				Field: rule.FieldPath(w.FieldRef), Label: "the API server warns of this expression", Certainty: rule.Likely,
				Message:  fmt.Sprintf("the API server says that the expression does not fit what it is about, %s: %s", gist(w.Warning), effect),
				Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.typeChecking", Text: rule.Quote(w.Warning)}},
			}
			if text, _ := rule.ValueAt(p.Object, f.Field); strings.Contains(fmt.Sprint(text), "has(") {
				// The server does not see every field of a kind, and an expression that asks first ends in no error.
				f.Severity, f.Certainty = rule.Low, rule.Possible
				f.Message = fmt.Sprintf("the API server says that the expression does not fit what it is about, %s; it asks with has(), so try whether it works", gist(w.Warning))
			}
			if f.Field == nil {
				f.NoField = "the warning names none"
			}
			p.Report(f).WithFix(rule.Fix{
				Title: "write the expression so that it fits every kind in matchConstraints", Applicability: rule.NeedsThought,
				Caution: "try it with kubectl apply --dry-run=server on an object that must pass, and one that must not",
			})
		}
	},
}
