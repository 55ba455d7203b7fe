// Package efficiency holds the checks of settings that decide about what workloads ask for and cost.
package efficiency

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{
	&CPULimitMissing,
	&CPURequestMissing,
	&EphemeralMissing,
	&HeapOverLimit,
	&HPAInactive,
	&HPARequestsMissing,
	&HPAVPAConflict,
	&ImageLatest,
	&MemoryLimitFarFromRequest,
	&MemoryLimitMissing,
	&MemoryRequestMissing,
	&MemoryUnitSlip,
	&NodeAutoscalerMissing,
	&OOMKilled,
	&QuotaNearlyFull,
	&RequestsNominal,
	&ResourcesUnequal,
	&ScalingByCPUOnly,
	&UsageHistoryMissing,
}
