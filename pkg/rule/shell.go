package rule

import "strings"

const shellSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_"

// ShellQuote quotes a word for a POSIX shell where it needs it.
func ShellQuote(word string) string {
	if word != "" && strings.Trim(word, shellSafe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Kubectl is a kubectl command for a shell, quoted; an empty context or namespace is left out.
func Kubectl(context, namespace string, words ...string) string {
	all := []string{"kubectl"}
	if context != "" {
		all = append(all, "--context", context)
	}
	if namespace != "" {
		all = append(all, "-n", namespace)
	}
	all = append(all, words...)
	for i, w := range all {
		all[i] = ShellQuote(w)
	}
	return strings.Join(all, " ")
}

// Line is a kubectl command in the namespace of this Pass' object, for Fix.Lines.
func (p *Pass) Line(words ...string) string {
	return Kubectl(p.Context, p.Object.Namespace, words...)
}
