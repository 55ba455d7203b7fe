// Package exits holds the causes of containers that end by themselves, and of init containers that
// fail or do not end.
package exits

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&AppBindsLocalhost,
	&AppExit,
	&AppPanic,
	&BadFlagOrConfig,
	&BadInterpreter,
	&DependencyAuth,
	&DependencyDNS,
	&DependencyRefused,
	&DependencyUnreachable,
	&DiskFullVolume,
	&EntrypointNotExecutable,
	&EntrypointNotFound,
	&ExecFormatError,
	&Exit0RestartAlways,
	&HeapExhaustedInside,
	&InitBlocking,
	&InitFailing,
	&InotifyLimit,
	&MissingEnvVar,
	&NoCommand,
	&PermissionDeniedVolume,
	&PortInUse,
	&PrivilegedPort,
	&RBACForbidden,
	&ReadonlyRootfs,
	&RestartAfterLongRun,
	&RunsAsRootRefused,
	&ShellCmdNotFound,
	&ThreadLimit,
	&TLSExpired,
	&TLSUntrusted,
	&UnresolvedVariable,
	&UserLacksRights,
	&WriteToConfigMap,
}
