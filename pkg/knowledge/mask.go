package knowledge

import (
	"strings"
)

// What text from a cluster may carry that must not be printed: credentials in URLs, bearer tokens,
// and secrets given as key=value.
var secrets = []struct {
	pattern *Pattern
	with    string
}{
	{Regexp(`(://)[^\s/@:]+(:[^\s/@]*)?@`), "${1}***@"},
	{Regexp(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`), "${1} ***"},
	{Regexp(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?`), "***"},
}

// keyed is a secret behind its name: key=value, "key": "value".
var keyed = Regexp(`(?i)\b([a-z0-9_.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)s?["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&"']+)`)

// What follows the name of a file is no secret where it is what an operating system says of files, in the words
// of strerror(3). Of /etc/passwd nothing is: everybody may read it, and no password is in it.
var (
	ofFile   = Regexp(`(?i)^(?:no such file or directory|permission denied|is a directory|not a directory|file exists|read-only file system|input/output error|operation not permitted|no space left on device|device or resource busy|too many levels of symbolic links|text file busy|stale (?:nfs )?file handle)\b`)
	listFile = Regexp(`(?:^|[\s"'=(\[,])/etc/$`)
)

// Mask hides credentials in text from a cluster.
func Mask(text string) string {
	for _, s := range secrets {
		text = s.pattern.ReplaceAllString(text, s.with)
	}
	var b strings.Builder
	for {
		m := keyed.FindStringSubmatchIndex(text)
		if m == nil {
			b.WriteString(text)
			return b.String()
		}
		if names(text, m) { // what stands behind it may still have a secret of its own
			b.WriteString(text[:m[3]])
			text = text[m[3]:]
			continue
		}
		b.WriteString(text[:m[3]] + "***")
		text = text[m[1]:]
	}
}

// names tells whether a match of keyed only names a file, and what follows speaks of that.
func names(text string, m []int) bool {
	if m[0] == 0 || text[m[0]-1] != '/' || strings.Contains(text[m[2]:m[3]], "=") {
		return false
	}
	name := strings.TrimRight(text[m[2]:m[3]], ": \t\n\"'")
	return name == "passwd" && listFile.MatchString(text[:m[0]]) || ofFile.MatchString(text[m[4]:])
}

var secretName = Regexp(`(?i)passw(or)?d|passphrase|pwd|secret|token|api_?key|access_?key|private_?key|credential`)

// SecretName tells whether something of that name - an environment variable, a flag - is likely to
// hold a secret.
func SecretName(name string) bool { return secretName.MatchString(name) }
