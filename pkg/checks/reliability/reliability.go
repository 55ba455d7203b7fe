// Package reliability holds the checks of settings that decide about workloads that break or cannot be reached.
package reliability

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{}
