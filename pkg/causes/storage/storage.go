// Package storage holds the causes of volumes that a pod waits for.
package storage

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&CMVolumeMissing,
	&MountFailed,
	&MountFSGroupSlow,
	&PVCClassMissing,
	&PVCDriverMissing,
	&PVCLost,
	&PVCMissingForSTS,
	&PVCNoDefault,
	&PVCProvisionError,
	&PVCResize,
	&PVCStaticMismatch,
	&PVCTerminating,
	&PVCWFFC,
	&RWOMultiAttach,
	&SecretVolumeMissing,
	&VolumeKeyMissing,
}
