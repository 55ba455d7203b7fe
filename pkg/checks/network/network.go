// Package network holds the checks of what leads traffic to workloads and keeps it from them: Services, Ingresses, network policies.
package network

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this package, by name.
var Checks = []*rule.Check{
	&CiliumPolicyOrphan,
	&ContainerPortUnnamed,
	&ContainerPorts,
	&DNSNdots,
	&GatewayRef,
	&GatewayClassUnused,
	&IngressClash,
	&IngressClassMissing,
	&IngressLBError,
	&IngressPortNumber,
	&IngressTLS,
	&NetpolAllowAll,
	&NetpolDefaultDenyMissing,
	&NetpolMissing,
	&NetpolNoDNS,
	&NetpolOrphan,
	&NetpolPeer,
	&NetpolRulesIgnored,
	&ServiceMonitorDangling,
	&SvcInvalidTargetPort,
	&SvcLoadBalancer,
	&SvcNodePort,
	&SvcPortNumber,
	&SvcTLSLB,
	&SvcTrafficPolicy,
}
