package knowledge

import (
	"github.com/Masterminds/semver/v3"
)

// manyPatches is more than a minor version of Kubernetes ever had.
const manyPatches = 40

// KubeVersionAllows tells whether a constraint, as a chart has it in kubeVersion, lets some release of a minor version
// of Kubernetes 1 through; ok is false where the constraint cannot be read. Helm compares by the same library. Marks of
// providers (-gke.100), which some versions of Helm count as pre-releases, are not counted.
func KubeVersionAllows(constraint string, minor int) (allowed, ok bool) {
	c, err := semver.NewConstraint(constraint)
	if err != nil || minor < 0 {
		return false, false
	}
	for patch := range uint64(manyPatches) {
		if c.Check(semver.New(1, uint64(minor), patch, "", "")) {
			return true, true
		}
	}
	return false, true
}
