// Package security holds the checks of settings that decide about workloads that may do more than they need.
package security

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{
	&AppArmorUnconfined,
	&CapsDangerous,
	&CapsDropAll,
	&CronjobAny,
	&DataMounted,
	&FSGroup,
	&HostAliases,
	&HostNamespaces,
	&HostPath,
	&HostPort,
	&HostProcess,
	&HostUsers,
	&ImageSignatureUnchecked,
	&PrivilegeEscalation,
	&Privileged,
	&PrivilegedPorts,
	&ProbeOtherHost,
	&ProcMount,
	&RootfsWritable,
	&RunAsHighUID,
	&RunAsNonRoot,
	&SCCPrivileged,
	&SeccompMissing,
	&SecretInEnv,
	&SecretsByHand,
	&SELinuxOptions,
	&SSHPort,
	&SudoEntrypoint,
	&Sysctls,
	&VolumeTypes,
	&VulnerabilityReportsMissing,
}
