package maintenance

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// timeAt is the moment at a path of an object; zero where there is none.
func timeAt(o *snapshot.Object, keys ...string) time.Time {
	v, _ := o.At(keys...)
	return snapshot.TimeIn(v)
}

// minorOf is the minor version of Kubernetes 1 in a version such as v1.33.2-eks-1a2b3c; ok is false where it is none.
func minorOf(text string) (minor int, ok bool) {
	v, err := version.ParseGeneric(text)
	if err != nil || v.Major() != 1 {
		return 0, false
	}
	return int(v.Minor()), true
}

// imageVersion is the tag of an image, "" where it has none.
func imageVersion(image string) string {
	image, _, _ = strings.Cut(image, "@")
	name := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, _ := strings.Cut(name, ":")
	return tag
}
