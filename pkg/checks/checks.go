// Package checks is the list of settings that will hurt; each check lives in the package of its
// dimension.
package checks

import (
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/efficiency"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/reliability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/security"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// All returns every check, by name.
func All() []*rule.Check {
	all := slices.Concat(efficiency.Checks, reliability.Checks, security.Checks)
	slices.SortFunc(all, func(a, b *rule.Check) int { return strings.Compare(a.ID, b.ID) })
	return all
}
