package access

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// SecretEnvRef finds Secrets that a container gets as environment variables.
var SecretEnvRef = rule.Check{
	ID: "secret-env-ref", Title: "gets a Secret as an environment variable", Doc: rule.ReadDoc(docs, "secret_env_ref.md"),
	Dimension: rule.Security, Severity: rule.Low, Off: true, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				var places []*field.Path
				first := ""
				add := func(path *field.Path, name string) {
					if len(places) == 0 {
						first = name
					}
					places = append(places, path)
				}
				for i, e := range c.EnvFrom {
					if e.SecretRef != nil {
						add(c.Path.Child("envFrom").Index(i).Child("secretRef", "name"), "all of secret/"+e.SecretRef.Name)
					}
				}
				for i, e := range c.Env {
					if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
						add(c.Path.Child("env").Index(i).Child("valueFrom", "secretKeyRef", "name"), e.Name+" from secret/"+e.ValueFrom.SecretKeyRef.Name)
					}
				}
				if len(places) == 0 {
					continue
				}
				f := rule.Finding{
					Seen: p.Object.In(c.Name), Field: places[0], Label: "is in the environment of every process",
					Message: fmt.Sprintf("container %q gets %s as environment variable", c.Name, first),
				}
				if n := len(places) - 1; n > 0 {
					f.Message += fmt.Sprintf(", and %d more", n)
					for _, path := range places[1:] {
						f.Marks = append(f.Marks, rule.Mark{Field: path, Label: "and this"})
					}
				}
				p.Report(f).WithFix(rule.Fix{
					Title: "mount the Secret as a volume, and let the program read the file", Applicability: rule.NeedsThought,
					Caution: "the program has to be able to: many take NAME_FILE instead of NAME",
				})
			}
		}
	},
	Peers: map[string][]string{"kube-linter": {"read-secret-from-env-var"}, "kubesec": {"SecretsAsEnvironmentVariables"}, "kubescape": {"rule-secrets-in-env-var"}},
}
