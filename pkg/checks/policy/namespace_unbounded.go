package policy

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NamespaceUnbounded finds namespaces in which neither a sum nor a default bounds what is taken.
var NamespaceUnbounded = rule.Check{
	ID: "namespace-unbounded", Title: "namespace with neither a quota nor defaults", Doc: rule.ReadDoc(docs, "namespace_unbounded.md"),
	Dimension: rule.Policy, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.NamespaceKind),
	Applies: bounded,
	Run: func(p *rule.Pass) {
		ranges, ok := within(p, snapshot.LimitRangeKind)
		if !ok || hasDefaults(ranges) {
			return
		}
		quotas, ok := within(p, snapshot.ResourceQuotaKind)
		if !ok {
			return
		}
		vain := ""
		for _, o := range quotas {
			t, ok := o.Typed.(*corev1.ResourceQuota)
			if !ok || !forAll(t) {
				continue
			}
			switch bounds, known := boundsSome(p, t); {
			case !known:
				p.Unknown("%s", unread(p, "", snapshot.NodeKind))
				return
			case bounds:
				return
			case len(promised(t)) > 0:
				vain = fmt.Sprintf("; %s is larger than the cluster", o)
			}
		}
		p.Report(rule.Finding{
			NoField: "what is missing is an object of its own", Certainty: rule.Likely,
			Message: fmt.Sprintf("%s, and neither a quota that bounds CPU or memory nor defaults for containers%s", rule.Count(len(p.Workloads(p.Object.Name)), "workload"), vain),
		}).WithFix(rule.Fix{
			Title: "give the namespace a LimitRange with defaults or, where teams share the cluster, a quota", Applicability: rule.Placeholders,
			Caution: "defaults apply to pods that are created from then on, and a limit that is too small kills them: measure first",
			YAML:    "apiVersion: v1\nkind: LimitRange\nmetadata:\n  name: defaults\n  namespace: " + p.Object.Name + "\nspec:\n  limits:\n  - type: Container\n    defaultRequest: {cpu: <CPU>, memory: <MEMORY>}\n    default: {memory: <MEMORY>}\n",
		})
	},
}

// hasDefaults tells whether one of the LimitRanges gives containers defaults of CPU or memory: a maximum is the default
// limit, and that the default request.
func hasDefaults(list []*snapshot.Object) bool {
	some := func(l corev1.ResourceList) bool {
		_, cpu := l[corev1.ResourceCPU]
		_, memory := l[corev1.ResourceMemory]
		return cpu || memory
	}
	for _, o := range list {
		lr, ok := o.Typed.(*corev1.LimitRange)
		if !ok {
			continue
		}
		for _, item := range lr.Spec.Limits {
			if item.Type == corev1.LimitTypeContainer && (some(item.Default) || some(item.DefaultRequest) || some(item.Max)) {
				return true
			}
		}
	}
	return false
}

// forAll tells a quota that is for the pods that go on running, and not for Jobs or a priority alone.
func forAll(t *corev1.ResourceQuota) bool {
	for _, scope := range t.Spec.Scopes {
		if scope != corev1.ResourceQuotaScopeNotTerminating && scope != corev1.ResourceQuotaScopeNotBestEffort {
			return false
		}
	}
	return t.Spec.ScopeSelector == nil || len(t.Spec.ScopeSelector.MatchExpressions) == 0
}

// boundsSome tells whether a quota bounds CPU or memory; known is false where that depends on nodes that were not read.
func boundsSome(p *rule.Pass, t *corev1.ResourceQuota) (bounds, known bool) {
	for _, name := range []corev1.ResourceName{corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory} {
		if _, ok := t.Spec.Hard[name]; ok {
			return true, true
		}
	}
	names := promised(t)
	if len(names) > 0 && !p.ListRead(snapshot.NodeKind, "") {
		return false, false
	}
	c := capacityOf(p.Snapshot)
	for _, name := range names {
		if hard := t.Spec.Hard[name]; c.nodes == 0 || hard.Cmp(c.of(name)) <= 0 {
			return true, true
		}
	}
	return false, true
}
