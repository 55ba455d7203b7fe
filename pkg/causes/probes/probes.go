// Package probes holds the causes of containers that a probe killed, or that a probe or a hook keeps from
// working.
package probes

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&CPUStarvedStart,
	&LivenessChecksDependency,
	&LivenessDeadlock,
	&LivenessExecMissing,
	&LivenessSchemeMismatch,
	&LivenessSlowStart,
	&LivenessTimeout,
	&LivenessWrongPath,
	&LivenessWrongPort,
	&PostStartHookFailed,
	&PostStartHookRuns,
	&PreStopSlowOrFailing,
	&ProbeDependencyDown,
	&ProbeFailsFromStart,
	&ProbeGRPCUnimplemented,
	&ProbeHost,
	&ProbeNamedPortMissing,
	&SigkillAfterGrace,
	&StartupProbeFailed,
}

// beaten are the causes that say less of a container which a probe killed.
var beaten = []string{"app-exit", "app-panic", "init-failing", "restart-after-long-run"}
