package report

import (
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// identity is what makes a finding the same one the next time: a baseline must know it again after somebody
// added another container, volume or variable before it. So list items go by their names, as far as they have
// some.
func (b *Builder) identity(f *rule.Finding, field string) string {
	if f.Seen.Container != "" { // most findings: their name is at hand
		if i := strings.Index(field, "ontainers["); i >= 0 {
			i += len("ontainers[")
			if end := strings.IndexByte(field[i:], ']'); end >= 0 && numbered(field[i-1:]) && !numbered(field[i+end:]) {
				field = field[:i] + f.Seen.Container + field[i+end:]
			}
		}
	}
	if numbered(field) {
		if object, prefix := b.drawn(f); object != nil {
			field = prefix + named(object, strings.TrimPrefix(field, prefix))
		}
	}
	return fingerprint(f.Rule, f.Object, f.Seen.Container, field)
}

// numbered tells whether a path names a list item by its number.
func numbered(field string) bool {
	for i := 0; i+1 < len(field); i++ {
		if field[i] == '[' && field[i+1] >= '0' && field[i+1] <= '9' {
			return true
		}
	}
	return false
}
