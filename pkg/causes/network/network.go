// Package network holds the causes of Services, probes and routes that lead nowhere.
package network

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{}
