// Package observability holds the checks of what tells how a cluster and its workloads are doing.
package observability

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this package, by name.
var Checks = []*rule.Check{
	&AgentMissesNodes,
	&AlertNoRunbook,
	&AnnotationMisplaced,
	&NotScraped,
	&MetricsServer,
	&OTelEndpoint,
	&OTelNotInjected,
	&ScrapePort,
}
