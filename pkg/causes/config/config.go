// Package config holds the causes of containers that cannot be created from their configuration.
package config

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&CMKeyMissing,
	&CMMissingEnv,
	&ContainerNameInUse,
	&EnvfromInvalidKeys,
	&HostpathType,
	&NonrootNonnumeric,
	&NonrootRootImage,
	&NonrootUID0,
	&RuntimeclassMissing,
	&SAMissing,
	&SandboxCNI,
	&SeccompApparmor,
	&SecretKeyMissing,
	&SecretMissingEnv,
	&SidecarNotStarted,
	&SidecarOldOrder,
	&SubpathMismatch,
}
