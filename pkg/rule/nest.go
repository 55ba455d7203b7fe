package rule

import "strings"

// Nest is YAML with a value below steps: what to write into a manifest.
func Nest(value string, steps ...string) string {
	var b strings.Builder
	for i, s := range steps {
		b.WriteString(strings.Repeat("  ", i) + s + ":")
		if i < len(steps)-1 {
			b.WriteString("\n")
		}
	}
	b.WriteString(" " + value + "\n")
	return b.String()
}
