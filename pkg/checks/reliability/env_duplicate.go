package reliability

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// EnvDuplicate finds variables that a container is given twice: the last one counts.
var EnvDuplicate = rule.Check{
	ID: "env-duplicate", Title: "sets the same variable twice", Doc: rule.ReadDoc(docs, "env_duplicate.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				first := map[string]int{}
				for i, e := range c.Env {
					before, twice := first[e.Name]
					first[e.Name] = i
					if !twice {
						continue
					}
					env := c.Path.Child("env")
					f := rule.Finding{
						Seen: p.Object.In(c.Name), Field: env.Index(i).Child("name"), Value: e.Name, Label: "this one counts",
						Message: fmt.Sprintf("container %q gets %s twice: the last entry counts, the other is dropped", c.Name, e.Name),
						Marks:   []rule.Mark{{Field: env.Index(before).Child("name"), Label: "this one is dropped"}},
					}
					if equality.Semantic.DeepEqual(c.Env[before], e) {
						f.Severity, f.Message = rule.Low, fmt.Sprintf("container %q gets %s twice, with the same value", c.Name, e.Name)
					}
					p.Report(f).WithFix(rule.Fix{
						Title:         "drop the one that is not meant",
						Caution:       "kubectl apply merges env by name, so that of a list with twins it may drop the wrong one later: what the cluster has now can differ from the file",
						Applicability: rule.NeedsThought,
					})
				}
			}
		}
	},
	Peers: map[string][]string{
		"kube-score": {"environment-variable-key-duplication"}, "kube-linter": {"duplicate-env-var"}, "kubescape": {"duplicate-env-var"},
	},
}
