// Package network holds the causes of Services, probes and routes that lead nowhere.
package network

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&ReadinessFailing,
	&SvcNotReady,
	&SvcSelector,
}
