package policy

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// KyvernoAudit finds policies of Kyverno that refuse nothing.
var KyvernoAudit = rule.Check{
	ID: "kyverno-audit", Title: "policy of Kyverno that refuses nothing", Doc: rule.ReadDoc(docs, "kyverno_audit.md"),
	Dimension: rule.Policy, Severity: rule.Info, On: rule.Kinds(snapshot.KyvernoPolicyKind, snapshot.KyvernoClusterKind),
	Applies: func(p *rule.Pass) bool { return len(validating(p.Object)) > 0 },
	Run: func(p *rule.Pass) {
		at := field.NewPath("spec", "validationFailureAction")
		set, there := p.Object.At("spec", "validationFailureAction")
		action, _ := set.(string)
		if overrides, _ := p.Object.At("spec", "validationFailureActionOverrides"); overrides != nil {
			return
		}
		var silent []string
		all := validating(p.Object)
		for _, r := range all {
			own := r.action
			if own == "" {
				own = action
			}
			if r.overridden {
				return // somebody decided namespace by namespace
			}
			if !strings.EqualFold(own, "Enforce") {
				silent = append(silent, r.name)
				if r.action != "" {
					at, there, action = field.NewPath("spec", "rules").Index(r.index).Child("validate", "failureAction"), true, r.action
				}
			}
		}
		if len(silent) < len(all) { // somebody decided rule by rule
			return
		}
		f := rule.Finding{Field: at, Label: "what breaks the policy is only reported"}
		if there {
			f.Value = action
			f.Message = fmt.Sprintf("%s %s: what breaks %s is admitted, and stands in a report", lastOf(at), action, rules(silent))
		} else {
			f.Message = fmt.Sprintf("validationFailureAction is Audit unless set: what breaks %s is admitted, and stands in a report", rules(silent))
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "enforce it once the reports are empty", Applicability: rule.NeedsThought, YAML: "validate:\n  failureAction: Enforce\n",
			Caution: "whatever breaks the policy is refused from then on: see the policy reports first",
		})
	},
}

type validatingRule struct {
	index        int
	name, action string
	overridden   bool
}

// validating are the rules of a policy that judge objects.
func validating(o *snapshot.Object) []validatingRule {
	v, _ := o.At("spec", "rules")
	items, _ := v.([]any)
	var list []validatingRule
	for i, item := range items {
		m, _ := item.(map[string]any)
		validate, ok := m["validate"].(map[string]any)
		if !ok {
			continue
		}
		name, _ := m["name"].(string)
		action, _ := validate["failureAction"].(string)
		overrides, _ := validate["failureActionOverrides"].([]any)
		list = append(list, validatingRule{i, name, action, len(overrides) > 0})
	}
	return list
}

func rules(names []string) string {
	if len(names) == 1 {
		return "rule " + names[0]
	}
	return fmt.Sprintf("its %d rules", len(names))
}

func lastOf(at *field.Path) string {
	text := at.String()
	return text[strings.LastIndexByte(text, '.')+1:]
}
