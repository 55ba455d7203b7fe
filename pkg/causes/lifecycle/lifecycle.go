// Package lifecycle holds the causes of pods that were evicted, refused or do not go away.
package lifecycle

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&ContainerStatusUnknown,
	&Deadline,
	&EvictedAPI,
	&EvictedEmptyDir,
	&EvictedESLimit,
	&EvictedNodePressure,
	&EvictedTaint,
	&KubeletReject,
	&NodeShutdown,
	&PodGC,
	&Preempted,
	&ResizeStuck,
	&TerminatingFinalizer,
	&TerminatingNodeLost,
}
