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
	&AntiAffinityTooFewNodes,
	&ChaosMissing,
	&CPULimitStarvesStart,
	&CronScheduleInvalid,
	&CronJobConcurrency,
	&CronJobDeadline,
	&CronJobSuspended,
	&DrainBlocked,
	&EnvDuplicate,
	&EnvRefMissing,
	&GraceZero,
	&HPAFightsReplicas,
	&HPAMaxEqMin,
	&HPAOrphan,
	&IngressBackendMissing,
	&JobNoDeadline,
	&JobTTL,
	&LivenessHasty,
	&LivenessMissing,
	&NakedPod,
	&NodeAffinityMissing,
	&NodePinned,
	&NodeSingleMaster,
	&PDBBlocks,
	&PDBEvictionPolicy,
	&PDBMany,
	&PDBMissing,
	&PDBOrphan,
	&PreStopOverGrace,
	&PriorityClassMissing,
	&ProbePort,
	&ProbePortNumber,
	&ProbesIdentical,
	&ProgressDeadlineShort,
	&ReadinessMissing,
	&RemediationMissing,
	&ReplicasMin,
	&ReplicasZero,
	&RequestOverLimit,
	&RestartPolicyInvalid,
	&RestartsOften,
	&RolloutDowntime,
	&SchemaInvalid,
	&SelectorMismatch,
	&SlowStart,
	&SPOFOneNode,
	&SPOFShared,
	&SpreadMismatch,
	&SpreadMissing,
	&StrategyRecreate,
	&SvcPortMismatch,
	&SvcSelectsNothing,
	&ZoneLoss,
}
