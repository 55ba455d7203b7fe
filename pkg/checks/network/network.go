// Package network holds the checks of what leads traffic to workloads and keeps it from them: Services, Ingresses, network policies.
package network

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *
var docs embed.FS

// Checks are the checks of this package, by name.
var Checks = []*rule.Check{}
