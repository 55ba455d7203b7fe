package observability

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// EventsNotKept finds clusters that forget their events.
var EventsNotKept = rule.Check{
	ID: "events-not-kept", Title: "events are forgotten within the hour", Doc: rule.ReadDoc(docs, "events_not_kept.md"),
	Dimension: rule.Observability, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs:   []schema.GroupKind{snapshot.PodKind, snapshot.OTelCollectorKind},
	Applies: wholeCluster,
	Run: func(p *rule.Pass) {
		by, got := performs(p, func(g *program) answer { return keepsEvents(p, g) })
		switch got {
		case yes:
			return
		case perhaps:
			p.Unknown("%s of %s may keep events: its configuration is not read", by.container, by.of)
			return
		}
		f := rule.Finding{NoField: nowhere, Certainty: rule.Likely, Message: "the API server forgets events after an hour, and nothing that runs here keeps them"}
		if ttl := eventTTL(p); ttl != "" {
			f.Message = "the API server forgets events after " + ttl + " (--event-ttl), and nothing that runs here keeps them"
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "run something that writes events to where logs are kept, such as an OpenTelemetry collector", Applicability: rule.NeedsThought, Caution: "one replica is enough: two write each event twice",
			YAML: "receivers:\n  k8sobjects:\n    objects:\n    - name: events\n      mode: watch\n",
		})
	},
}

// eventKeepers are programs that keep events. Source: the images of each project, and what GKE and AKS run; Datadog's cluster agent
// collects them unless it is told not to.
var eventKeepers = []string{
	"kubernetes-event-exporter", "event-exporter", "eventrouter", "k8s-event-logger", "kubernetes-event-logger", "kube-events-exporter", "kube-eventer", "eventer", "kubewatch", "kspan", "sloop", "nri-kube-events", "robusta-runner",
	"datadog-cluster-agent", "ama-logs", "groundcover-sensor", "kubernetes-events-collector",
}

// keepsEvents tells whether a program keeps the events of the cluster.
func keepsEvents(p *rule.Pass, g *program) answer {
	keeper := func(name string) bool {
		for _, k := range eventKeepers {
			if name == k || strings.HasPrefix(name, k+"-") {
				return true
			}
		}
		return false
	}
	switch {
	case g.called(keeper):
		if g.disabled("DD_COLLECT_KUBERNETES_EVENTS") {
			return no
		}
		return yes
	case g.called(alloy), g.called(func(name string) bool { return mayKeepEvents[name] }):
		return perhaps
	case !g.daemon && g.called(func(name string) bool { return strings.Contains(name, "fluent-bit") }):
		return perhaps
	case g.called(collector):
		if got := g.receives(p, "k8s_events", "k8sobjects"); got != perhaps || !g.daemon {
			return got
		}
		// On each node it would keep each event as often as there are nodes.
		return no
	}
	return no
}

// mayKeepEvents are programs that keep events where they are told to.
var mayKeepEvents = map[string]bool{"metricbeat": true, "elastic-agent": true, "dynatrace-activegate": true, "activegate": true, "telegraf": true, "logdna-agent": true, "mezmo-agent": true}

// eventTTL is how long the API server keeps events, where its own pod shows that somebody decided so.
func eventTTL(p *rule.Pass) string {
	for _, o := range p.List(snapshot.PodKind, "kube-system") {
		if o.Meta.GetLabels()["component"] != "kube-apiserver" {
			continue
		}
		for _, c := range o.Templates[0].Containers() {
			for _, words := range [][]string{c.Command, c.Args} {
				for _, w := range words {
					if ttl, ok := strings.CutPrefix(w, "--event-ttl="); ok {
						return ttl
					}
				}
			}
		}
	}
	return ""
}
