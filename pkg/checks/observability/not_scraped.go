package observability

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NotScraped finds metrics that are offered and that nobody fetches.
var NotScraped = rule.Check{
	ID: "metrics-not-scraped", Title: "offers metrics that nobody fetches", Doc: rule.ReadDoc(docs, "not_scraped.md"),
	Dimension: rule.Observability, Severity: rule.Info, Off: true, On: rule.Workloads,
	Needs: append([]schema.GroupKind{snapshot.ServiceKind}, rule.MonitorKinds...),
	// Monitors of all namespaces count, and are hardly ever beside the manifests of an application.
	Applies: func(p *rule.Pass) bool {
		if p.Files && !p.Closed || p.ListOutcome(snapshot.ServiceMonitorKind, "").Reason == snapshot.ReasonUnread {
			return false
		}
		return slices.ContainsFunc(p.Object.Templates, func(t snapshot.Template) bool {
			_, ok := metricsPort(ports(t))
			return ok
		})
	},
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			offered, ok := metricsPort(ports(t))
			if !ok || fetched(p, t) {
				continue
			}
			for _, c := range t.Containers() {
				for i, cp := range c.Ports {
					if cp.Name == offered.name && !c.Init {
						p.Report(rule.Finding{
							Field: c.Path.Child("ports").Index(i).Child("name"), Value: cp.Name, Certainty: rule.Likely, Label: "offers metrics",
							Message: fmt.Sprintf("port %s (%d) of container %q offers metrics, and no ServiceMonitor, PodMonitor or annotation has them fetched", cp.Name, cp.ContainerPort, c.Name),
						}).WithFix(rule.Fix{
							Title: "have them fetched", Applicability: rule.Placeholders, Caution: "the Prometheus operator takes only monitors that its Prometheus selects, often by a label",
							YAML: fmt.Sprintf("apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata:\n  name: %s\nspec:\n  selector:\n    matchLabels: <LABELS>\n  podMetricsEndpoints:\n  - port: %s\n", p.Object.Name, cp.Name),
						})
						return
					}
				}
			}
		}
	},
}

// fetched tells whether anything that is known has the metrics of a template's pods fetched. A monitor that selects them and
// leads to no port is told of by itself.
func fetched(p *rule.Pass, t snapshot.Template) bool {
	if t.Annotations[scrape] == "true" {
		return true
	}
	monitors := p.Monitors()
	if slices.ContainsFunc(monitors, func(m rule.Monitor) bool { return !m.Services && m.Finds(p.Object.Namespace, t.Labels) }) {
		return true
	}
	for _, svc := range p.ServicesOf(p.Object, t) {
		if svc.Meta.GetAnnotations()[scrape] == "true" {
			return true
		}
		if slices.ContainsFunc(monitors, func(m rule.Monitor) bool { return m.Services && m.Finds(svc.Namespace, svc.Meta.GetLabels()) }) {
			return true
		}
	}
	return false
}
