package observability

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ExportersMissing finds clusters whose objects or nodes nobody measures.
var ExportersMissing = rule.Check{
	ID: "exporters-missing", Title: "nobody measures the nodes, or the state of objects", Doc: rule.ReadDoc(docs, "exporters_missing.md"),
	Dimension: rule.Observability, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs:   []schema.GroupKind{snapshot.PodKind, snapshot.DaemonSetKind, snapshot.OTelCollectorKind},
	Applies: wholeCluster,
	Run: func(p *rule.Pass) {
		var missing []exporter
		maybe := ""
		for _, e := range exporters {
			by, got := performs(p, func(g *program) answer { return e.by(p, g) })
			switch got {
			case no:
				missing = append(missing, e)
			case perhaps:
				maybe = fmt.Sprintf("%s of %s may do what %s does: its configuration is not read", by.container, by.of, e.name)
			}
		}
		switch {
		case len(missing) == 0 && maybe != "":
			p.Unknown("%s", maybe)
			return
		case len(missing) == 0:
			return
		}
		message := fmt.Sprintf("%s has no ready pod: nobody %s", missing[0].name, missing[0].what)
		if len(missing) > 1 {
			message = fmt.Sprintf("neither %s nor %s has a ready pod: nobody %s, nor %s", missing[0].name, missing[1].name, missing[0].what, missing[1].what)
		}
		p.Report(rule.Finding{NoField: nowhere, Certainty: rule.Likely, Message: message}).
			WithFix(rule.Fix{Title: "run kube-state-metrics once, and node-exporter on each node", Applicability: rule.NeedsThought, Caution: "managed clusters have add-ons for both"})
	},
}

// exporter is something that is measured, and who does it.
type exporter struct {
	name, what string
	same       func(name string) bool // the program itself
	parts      map[string]bool        // programs that do it besides
	may        map[string]bool        // programs that do it where they are told to
	receiver   string                 // of OpenTelemetry's collector
	runs       func(g *program) bool  // how it must run
}

var exporters = []exporter{
	{
		name: "kube-state-metrics", what: "counts what is wanted and what is there of Deployments, Jobs and volumes",
		same:     func(name string) bool { return strings.Contains(name, "kube-state-metrics") },
		parts:    map[string]bool{"datadog-cluster-agent": true, "dynatrace-activegate": true, "activegate": true, "k8sensor": true, "netdata": true},
		may:      map[string]bool{"telegraf": true, "cloudwatch-agent": true, "elastic-agent": true, "metricbeat": true},
		receiver: "k8s_cluster",
	},
	{
		name: "node-exporter", what: "measures disks, memory and load of the nodes",
		same: func(name string) bool {
			return strings.Contains(name, "node-exporter") || strings.Contains(name, "node_exporter") || strings.Contains(name, "windows-exporter")
		},
		parts: map[string]bool{
			"datadog-agent": true, "oneagent": true, "dynatrace-oneagent": true, "instana-agent": true, "netdata": true, "newrelic-infrastructure": true, "infrastructure-bundle": true,
			"nri-kubernetes": true, "gke-metrics-agent": true, "ama-metrics-node": true, "zabbix-agent": true, "zabbix-agent2": true,
		},
		may:      map[string]bool{"telegraf": true, "cloudwatch-agent": true, "elastic-agent": true, "metricbeat": true, "vector": true},
		receiver: "hostmetrics",
		runs:     func(g *program) bool { return g.daemon },
	},
}

// by tells whether a program does what an exporter does.
func (e *exporter) by(p *rule.Pass, g *program) answer {
	switch {
	case e.runs != nil && !e.runs(g):
		return no
	case g.called(e.same), g.called(func(name string) bool { return e.parts[name] }), e.parts[g.of.Name]:
		return yes
	case g.called(alloy), g.called(func(name string) bool { return e.may[name] }):
		return perhaps
	case g.called(collector):
		return g.receives(p, e.receiver)
	}
	return no
}
