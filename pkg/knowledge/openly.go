package knowledge

import (
	"slices"
	"strings"
	"unicode"
)

// secretLineHints are what lines with a secret in them have, in lower case: most have none of them.
var secretLineHints = []string{"pass", "pwd", "secret", "token", "api", "access", "private", "account", "auth", "://", "gh", "glpat-", "xox", "identified by"}

// MayHoldSecret tells whether it is worth looking at text for a secret.
func MayHoldSecret(text string) bool {
	lower := strings.ToLower(text)
	return slices.ContainsFunc(secretLineHints, func(h string) bool { return strings.Contains(lower, h) })
}

var (
	secretInURL    = Regexp(`[a-z][a-z0-9+.-]*://(?:[^\s/@:"'<>{}$]|\$\([^)\s]*\)|\$\{[^}\s]*\})*:([^\s/@"'<>{}$%*]{3,})@[a-zA-Z0-9$]`)
	secretToken    = Regexp(`\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abposr]-[\w-]{20,})|hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}`)
	secretAssigned = Regexp(`^\s*(?:export\s+|-\s+|set\s+)?["']?([A-Za-z0-9_.-]{2,80})["']?\s*[:=]\s*(\S.*?)[\s,;]*$`)
	secretInJSON   = Regexp(`"([A-Za-z0-9_.-]{2,80})"\s*:\s*"([^"\\]{3,})"`)
	secretInSQL    = Regexp(`(?i)\b(?:identified by|with password|encrypted password)\s+'([^'$<{%]{3,})'`)
	secretOfRedis  = Regexp(`(?i)(?:^|\s)(?:--)?(?:requirepass|masterauth|sentinel auth-pass \S+)\s+["']?([^\s"'$<{]{3,})`)
)

// SecretLine tells what secret stands in a line of settings; "" where none does.
func SecretLine(text string) string {
	trimmed := strings.TrimSpace(text)
	if !MayHoldSecret(trimmed) || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, ";") || strings.HasPrefix(trimmed, "-- ") {
		return "" // a comment sets nothing
	}
	if m := secretInURL.FindStringSubmatch(text); m != nil && !standsFor(m[1]) {
		return "the password of a URL"
	}
	if secretToken.MatchString(text) {
		return "a token"
	}
	if secretInSQL.MatchString(text) {
		return "the password of a database user"
	}
	if m := secretOfRedis.FindStringSubmatch(text); m != nil && !standsFor(m[1]) {
		return "the password of a server"
	}
	if m := secretAssigned.FindStringSubmatch(text); m != nil && SecretSetting(m[1], m[2]) {
		return m[1]
	}
	for _, m := range secretInJSON.FindAllStringSubmatch(text, -1) {
		if secretSetting(m[1], m[2], true) {
			return m[1]
		}
	}
	return ""
}

// SecretSetting tells whether a setting of that name is a secret and the value, as it is written, is one, and
// not where it is to be found.
func SecretSetting(name, value string) bool {
	plain, quoted := unquoted(value)
	return secretSetting(name, plain, quoted)
}

func unquoted(s string) (plain string, quoted bool) {
	s = strings.TrimSpace(s)
	for _, q := range []string{`"`, `'`} {
		if rest, ok := strings.CutPrefix(s, q); ok {
			if plain, _, ok := strings.Cut(rest, q); ok {
				return plain, true
			}
		}
	}
	plain, _, _ = strings.Cut(s, " #")
	return strings.TrimSpace(plain), false
}

func secretSetting(name, value string, quoted bool) bool {
	words := UpperName(name)
	if len(value) < 3 || standsFor(value) || strings.EqualFold(value, name) || strings.HasSuffix(UpperName(value), words) || forTrust(words) {
		return false
	}
	if !quoted && strings.ContainsAny(value, "()[]{} ") { // a program, or prose
		return false
	}
	if PasswordName(words) {
		return words != "PWD" && !strings.ContainsAny(value, " ") && !strings.HasSuffix(UpperName(value), "_PASSWORD") // the key of a message
	}
	for _, end := range []string{"TOKEN", "SECRET", "API_KEY", "APIKEY", "ACCESS_KEY", "SECRET_KEY", "PRIVATE_KEY", "ACCOUNT_KEY"} {
		if strings.HasSuffix(words, end) {
			return RandomWord(value)
		}
	}
	return false
}

// PasswordName tells whether a name in the spelling of UpperName is that of a password.
func PasswordName(words string) bool {
	return words == "PASS" || slices.ContainsFunc([]string{"PASSWORD", "PASSWD", "PASSPHRASE", "PWD", "_PASS"}, func(end string) bool { return strings.HasSuffix(words, end) })
}

// forTrust tells of a password that everybody knows and that guards nothing: that of Java's list of authorities.
func forTrust(words string) bool {
	return strings.Contains(strings.ReplaceAll(words, "_", ""), "TRUSTSTOREPASS")
}

// standsFor tells whether a value only stands for a secret: a variable, a template, a path, an example.
func standsFor(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "yes", "no", "on", "off", "none", "null", "nil", "disabled", "enabled", "optional", "required", "undefined", "redacted", "string",
		"password", "pass", "secret", "token", "changeme", "change-me", "change_me", "placeholder", "example", "your-password", "empty", "prompt", "default":
		return true
	}
	return wordOfLanguage(value) || len(value) < 6 && strings.Trim(value, "0123456789") == "" || strings.HasPrefix(strings.ToLower(value), "your") || SecretElsewhere(value)
}

// elsewhere are what values start with that say where a secret is to be found. Sources: bank-vaults, vals,
// 1Password, the agent of Datadog, jasypt, sops and the clouds' own, each in its documentation.
var elsewhere = []string{"file:", "env:", "env.", "vault:", "ref+", "secret:", "secretref:", "awssm:", "arn:aws", "projects/", "enc(", "enc["}

// SecretElsewhere tells whether a value says where a secret is to be found, or what will be put in its place: a
// variable, a template, a path, a reference into a store.
func SecretElsewhere(value string) bool {
	if value == "" || strings.ContainsAny(value[:1], "$<%/@*[{|>!&`~") || strings.Trim(strings.ToLower(value), "x*.-_") == "" {
		return true
	}
	for _, sign := range []string{"${", "{{", "$(", "$__", "://"} {
		if strings.Contains(value, sign) {
			return true
		}
	}
	lower := strings.ToLower(value)
	return slices.ContainsFunc(elsewhere, func(start string) bool { return strings.HasPrefix(lower, start) })
}

// wordOfLanguage tells whether a value is a word of a language, as translations of a form have them: Password,
// Passwort.
func wordOfLanguage(value string) bool {
	first := true
	for _, r := range value {
		if r > unicode.MaxASCII && unicode.IsLetter(r) {
			return true
		}
		if first != unicode.IsUpper(r) || !unicode.IsLetter(r) {
			return false
		}
		first = false
	}
	return true
}

// RandomWord tells whether a value looks as if nobody had thought it up: names of things do not.
func RandomWord(value string) bool {
	const (
		shortest = 16
		hex      = 32
	)
	if len(value) < shortest || strings.ContainsAny(value, " ,:") {
		return false
	}
	var small, large, digit, other int
	for _, r := range value {
		switch {
		case unicode.IsLower(r):
			small++
		case unicode.IsUpper(r):
			large++
		case unicode.IsDigit(r):
			digit++
		case r == '-' || r == '.':
			other++
		}
	}
	return digit > 1 && other < 3 && (small > 0 && large > 1 || len(value) >= hex && small+large > 0 && other == 0)
}

// UpperName is a name in one spelling: dbPassword, db.password and DB-PASSWORD are DB_PASSWORD.
func UpperName(name string) string {
	var b strings.Builder
	low := false
	for _, r := range name {
		switch {
		case r == '-' || r == '.':
			b.WriteByte('_')
			low = false
			continue
		case unicode.IsUpper(r) && low:
			b.WriteByte('_')
		}
		low = unicode.IsLower(r)
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
