package delivery

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ImagePullPolicy finds containers that start from what the node has, without asking the registry.
var ImagePullPolicy = rule.Check{
	ID: "image-pull-policy", Title: "starts without asking the registry", Doc: rule.ReadDoc(docs, "image_pull_policy.md"),
	Dimension: rule.Delivery, Severity: rule.Info, Off: true, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, u := range images(p.Object, t) {
				if _, ok := knowledge.ParseImage(u.image); !ok || u.policy == corev1.PullAlways {
					continue
				}
				path := u.policyPath()
				f := rule.Finding{Seen: p.Object.In(u.container), Field: path}
				f.Message = fmt.Sprintf("%s has no %s, which is %s for %s: it starts from what the node has, whoever pulled it", u.who(), u.policyField(), u.policy, u.image)
				if u.set {
					f.Value = string(u.policy)
					f.Message = fmt.Sprintf("%s has %s %s: it starts from what the node has, whoever pulled it", u.who(), u.policyField(), u.policy)
				}
				patch := p.Put(path, string(corev1.PullAlways))
				p.Report(f).WithFix(rule.Fix{
					Title: "set imagePullPolicy: Always", Applicability: rule.NeedsThought,
					Caution: "every start then asks the registry first: while it is away, or limits how often one asks, nothing starts",
					Patch:   patch, Command: p.Live(patch), YAML: rule.Nest("Always", u.policyField()),
				})
			}
		}
	},
	Peers: map[string][]string{
		"polaris":    {"pullPolicyNotAlways"},
		"kube-score": {"container-image-pull-policy"},
	},
}
