package reliability

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeAffinityMissing finds workloads that do not say which nodes they want.
var NodeAffinityMissing = rule.Check{
	ID: "node-affinity-missing", Title: "runs on any node", Doc: rule.ReadDoc(docs, "node_affinity_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Info, Off: true, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return p.Object.GroupKind() != snapshot.DaemonSetKind },
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			a := t.Spec.Affinity
			if a != nil && a.NodeAffinity != nil || len(t.Spec.NodeSelector) > 0 || p.Object.Pod() == nil && t.Spec.NodeName != "" {
				continue
			}
			p.Report(rule.Finding{
				Field: t.SpecPath().Child("affinity", "nodeAffinity"), Label: "neither nodeAffinity nor nodeSelector here",
				Message: "neither nodeAffinity nor nodeSelector says which nodes it may run on: any that its tolerations allow",
			}).WithFix(rule.Fix{
				Title: "say which nodes it needs, where nodes differ", Caution: "a required affinity that no node meets leaves the pods Pending",
				Applicability: rule.NeedsThought, YAML: "nodeSelector:\n  <LABEL>: <VALUE>\n",
			})
		}
	},
	Peers: map[string][]string{"kube-linter": {"no-node-affinity"}},
}
