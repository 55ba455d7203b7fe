// Package exits holds the causes of containers that end by themselves.
package exits

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{}
