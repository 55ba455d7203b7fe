// Package controllers holds the causes of controllers that do not get what they ask for.
package controllers

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&CronBadSchedule,
	&CronForbid,
	&CronLastFailed,
	&CronMissed,
	&CronReplace,
	&DsMissingNodes,
	&EvictionBlocked,
	&HPAAtMax,
	&HPANoMetrics,
	&HPANoRequests,
	&HPASelector,
	&HPATargetMissing,
	&JobBackoff,
	&JobDeadline,
	&JobPolicy,
	&JobSidecarHangs,
	&LimitRangeViolation,
	&MinReadySeconds,
	&NsTerminating,
	&PDBMultiple,
	&PDBNoMatch,
	&PriorityClassMissing,
	&PSAViolation,
	&QuotaMustSpecify,
	&ReadinessGateClosed,
	&ReplicaFailureQuota,
	&RolloutDeadline,
	&RolloutNoHeadroom,
	&RolloutPaused,
	&StsOrderedBlocked,
	&StsRollbackTrap,
	&WebhookDenied,
	&WebhookDown,
}
