// Package security holds the checks of settings that decide about workloads that may do more than they need.
package security

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{}
