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
	&BackendNotReady,
	&DNSConfig,
	&DNSPolicy,
	&EnvServiceRefMissing,
	&GatewayNotProgrammed,
	&IngBackendMissing,
	&IngClassMissing,
	&IngNoAddress,
	&IngNoClass,
	&IngPortMissing,
	&IngTLSMissing,
	&MeshPolicy,
	&NetpolBlocksDNS,
	&NetpolBlocksEgress,
	&NetpolBlocksIngress,
	&NetpolNoMatch,
	&ReadinessFailing,
	&RouteNotServed,
	&SvcAlias,
	&SvcETPLocal,
	&SvcLBPending,
	&SvcMultiSelector,
	&SvcNotReady,
	&SvcSelector,
	&SvcSlicePort,
	&SvcSlicesRefused,
	&SvcTargetPortName,
	&SvcTargetPortNumber,
}
