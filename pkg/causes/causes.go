// Package causes is the list of what can break; each cause lives in the package of its group.
package causes

import (
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/memory"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/probes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/scheduling"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// All returns every cause, by name.
func All() []*rule.Cause {
	all := slices.Concat(config.Causes, memory.Causes, probes.Causes, scheduling.Causes)
	slices.SortFunc(all, func(a, b *rule.Cause) int { return strings.Compare(a.ID, b.ID) })
	return all
}
