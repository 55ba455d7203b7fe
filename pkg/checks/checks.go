// Package checks is the list of settings that will hurt; each check lives in the package of its
// dimension, or of what it looks at.
package checks

import (
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/access"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/delivery"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/efficiency"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/maintenance"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/network"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/observability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/policy"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/reliability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/security"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/state"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// All returns every check, by name.
func All() []*rule.Check {
	all := slices.Concat(
		access.Checks, delivery.Checks, efficiency.Checks, maintenance.Checks, network.Checks, observability.Checks,
		policy.Checks, reliability.Checks, security.Checks, state.Checks,
	)
	slices.SortFunc(all, func(a, b *rule.Check) int { return strings.Compare(a.ID, b.ID) })
	return all
}
