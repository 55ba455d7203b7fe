package knowledge

import "regexp"

// What text from a cluster may carry that must not be printed: credentials in URLs, bearer tokens,
// and secrets given as key=value.
var secrets = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(://)[^\s/@:]+(:[^\s/@]*)?@`), "${1}***@"},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`), "${1} ***"},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?`), "***"},
	{regexp.MustCompile(`(?i)\b([a-z0-9_.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)s?["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&"']+)`), "${1}***"},
}

// Mask hides credentials in text from a cluster.
func Mask(text string) string {
	for _, s := range secrets {
		text = s.pattern.ReplaceAllString(text, s.with)
	}
	return text
}

var secretName = regexp.MustCompile(`(?i)passw(or)?d|passphrase|pwd|secret|token|api_?key|access_?key|private_?key|credential`)

// SecretName tells whether something of that name - an environment variable, a flag - is likely to
// hold a secret.
func SecretName(name string) bool { return secretName.MatchString(name) }
