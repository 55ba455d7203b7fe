package security

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// SecretInEnv finds passwords that stand in a manifest.
var SecretInEnv = rule.Check{
	ID: "secret-in-env", Title: "a password stands in the manifest", Doc: rule.ReadDoc(docs, "secret_in_env.md"),
	Dimension: rule.Security, Severity: rule.High, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, c := range containers(t) {
				for i, e := range c.Env {
					what := openly(e.Name, e.Value)
					if what == "" {
						continue
					}
					f := inContainer(p, c, c.Path.Child("env").Index(i).Child("name"))
					f.Value, f.Label = e.Name, "its value is for everybody who may read the workload"
					f.Certainty = rule.Likely
					f.Message = fmt.Sprintf("container %q is given %s in the open: %s", c.Name, e.Name, what)
					f.Fix = &rule.Fix{
						Title: "keep it in a Secret, and name that with valueFrom.secretKeyRef", Applicability: rule.NeedsThought,
						Caution: "what stood in a manifest is in its history, and in the history of the cluster's revisions: give out a new one",
						YAML:    "env:\n- name: " + e.Name + "\n  valueFrom:\n    secretKeyRef:\n      name: <SECRET>\n      key: <KEY>\n",
					}
					p.Report(f)
				}
			}
		}
	},
	Peers: map[string][]string{"polaris": {"sensitiveContainerEnvVar"}, "kube-linter": {"env-var-secret"}, "kubescape": {"rule-credentials-in-env-var"}},
}

// about are ends of names that are about a secret, and hold none.
var about = []string{
	"_FILE", "_PATH", "_DIR", "_NAME", "_ID", "_TTL", "_EXPIRY", "_EXPIRATION", "_LENGTH", "_HEADER", "_TYPE", "_ALGORITHM", "_ISSUER", "_AUDIENCE",
	"_ENABLED", "_REQUIRED", "_SECONDS", "_MINUTES", "_HOURS", "_DAYS", "_STORE", "_BACKEND", "_PROVIDER", "_ENDPOINT", "_URI", "_URL", "_HOST", "_LIFETIME", "_DURATION", "_PREFIX", "_COUNT", "_LIMIT",
}

// openly says what tells that a variable's value is a secret; "" where nothing does.
func openly(name, value string) string {
	plain := strings.TrimSpace(value)
	switch {
	case plain == "" || strings.HasPrefix(plain, "$(") || strings.HasPrefix(plain, "/") || !strings.ContainsFunc(plain, letter) && len(plain) < 8:
		return "" // nothing, another variable, a path, a number
	case hidden(value):
		return "its value has a password in it"
	}
	upper := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
	for _, end := range about {
		if strings.HasSuffix(upper, end) {
			return ""
		}
	}
	switch strings.ToLower(plain) {
	case "true", "false", "yes", "no", "on", "off", "none", "null", "disabled", "enabled", "optional", "required":
		return ""
	}
	if !knowledge.SecretName(upper) {
		return ""
	}
	return "its name says that it is a secret"
}

// hidden tells whether a value has a password in it: a user alone in a URL is none.
func hidden(value string) bool {
	value = userAlone.ReplaceAllString(value, "://")
	return knowledge.Mask(value) != value
}

var userAlone = knowledge.Regexp(`://[^\s/@:]+@`)

func letter(r rune) bool { return r < '0' || r > '9' }
