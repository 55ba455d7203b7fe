// Package nodes holds the causes of nodes that do not work.
package nodes

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&NodeNotReadyCNI,
	&NodeNotReadyKubelet,
	&NodePressure,
	&NodeRebooted,
	&NodeRuntimeDown,
	&NodeSystemOOM,
}
