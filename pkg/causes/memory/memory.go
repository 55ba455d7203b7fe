// Package memory holds the causes of containers that the kernel killed for their memory.
package memory

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&OOMAtStart,
	&OOMChildProcess,
	&OOMHeapGtLimit,
	&OOMNode,
	&OOMOwnLimit,
	&OOMPodLevel,
	&OOMTmpfs,
}
