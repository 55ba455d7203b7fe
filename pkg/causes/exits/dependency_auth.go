package exits

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DependencyAuth finds programs that end because what they connect to refuses their login.
var DependencyAuth = logCause("dependency-auth", "what it connects to refuses its login", "dependency_auth.md", nil, reportAuth)

var authReading = reading{
	words: knowledge.Regexp(`(?i)password authentication failed|access denied for user|\bWRONGPASS\b|\bNOAUTH\b|invalid username-password pair|authentication failed|authenticationerror|ACCESS_REFUSED|login failed for user|ORA-01017|\b401 unauthorized|\b28P01\b|invalid (?:username or password|credentials)|SASL authentication|Authentication required|AccessKeyId|InvalidAccessKeyId|SignatureDoesNotMatch`),
	read:  func([]string, int, int32) *reason { return &reason{cause: "dependency-auth"} },
}

// credential is a variable that is likely to hold what the program logs in with.
type credential struct {
	index      int
	kind, name string // the object that it comes from; "" for a literal
	key        string
	secret     bool // its name says that it is a password, a token, a key
}

// loginName is what variables are called with which a program logs in to a database, a queue or a cache.
// A token or a key is for an API, which says so when it refuses one.
var loginName = knowledge.Regexp(`(?i)passw|passphrase|pwd|^pg|postgres|mysql|maria|mongo|redis|amqp|rabbit|kafka|(?:^|_)db(?:_|$)|database|dsn|login|credential`)

// apiWords are in the words of an API that refuses a token.
var apiWords = knowledge.Regexp(`(?i)token|api[ _-]?key|bearer|\b401\b|unauthori[sz]ed`)

// credentials are the variables of the container that may be part of the login that the line speaks of,
// passwords first.
func credentials(c snapshot.Container, line string) []credential {
	var first, then []credential
	for i, e := range c.Env {
		if !loginName.MatchString(e.Name) && knowledge.Mask(e.Value) == e.Value && !apiWords.MatchString(line) {
			continue
		}
		k := credential{index: i, secret: knowledge.SecretName(e.Name) || knowledge.Mask(e.Value) != e.Value}
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			k.kind, k.name, k.key = "secret", e.ValueFrom.SecretKeyRef.Name, e.ValueFrom.SecretKeyRef.Key
		}
		switch {
		case k.secret:
			first = append(first, k)
		case k.kind != "":
			then = append(then, k)
		}
	}
	return append(first, then...)
}

func reportAuth(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	f.Message = fmt.Sprintf("its login is refused: %s%s", rule.Quote(e.line), e.ends())
	f.NoField = "no variable of the container is known to hold what it logs in with"
	f.RuledOut = []string{"a dependency that is down or not found: it answered, and refused the login"}
	f.Fix = &rule.Fix{Title: "compare what the program logs in with to what the other side expects", Applicability: rule.NeedsThought,
		Caution: "a variable is read at the start of the container: after a change of the Secret, restart the workload"}
	var from []string
	for _, k := range credentials(c, e.line) {
		name := c.Env[k.index].Name
		if f.Field == nil {
			entry := envSetting(p, c, k.index)
			switch {
			case k.kind != "":
				point(&f, entry.Child("valueFrom", "secretKeyRef", "key"), k.key, fmt.Sprintf("%s is taken from here", name))
				f.Message = fmt.Sprintf("its login is refused, with a %s from key %q of secret/%s%s", name, k.key, k.name, e.ends())
				f.Fix.Title = fmt.Sprintf("compare key %q of secret/%s to what the other side expects; a line feed at its end (echo without -n) is part of it", k.key, k.name)
				f.Fix.Lines = []string{"# 0, unless the value ends in a line feed:", p.Line("get", "secret", k.name, "-o", jsonpath(k.key)) + " | base64 -d | wc -l"}
			default:
				point(&f, entry, "", name+" stands here in plain text, where everybody who may read pods can read it")
				f.Message = fmt.Sprintf("its login is refused, with a %s that stands in the spec%s", name, e.ends())
				f.Fix.Title = fmt.Sprintf("compare %s to what the other side expects, and take it from a Secret", name)
			}
			continue
		}
		if k.kind != "" {
			from = append(from, fmt.Sprintf("%s from key %q of secret/%s", name, k.key, k.name))
		}
	}
	if len(from) > 0 {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Text: "also taken from a Secret: " + few(from)})
	}
	for i, s := range c.EnvFrom {
		if f.Field == nil && s.SecretRef != nil {
			point(&f, p.ContainerSetting(c).Child("envFrom").Index(i).Child("secretRef", "name"), s.SecretRef.Name, "all its keys become variables")
			f.Message = fmt.Sprintf("its login is refused, with variables from secret/%s%s", s.SecretRef.Name, e.ends())
		}
	}
	p.Report(f)
}

// jsonpath picks one key of a Secret.
func jsonpath(key string) string {
	return "jsonpath={.data." + strings.ReplaceAll(key, ".", `\.`) + "}"
}
