package observability

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AlertsMissing finds clusters that tell nobody when something breaks.
var AlertsMissing = rule.Check{
	ID: "alerts-missing", Title: "nobody is told when something breaks", Doc: rule.ReadDoc(docs, "alerts_missing.md"),
	Dimension: rule.Observability, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{
		snapshot.PodKind, snapshot.PrometheusRuleKind, snapshot.PrometheusKind, snapshot.ThanosRulerKind, snapshot.AlertmanagerKind, snapshot.AlertmanagerConfigKind,
		snapshot.VMRuleKind, snapshot.VMAlertKind, snapshot.VMAlertmanagerKind, snapshot.VMAlertmanagerConfigKind,
		snapshot.GoogleRulesKind, snapshot.GoogleClusterRulesKind, snapshot.GoogleGlobalRulesKind, snapshot.GrafanaAlertGroupKind, snapshot.DatadogMonitorKind,
	},
	Applies: wholeCluster,
	Run: func(p *rule.Pass) {
		a := alertingOf(p)
		if a.told {
			return
		}
		if a.maybe != "" {
			p.Unknown("%s", a.maybe)
			return
		}
		if by := running(p, mayAlert(p)); by != nil {
			p.Unknown("alerts may be kept where %s of %s has its data: the API does not say", by.container, by.of)
			return
		}
		f := rule.Finding{NoField: nowhere, Certainty: rule.Likely, Message: "no rule makes an alert: what breaks is told by users"}
		fix := rule.Fix{Title: "begin with the few alerts that users would notice, and have them reach somebody", Applicability: rule.NeedsThought, Caution: "alerts on which nobody acts hide those that matter"}
		switch {
		case a.unsent != "":
			f.Message = a.unsent
			fix.Title = "let alerts reach somebody"
		case a.unpicked > 0:
			f.Message = fmt.Sprintf("%s with alerts, and nothing evaluates one of them: %s", rule.Count(a.unpicked, "object"), a.asked)
			fix.Title = "give them the labels that the ruleSelector asks for, or widen it"
		}
		p.Report(f).WithFix(fix)
	},
}

// alerting is whether anybody is told.
type alerting struct {
	told     bool
	maybe    string // why nobody can say
	unsent   string // why alerts reach nobody
	unpicked int    // objects with alerts that nobody evaluates
	asked    string // what is asked for instead
}

// alertingOf follows rules from what evaluates them to who receives what they say.
func alertingOf(p *rule.Pass) alerting {
	var a alerting
	// What Google evaluates, Grafana and Datadog take from objects goes out by what they themselves are set to.
	for _, gk := range []schema.GroupKind{snapshot.GoogleRulesKind, snapshot.GoogleClusterRulesKind, snapshot.GoogleGlobalRulesKind} {
		a.told = a.told || slices.ContainsFunc(p.List(gk, ""), func(o *snapshot.Object) bool { return len(alertsIn(o)) > 0 })
	}
	a.told = a.told || len(p.List(snapshot.DatadogMonitorKind, "")) > 0 || slices.ContainsFunc(p.List(snapshot.GrafanaAlertGroupKind, ""), func(o *snapshot.Object) bool {
		rules, _ := o.At("spec", "rules")
		list, _ := rules.([]any)
		return len(list) > 0
	})
	sent := map[snapshot.Ref]string{} // why what a program evaluates reaches nobody, once for each
	for _, gk := range []schema.GroupKind{snapshot.PrometheusRuleKind, snapshot.VMRuleKind} {
		for _, o := range p.List(gk, "") {
			if a.told || len(alertsIn(o)) == 0 {
				continue
			}
			by, how, programs := p.PickedBy(o)
			switch {
			case programs == 0 && (p.Files || evaluated(p)): // something else takes it, and sends what it says
				a.told = true
			case programs == 0:
				a.maybe = fmt.Sprintf("%s is there, and what would evaluate it is not seen", o)
			case how == rule.NotPicked:
				a.unpicked++
				if a.asked == "" {
					a.asked = p.AskedFor(o)
				}
			case how == rule.MaybePicked:
				a.maybe = fmt.Sprintf("whether a Prometheus takes %s: the labels of namespaces were not read", o)
			default:
				for _, program := range by {
					why, known := sent[program.Key()]
					if !known {
						why = unsent(p, program)
						sent[program.Key()] = why
					}
					a.told = a.told || why == ""
					if a.unsent == "" {
						a.unsent = why
					}
				}
			}
		}
	}
	return a
}

// evaluated tells whether a program runs that may take rules from objects without an operator, or hand them on to a ruler.
func evaluated(p *rule.Pass) bool {
	return running(p, func(name string) bool {
		return alloy(name) || name == "prometheus" || name == "mimir" || name == "cortex" || name == "thanos" || name == "vmalert" || name == "rule-evaluator"
	}) != nil
}

// unsent is why the alerts of a program reach nobody; "" where they reach somebody, or where that cannot be seen.
func unsent(p *rule.Pass, program *snapshot.Object) string {
	spec, _ := program.Content["spec"].(map[string]any)
	to := fmt.Sprintf("%s makes alerts, and is told of no Alertmanager to send them to", program)
	switch program.GroupKind() {
	case snapshot.PrometheusKind:
		alerting, _ := spec["alerting"].(map[string]any)
		list, _ := alerting["alertmanagers"].([]any)
		if spec["additionalAlertManagerConfigs"] != nil {
			return ""
		}
		if len(list) == 0 {
			return to
		}
	case snapshot.ThanosRulerKind:
		urls, _ := spec["alertmanagersUrl"].([]any)
		switch {
		case spec["alertmanagersConfig"] != nil:
			return ""
		case len(urls) == 0:
			return to
		}
	case snapshot.VMAlertKind:
		extra, _ := spec["extraArgs"].(map[string]any)
		if extra["notifier.blackhole"] == "true" {
			return to
		}
		return ""
	}
	managers := p.List(snapshot.AlertmanagerKind, "")
	if len(managers) == 0 {
		if running(p, func(name string) bool { return strings.Contains(name, "alertmanager") }) == nil {
			return fmt.Sprintf("%s makes alerts, and no Alertmanager runs that would tell anybody", program)
		}
		return "" // its configuration is not read
	}
	for _, m := range managers {
		if receives(p, m) {
			return ""
		}
	}
	return fmt.Sprintf("%s makes alerts, and %s has no receiver that would tell anybody", program, managers[0])
}

// receives tells whether an Alertmanager has somebody to tell, as far as that can be seen: what a Secret says is not.
func receives(p *rule.Pass, manager *snapshot.Object) bool {
	if global := snapshot.TextIn(manager.Content, "spec", "alertmanagerConfiguration", "name"); global != "" {
		o, out := p.Lookup(snapshot.AlertmanagerConfigKind, manager.Namespace, global)
		if o == nil && out.State == snapshot.Blind || o != nil && tells(o) {
			return true
		}
	} else {
		// Without a Secret the operator has all alerts go to a receiver that does nothing.
		// Source: prometheus-operator, pkg/alertmanager.
		secret := snapshot.TextIn(manager.Content, "spec", "configSecret")
		if secret == "" {
			secret = "alertmanager-" + manager.Name
		}
		if o, out := p.Lookup(snapshot.SecretKind, manager.Namespace, secret); o != nil || out.State != snapshot.Absent {
			return true
		}
	}
	return slices.ContainsFunc(p.List(snapshot.AlertmanagerConfigKind, ""), func(o *snapshot.Object) bool {
		if !tells(o) {
			return false
		}
		by, how, _ := p.PickedBy(o)
		return how != rule.NotPicked && slices.Contains(by, manager)
	})
}

// tells tells whether an AlertmanagerConfig routes alerts to a receiver that does something.
func tells(o *snapshot.Object) bool {
	spec, _ := o.Content["spec"].(map[string]any)
	used := map[string]bool{}
	routes(spec["route"], used, 0)
	list, _ := spec["receivers"].([]any)
	return slices.ContainsFunc(list, func(item any) bool {
		receiver, _ := item.(map[string]any)
		if !used[snapshot.TextIn(receiver, "name")] {
			return false
		}
		for key, v := range receiver {
			if to, ok := v.([]any); ok && len(to) > 0 && strings.HasSuffix(key, "Configs") {
				return true
			}
		}
		return false
	})
}

// routes collects the receivers that a tree of routes names.
func routes(v any, used map[string]bool, depth int) {
	const deepest = 10
	route, _ := v.(map[string]any)
	if route == nil || depth > deepest {
		return
	}
	used[snapshot.TextIn(route, "receiver")] = true
	list, _ := route["routes"].([]any)
	for _, r := range list {
		routes(r, used, depth+1)
	}
}

// mayAlert tells the programs that have alerts where nobody can read them: in files, in a database, at a provider. A Prometheus
// that the operator runs has those of its objects.
func mayAlert(p *rule.Pass) func(name string) bool {
	byOperator := len(p.List(snapshot.PrometheusKind, "")) > 0
	return func(name string) bool {
		switch name {
		case "prometheus":
			return !byOperator
		case "grafana", "grafana-enterprise", "datadog-agent", "datadog-cluster-agent", "oneagent", "dynatrace-oneagent", "dynatrace-activegate", "activegate", "newrelic-infrastructure", "nri-kubernetes",
			"netdata", "zabbix-agent", "zabbix-agent2", "instana-agent", "cloudwatch-agent", "prometheus-collector", "ama-logs", "gke-metrics-agent", "vmalert", "mimir", "cortex", "thanos", "telegraf",
			"elastic-agent", "metricbeat", "coroot", "robusta-runner", "kubewatch", "botkube":
			return true
		}
		return collector(name)
	}
}
