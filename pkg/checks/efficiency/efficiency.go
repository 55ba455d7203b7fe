// Package efficiency holds the checks of settings that decide about what workloads ask for and cost.
package efficiency

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{}
