// Package images holds the causes of containers whose image cannot be had.
package images

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&ImageAlwaysAndRegistryDown,
	&ImageAuth,
	&ImageInspect,
	&ImageInvalidName,
	&ImageNever,
	&ImageNotFound,
	&ImagePlatform,
	&ImageRateLimit,
	&ImageRegistryUnreachable,
	&ImageSignature,
	&ImageSlowPull,
	&PullsecretMissing,
	&PullsecretWrong,
}
