// Package maintenance holds the checks of what ages: versions, nodes, certificates, webhooks, and what is left over.
package maintenance

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this package, by name.
var Checks = []*rule.Check{
	&APIDeprecated,
	&APIDeprecatedWritten,
	&APIRemovedNext,
	&APIRequested,
	&APIServiceUnavailable,
	&AutoUpgradeMissing,
	&CertificateFailing,
	&ConnectionCertificate,
	&ControlPlaneSkew,
	&CSRPending,
	&HelmAPIRemoved,
	&HelmChartDeprecated,
	&HelmKubeVersion,
	&HelmStuck,
	&KubeletEOL,
	&KubeletSkew,
	&NodeCordoned,
	&NodeOld,
	&NodeTaintUnused,
	&NodeVersionsMany,
	&NSUnused,
	&ServerEOL,
	&ServerOld,
	&WebhookBlocks,
	&WebhookBroken,
	&WebhookCAExpiring,
	&WebhookTimeout,
}
