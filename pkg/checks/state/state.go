// Package state holds the checks of data: claims, volumes, StatefulSets, and what brings data back.
package state

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this package, by name.
var Checks = []*rule.Check{
	&BackupLocation,
	&BackupMissing,
	&BackupOneLocation,
	&BackupStale,
	&BackupUncovered,
	&ClaimUnbound,
	&CNPGNoBackup,
	&DataOnEmptyDir,
	&DBInDeployment,
	&EvenQuorum,
	&PVEncryption,
	&PVHostPath,
	&PVUnused,
	&PVCUnused,
	&ReclaimDelete,
	&RestoreNever,
	&RestoreUnproven,
	&RWODeploy,
	&SnapshotInvalid,
	&StorageClassDefault,
	&StorageClassImmediate,
	&StorageClassNoExpansion,
	&STSNoClaim,
	&STSRetention,
	&STSServiceName,
	&STSVolumeRequest,
	&STSVolumeRWO,
}
