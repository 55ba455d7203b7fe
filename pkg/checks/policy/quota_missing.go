package policy

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// QuotaMissing finds namespaces whose workloads may take the whole cluster.
var QuotaMissing = rule.Check{
	ID: "quota-missing", Title: "namespace without a ResourceQuota", Doc: rule.ReadDoc(docs, "quota_missing.md"),
	Dimension: rule.Policy, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.NamespaceKind),
	Applies: bounded,
	Run: func(p *rule.Pass) {
		if found, ok := within(p, snapshot.ResourceQuotaKind); ok && len(found) == 0 {
			n := len(p.Workloads(p.Object.Name))
			p.Report(rule.Finding{
				NoField: "what is missing is an object of its own", Certainty: rule.Likely,
				Message: fmt.Sprintf("%s, and no ResourceQuota: one mistake in it may take the room of all others", rule.Count(n, "workload")),
			}).WithFix(rule.Fix{
				Title: "give the namespace a quota, somewhat above what it requests now", Applicability: rule.Placeholders,
				Caution: "a quota of CPU or memory refuses every pod that does not request it: give the namespace a LimitRange with defaults too",
				YAML:    "apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: all\n  namespace: " + p.Object.Name + "\nspec:\n  hard:\n    requests.cpu: <CPU>\n    requests.memory: <MEMORY>\n    pods: <PODS>\n",
			})
		}
	},
}

// LimitRangeMissing finds namespaces in which a container that asks for nothing gets no default.
var LimitRangeMissing = rule.Check{
	ID: "limitrange-missing", Title: "namespace without defaults for requests and limits", Doc: rule.ReadDoc(docs, "limitrange_missing.md"),
	Dimension: rule.Policy, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.NamespaceKind),
	Applies: bounded,
	Run: func(p *rule.Pass) {
		found, ok := within(p, snapshot.LimitRangeKind)
		if !ok {
			return
		}
		for _, o := range found {
			if lr, ok := o.Typed.(*corev1.LimitRange); ok {
				for _, item := range lr.Spec.Limits {
					if item.Type == corev1.LimitTypeContainer && (len(item.Default) > 0 || len(item.DefaultRequest) > 0 || len(item.Max) > 0) {
						return // a maximum is the default limit, and that the default request
					}
				}
			}
		}
		p.Report(rule.Finding{
			NoField: "what is missing is an object of its own", Certainty: rule.Likely,
			Message: "no LimitRange with defaults for containers: one that asks for nothing is promised nothing, and bounded by nothing",
		}).WithFix(rule.Fix{
			Title: "give the namespace a LimitRange with defaults", Applicability: rule.Placeholders,
			Caution: "defaults apply to pods that are created from then on, and a limit that is too small kills them: measure first",
			YAML:    "apiVersion: v1\nkind: LimitRange\nmetadata:\n  name: defaults\n  namespace: " + p.Object.Name + "\nspec:\n  limits:\n  - type: Container\n    defaultRequest: {cpu: <CPU>, memory: <MEMORY>}\n    default: {memory: <MEMORY>}\n",
		})
	},
}

// bounded tells the namespaces that should have bounds: those with workloads of somebody. In files that are not all
// there is, the bounds may be in the cluster.
func bounded(p *rule.Pass) bool {
	name := p.Object.Name
	return !knowledge.SystemNamespace(name) && !provided(p.Object) && (!p.Files || p.Closed) && len(p.Workloads(name)) > 0
}

// within are the objects of a kind in the namespace that is judged; ok is false where they were not read.
func within(p *rule.Pass, gk schema.GroupKind) (list []*snapshot.Object, ok bool) {
	if reason := unread(p, p.Object.Name, gk); reason != "" {
		p.Unknown("%s", reason)
		return nil, false
	}
	return p.List(gk, p.Object.Name), true
}
