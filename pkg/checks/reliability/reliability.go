// Package reliability holds the checks of settings that decide about workloads that break or cannot be reached.
package reliability

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{
	&CPULimitStarvesStart,
	&CronScheduleInvalid,
	&EnvDuplicate,
	&EnvRefMissing,
	&HPAFightsReplicas,
	&HPAOrphan,
	&IngressBackendMissing,
	&LivenessMissing,
	&PDBBlocks,
	&PDBMissing,
	&PDBOrphan,
	&ProbesIdentical,
	&ReadinessMissing,
	&ReplicasMin,
	&RequestOverLimit,
	&SchemaInvalid,
	&SelectorMismatch,
	&SlowStart,
	&SpreadMissing,
	&SvcPortMismatch,
	&SvcSelectsNothing,
}
