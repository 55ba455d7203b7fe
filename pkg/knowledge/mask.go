package knowledge

import (
	"slices"
	"strings"
)

// What text from a cluster may carry that must not be printed: credentials in URLs, bearer tokens,
// and secrets given as key=value.
var secrets = []struct {
	hints   []string // in lower case: one of which the text has, where the pattern can be in it: most text has none
	pattern *Pattern
	with    string
}{
	{[]string{"://"}, Regexp(`(://)[^\s/@:]*(:[^\s/]*)?@`), "${1}***@"},
	{[]string{"://"}, Regexp(`(://)[^\s/@:]*:[0-9]*[^\s/@0-9][^\s/@]*/[^\s@]*@`), "${1}***@"},                    // a slash that should be %2F: no port has letters
	{[]string{"@tcp(", "@udp(", "@unix("}, Regexp(`[^\s:@/"'=,;(]+:[^\s@"']+@((?:tcp|udp|unix)\()`), "***@${1}"}, // as Go's MySQL driver takes it
	{[]string{"@"}, Regexp(`[\w.+-]+:[^\s:@/"'=]+@([\w-]+(?:\.[\w-]+)*:\d{1,5}\b)`), "***@${1}"},
	{[]string{"bearer", "basic"}, Regexp(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`), "${1} ***"},
	{[]string{"="}, Regexp(`(?i)([?&](?:sig|signature|x-amz-signature|x-amz-security-token)=)[^\s&"']+`), "${1}***"},
	{[]string{"gh", "glpat-", "xox", "sk-", "sk_"}, Regexp(`\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|sk[-_][\w-]{20,})`), "***"},
	// Clients whose flag for a password is one letter.
	{[]string{"mysql", "mariadb"}, Regexp(`(\b(?:mysql|mariadb)[a-z_-]*\s(?:[^\n|;&]{0,200}?\s)?-p)[^\s"']+`), "${1}***"},
	{[]string{"sshpass", "redis-cli", "ldap"}, Regexp(`(\b(?:sshpass\s+-p|redis-cli\s(?:[^\n|;&]{0,200}?\s)?(?:-a|--pass)|ldap[a-z]+\s(?:[^\n|;&]{0,200}?\s)?-w)\s*)[^\s"']+`), "${1}***"},
	{[]string{"curl"}, Regexp(`(\bcurl\s(?:[^\n|;&]{0,200}?\s)?(?:-u|--user)[\s=]*["']?[^\s:"']+:)[^\s"']+`), "${1}***"},
	{[]string{"eyj"}, Regexp(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?`), "***"},
}

// secretWords are the ends of the names of secrets.
const secretWords = `(?:pass|password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|credential)s?`

// secretHints are what any of them has.
var secretHints = []string{"pass", "pwd", "secret", "token", "key", "credential"}

var (
	// keyed is a secret behind its name: key=value, "key": "value".
	keyed = Regexp(`(?i)\b([a-z0-9_.-]*` + secretWords + `["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&"']+)`)

	// flagged is one behind a flag, as the next word: --db-pass VALUE.
	flagged = Regexp(`(?i)((?:^|[\s"'\[(,=])--?[a-z0-9_.-]*` + secretWords + `["']?,?\s+)("[^"]*"|'[^']*'|[^\s,;&"'\])]+)`)

	// following is one behind its plain name, as far as it looks like one: letters with digits.
	following = Regexp(`(?i)(\b(?:pass|password|passwd|passphrase|token|api[_-]?key|access[_-]?key|private[_-]?key)\s+["']?)([a-z0-9+_=][a-z0-9+/_=.-]{3,})`)

	// prose is what is said of a flag behind its name.
	prose = Regexp(`(?i)^(?:is|was|are|were|has|had|have|must|may|can|cannot|could|should|will|not|or|and|to|for|in|on|of|at|by|with|from|as|if|when|flag|flags|option|options|argument|value|required|missing|given|set|unset|needs?|expects?|requires?|does|string|file|-.*|=|\*\*\*)$`)
	mixed = Regexp(`(?i)[a-z].*[0-9]|[0-9].*[a-z]`)
)

// What follows the name of a file is no secret where it is what an operating system says of files, in the words
// of strerror(3). Of /etc/passwd nothing is: everybody may read it, and no password is in it.
var (
	ofFile   = Regexp(`(?i)^(?:no such file or directory|permission denied|is a directory|not a directory|file exists|read-only file system|input/output error|operation not permitted|no space left on device|device or resource busy|too many levels of symbolic links|text file busy|stale (?:nfs )?file handle)\b`)
	listFile = Regexp(`(?:^|[\s"'=(\[,])/etc/$`)
)

// Mask hides credentials in text from a cluster.
func Mask(text string) string {
	lower := strings.ToLower(text)
	hinted := func(hint string) bool { return strings.Contains(lower, hint) }
	for _, s := range secrets {
		if !slices.ContainsFunc(s.hints, hinted) {
			continue
		}
		text = s.pattern.ReplaceAllString(text, s.with)
	}
	if !slices.ContainsFunc(secretHints, hinted) {
		return text
	}
	text = flagged.ReplaceAllStringFunc(text, func(all string) string {
		if m := flagged.FindStringSubmatch(all); !prose.MatchString(m[2]) {
			return m[1] + "***"
		}
		return all
	})
	text = following.ReplaceAllStringFunc(text, func(all string) string {
		if m := following.FindStringSubmatch(all); mixed.MatchString(m[2]) {
			return m[1] + "***"
		}
		return all
	})
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

var (
	secretName = Regexp(`(?i)passw(or)?d|passphrase|pwd|(?:^|[_.-])pass(?:$|[_.-])|secret|token|api_?key|access_?key|account_?key|private_?key|credential`)
	placeName  = Regexp(`(?i)[_.-](?:file|path|dir|directory)$`)
)

// SecretName tells whether something of that name - an environment variable, a flag - is likely to
// hold a secret. The path of a file that holds one is none.
func SecretName(name string) bool {
	return secretNames.of(name, func(name string) bool { return secretName.MatchString(name) && !placeName.MatchString(name) })
}

var secretNames memo[bool]
