package reliability

import "github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"

// countsAny tells whether a number above zero stands at the end of keys.
func countsAny(content any, keys ...string) bool {
	n, _ := snapshot.WholeIn(content, keys...)
	return n > 0
}
