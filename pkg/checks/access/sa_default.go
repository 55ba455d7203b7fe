package access

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// SADefault finds workloads that share the ServiceAccount of their namespace.
var SADefault = rule.Check{
	ID: "sa-default", Title: "runs as the default service account", Doc: rule.ReadDoc(docs, "sa_default.md"),
	Dimension: rule.Security, Severity: rule.Info, Off: true, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return p.Files || !knowledge.SystemNamespace(p.Object.Namespace) },
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if accountOf(t) != "default" {
				continue
			}
			name := "serviceAccountName"
			if t.Spec.ServiceAccountName == "" && t.Spec.DeprecatedServiceAccount != "" {
				name = "serviceAccount"
			}
			p.Report(rule.Finding{
				Field: t.SpecPath().Child(name), Value: t.Spec.ServiceAccountName, Label: "what one of them is given, all get",
				Message: fmt.Sprintf("its pods run as the serviceaccount that all of namespace %s share", p.Object.Namespace),
			}).WithFix(rule.Fix{
				Title: "give it a serviceaccount of its own", Applicability: rule.NeedsThought,
				Caution: "the serviceaccount has to be there first: without it no pod is created",
				YAML:    "serviceAccountName: <NAME>\n",
			})
		}
	},
	Peers: map[string][]string{"popeye": {"POP-300"}, "kube-linter": {"default-service-account"}, "kubesec": {"ServiceAccountName"}},
}
