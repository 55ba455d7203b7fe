package security

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

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
					f.Message = fmt.Sprintf("%s is given %s in the open: %s", named(one(c)), e.Name, what)
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

// asking are beginnings of names that say what is to be done about passwords, and words in those of what every
// browser gets to see.
var (
	asking = []string{"REQUIRE_", "REQUIRES_", "ALLOW_", "DISABLE_", "ENABLE_", "USE_", "SKIP_", "NO_", "FORGOT_", "RESET_", "VALIDATE_", "CHECK_", "HAS_", "IS_", "RANDOM_"}
	shown  = []string{"PUBLIC", "REACT_APP_", "VITE_"}
)

// keyNames are ends of the names of secrets that are given by value. Names that only end in "secret" or "token"
// as often hold the name of a Secret.
var keyNames = []string{
	"API_KEY", "APIKEY", "SECRET_KEY", "SECRET_KEY_BASE", "SECRET_ACCESS_KEY", "ACCOUNT_KEY", "PRIVATE_KEY", "ENCRYPTION_KEY", "SIGNING_KEY",
	"JWT_SECRET", "SESSION_SECRET", "COOKIE_SECRET", "CLIENT_SECRET", "APP_SECRET", "SIGNING_SECRET", "SHARED_SECRET", "WEBHOOK_SECRET",
}

// openly says what tells that a variable's value is a secret; "" where nothing does.
func openly(name, value string) string {
	plain := strings.TrimSpace(value)
	const shortest = 3
	switch {
	case len(plain) < shortest || !strings.ContainsFunc(plain, letter) && len(plain) < 6:
		return "" // nothing, a number
	case within(plain):
		return "its value has a password in it"
	case knowledge.SecretElsewhere(plain):
		return ""
	}
	upper := knowledge.UpperName(name)
	if slices.ContainsFunc(about, func(end string) bool { return strings.HasSuffix(upper, end) }) ||
		slices.ContainsFunc(asking, func(start string) bool { return strings.HasPrefix(upper, start) }) ||
		slices.ContainsFunc(shown, func(word string) bool { return strings.Contains(upper, word) }) {
		return ""
	}
	switch strings.ToLower(plain) {
	case "true", "false", "yes", "no", "on", "off", "none", "null", "disabled", "enabled", "optional", "required":
		return ""
	}
	const secret = "its name says that it is a secret"
	switch {
	case knowledge.PasswordName(upper):
		if upper == "PWD" || strings.HasSuffix(upper, "TRUSTSTORE_PASSWORD") || upper == "OLD_PWD" {
			return ""
		}
		return secret
	case slices.ContainsFunc(keyNames, func(end string) bool { return strings.HasSuffix(upper, end) }):
		if nameOfSecret.MatchString(plain) {
			return ""
		}
		return secret
	case knowledge.SecretName(upper) && knowledge.RandomWord(plain):
		return secret
	}
	return ""
}

// nameOfSecret is how people call a Secret: payments-api-key, web-credentials.
var nameOfSecret = knowledge.Regexp(`^[a-z0-9.-]+[-.](?:secrets?|token|credentials?|creds|keys?|tls|auth)$`)

// within tells whether a value has a password in it: that of a URL, a token, or one among other settings.
func within(value string) bool {
	if !knowledge.MayHoldSecret(value) {
		return false
	}
	if slices.ContainsFunc(strings.Split(value, "\n"), func(line string) bool { return knowledge.SecretLine(line) != "" }) {
		return true
	}
	for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return unicode.IsSpace(r) || r == ';' || r == ',' || r == '&' || r == '?' }) {
		name, text, ok := strings.Cut(strings.TrimPrefix(strings.TrimLeft(word, "-"), "D"), "=")
		if ok && knowledge.SecretSetting(name, text) {
			return true
		}
	}
	return false
}

func letter(r rune) bool { return r < '0' || r > '9' }
