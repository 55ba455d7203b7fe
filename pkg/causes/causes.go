// Package causes is the list of what can break; each cause lives in the package of its group.
package causes

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/controllers"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/exits"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/images"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/lifecycle"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/memory"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/network"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/nodes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/probes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/scheduling"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes/storage"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// NotYet says, as a section of docs/causes.md, what has no cause and why.
//
//go:embed not_yet.md
var NotYet string

// All returns every cause, by name.
func All() []*rule.Cause {
	all := slices.Concat(
		config.Causes, controllers.Causes, exits.Causes, images.Causes, lifecycle.Causes, memory.Causes, network.Causes, nodes.Causes, probes.Causes, scheduling.Causes, storage.Causes,
	)
	slices.SortFunc(all, func(a, b *rule.Cause) int { return strings.Compare(a.ID, b.ID) })
	return all
}
