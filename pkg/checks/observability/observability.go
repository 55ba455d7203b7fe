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
	&AlertsMissing,
	&AnnotationMisplaced,
	&CannotLook,
	&EventsNotKept,
	&ExportersMissing,
	&LogAgentMissing,
	&NotScraped,
	&MetricsServer,
	&MetricsUnscraped,
	&OTelEndpoint,
	&OTelNotInjected,
	&ScrapePort,
	&SLOMissing,
	&TracingMissing,
}
