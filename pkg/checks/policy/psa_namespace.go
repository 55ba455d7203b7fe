package policy

import (
	"fmt"
	"slices"
	"sort"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PSANamespace finds namespaces in which every pod is admitted, however much of the node it takes.
var PSANamespace = rule.Check{
	ID: "psa-namespace", Title: "namespace that admits any pod", Doc: rule.ReadDoc(docs, "psa_namespace.md"),
	Dimension: rule.Policy, Severity: rule.Medium, On: rule.Kinds(snapshot.NamespaceKind),
	Applies: func(p *rule.Pass) bool {
		name := p.Object.Name
		return !knowledge.SystemNamespace(name) && !provided(p.Object) && p.Object.Meta.GetDeletionTimestamp() == nil && (len(p.Workloads(name)) > 0 || unread(p, name, judged...) != "")
	},
	Run: func(p *rule.Pass) {
		have := p.Object.Meta.GetLabels()
		if set, ok := have[api.EnforceLevelLabel]; ok {
			if _, err := api.ParseLevel(set); err != nil {
				p.Report(rule.Finding{
					Field: label(api.EnforceLevelLabel), Value: set, Severity: rule.High, Label: "privileged, baseline or restricted",
					Message: fmt.Sprintf("there is no Pod Security Standard %q: the API server refuses such a namespace, and where the label slipped through it counts as restricted", set),
				})
			}
			return
		}
		if reason := unread(p, p.Object.Name, judged...); reason != "" {
			p.Unknown("%s", reason)
			return
		}
		l := levelsOf(p, p.Object.Name)
		f := rule.Finding{Field: label(api.EnforceLevelLabel), Certainty: rule.Likely, Label: "no standard is enforced"} // a default of the API server's own does not show
		if have[api.WarnLevelLabel] != "" || have[api.AuditLevelLabel] != "" {
			f.Severity = rule.Low // somebody is on the way
		}
		f.Message = "enforces no Pod Security Standard, so whoever may create pods here may have the node"
		switch keeps := l.keeps(); {
		case l.unfit != nil:
			f.Message += fmt.Sprintf("; what level its workloads keep to cannot be said, since %s could not be read as it is", l.unfit)
		case len(l.baseline) == l.workloads:
			f.Severity = rule.Low // there is nothing to enforce, and somebody to say so
			f.Message += fmt.Sprintf("; every workload in it needs the node: %s", told(l.baseline))
		case keeps == api.LevelPrivileged:
			f.Message += fmt.Sprintf("; baseline would refuse %s", told(l.baseline))
		case l.workloads == 1:
			f.Message += fmt.Sprintf("; its only workload keeps to %s", keeps)
		case l.workloads == 2:
			f.Message += fmt.Sprintf("; both workloads keep to %s", keeps)
		default:
			f.Message += fmt.Sprintf("; all %d workloads keep to %s", l.workloads, keeps)
		}
		if by := checkedBy(p); by != "" {
			f.Severity, f.Certainty = rule.Low, rule.Possible
			f.Message += fmt.Sprintf("; %s is asked about pods, and may refuse the same", by)
		}
		if len(l.restricted) > 0 && l.keeps() == api.LevelBaseline {
			f.RuledOut = []string{"restricted, which would refuse " + told(l.restricted)}
		}
		p.Report(f).WithFix(enforce(p, l))
	},
	Peers: map[string][]string{"kubescape": {"pod-security-admission-applied-1", "pod-security-admission-applied-2"}},
}

func label(key string) *field.Path { return field.NewPath("metadata", "labels").Key(key) }

// told names the workloads that a level would refuse, and why: the first, and how many more.
func told(list []breach) string {
	text := fmt.Sprintf("%s (%s)", list[0].object, list[0].reason)
	if more := len(list) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// enforce is the strictest level that breaks nothing today, and a warning of what the next one would refuse.
func enforce(p *rule.Pass, l levels) rule.Fix {
	want := map[string]string{}
	fix := rule.Fix{Applicability: rule.NeedsThought}
	keeps := l.keeps()
	if l.unfit != nil {
		keeps = api.LevelPrivileged
	}
	switch _, set := p.Object.Meta.GetLabels()[api.EnforceLevelLabel]; {
	case !set && l.unfit == nil && len(l.baseline) == l.workloads:
		want[api.EnforceLevelLabel] = string(api.LevelPrivileged)
		fix.Title = "say so: enforce privileged, and let nobody but its own workloads in"
		fix.Caution = "it changes nothing by itself: what counts is who may create pods here"
	case keeps == api.LevelPrivileged:
		want[api.WarnLevelLabel], want[api.AuditLevelLabel] = string(api.LevelBaseline), string(api.LevelBaseline)
		fix.Title = "warn of what baseline would refuse, move what needs the node into a namespace of its own, then enforce it"
		fix.Caution = "warnings refuse nothing: the namespace is as open as before until enforce is set"
	case keeps == api.LevelBaseline:
		want[api.EnforceLevelLabel], want[api.WarnLevelLabel] = string(api.LevelBaseline), string(api.LevelRestricted)
		fix.Title = "enforce baseline, which refuses none of its workloads, and warn of what restricted would refuse"
	default:
		want[api.EnforceLevelLabel] = string(api.LevelRestricted)
		fix.Title = "enforce restricted, which refuses none of its workloads"
	}
	if fix.Caution == "" {
		fix.Caution = "pods that are not seen here, of operators or for debugging, are refused from then on; with --dry-run=server the command says which of the running pods would be"
	}
	keys := make([]string, 0, len(want))
	for k := range want {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var values []rule.Value
	command := []string{"label", "--overwrite", "namespace", p.Object.Name}
	yaml := "metadata:\n  labels:\n"
	for _, k := range keys {
		values = append(values, rule.Value{Path: label(k), Value: want[k]})
		command = append(command, k+"="+want[k])
		yaml += "    " + k + ": " + want[k] + "\n"
	}
	fix.Patch = rule.PutAllIn(p.Object, values...)
	fix.YAML = yaml
	if !p.Files {
		fix.Command = command
		if level := want[api.EnforceLevelLabel]; level != "" && level != string(api.LevelPrivileged) {
			fix.Lines = []string{rule.Kubectl(p.Context, "", append(slices.Clone(command), "--dry-run=server")...)}
		}
	}
	return fix
}

type checkedKey struct{}

// checkedBy is something else than the Pod Security Standards that is asked about every new pod and may refuse it, such as
// Kyverno and Gatekeeper: what they ask for stands in kinds of their own. It is "" where nothing is seen.
func checkedBy(p *rule.Pass) string {
	return snapshot.Derived(p.Snapshot, checkedKey{}, func() string {
		for _, o := range p.List(snapshot.ValidatingWebhookKind, "") {
			t, ok := o.Typed.(*admissionv1.ValidatingWebhookConfiguration)
			if !ok {
				continue
			}
			for i := range t.Webhooks {
				if slices.ContainsFunc(t.Webhooks[i].Rules, aboutPods) {
					return o.String()
				}
			}
		}
		deny := map[string]bool{}
		for _, o := range p.List(snapshot.AdmissionBindingKind, "") {
			if b, ok := o.Typed.(*admissionv1.ValidatingAdmissionPolicyBinding); ok && slices.Contains(b.Spec.ValidationActions, admissionv1.Deny) {
				deny[b.Spec.PolicyName] = true
			}
		}
		for _, o := range p.List(snapshot.AdmissionPolicyKind, "") {
			t, ok := o.Typed.(*admissionv1.ValidatingAdmissionPolicy)
			if !ok || !deny[o.Name] || t.Spec.MatchConstraints == nil {
				continue
			}
			if slices.ContainsFunc(t.Spec.MatchConstraints.ResourceRules, func(r admissionv1.NamedRuleWithOperations) bool { return aboutPods(r.RuleWithOperations) }) {
				return o.String()
			}
		}
		return ""
	})
}

// aboutPods tells a rule of admission that is about new pods.
func aboutPods(r admissionv1.RuleWithOperations) bool {
	has := func(list []string, word string) bool {
		return slices.Contains(list, word) || slices.Contains(list, "*") || slices.Contains(list, "*/*")
	}
	return has(r.APIGroups, "") && has(r.Resources, "pods") && (slices.Contains(r.Operations, admissionv1.Create) || slices.Contains(r.Operations, admissionv1.OperationAll))
}
