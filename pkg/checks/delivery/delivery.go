// Package delivery holds the checks of how changes reach a cluster: images, revisions, labels.
package delivery

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this package, by name.
var Checks = []*rule.Check{
	&ArgoNotSynced,
	&FluxNotReady,
	&FluxSuspended,
	&GitOpsMissing,
	&HandEdited,
	&HumanWrites,
	&ImageAutomationMissing,
	&ImageDigestSplit,
	&ImageMovingTag,
	&ImageNotDigest,
	&ImageOldRegistry,
	&ImagePullPolicy,
	&ImageRegistry,
	&ImageUnqualified,
	&LivesOutside,
	&NginxIngressEOL,
	&ProgressiveDeliveryMissing,
	&RevisionHistoryNone,
	&Unmanaged,
}
