// Package nodes holds the causes of nodes that do not work.
package nodes

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{}
