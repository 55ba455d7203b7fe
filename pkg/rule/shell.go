package rule

import (
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

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

// Explain is the command that explains another object, for Fix.Lines. kubectl takes no flags before a
// plugin's name, so they come last.
func (p *Pass) Explain(o snapshot.Ref) string {
	words := []string{"maturity", "explain", o.String()}
	if o.Namespace != "" {
		words = append(words, "-n", o.Namespace)
	}
	if p.Context != "" {
		words = append(words, "--context", p.Context)
	}
	return Kubectl("", "", words...)
}
