package knowledge

import "strings"

// history are images, by the last part of their names, that keep over time how much is used, or send it to where that is
// done. Where the name alone says too little, in is a part of the repository. Source: the images of each project.
var history = []struct{ name, in string }{
	{"prometheus", ""}, {"prometheus-rhel9", ""}, {"mirrored-prometheus-prometheus", ""}, {"thanos", ""}, {"mimir", ""}, {"cortex", ""},
	{"victoria-metrics", ""}, {"vmagent", ""}, {"vmstorage", ""},
	{"agent", "datadog"}, {"agent", "grafana"}, {"agent", "instana"}, {"agent", "sysdig"}, {"agent-slim", "sysdig"}, {"grafana-agent", ""},
	{"nri-kubernetes", ""}, {"infrastructure-bundle", "newrelic"}, {"oneagent", ""}, {"dynatrace-activegate", ""}, {"cloudwatch-agent", ""},
	{"gke-metrics-agent", ""}, {"prometheus-collector", ""}, {"ciprod", "azuremonitor"}, {"signalfx-agent", ""},
	{"metricbeat", ""}, {"netdata", ""}, {"coroot", ""}, {"zabbix-agent2", ""},
}

// mayBeHistory are images that can do that and much else: their settings decide.
var mayBeHistory = []string{
	"alloy", "opentelemetry-collector", "opentelemetry-collector-contrib", "opentelemetry-collector-k8s", "aws-otel-collector", "splunk-otel-collector", "elastic-agent", "telegraf", "vector",
}

// HistoryImages are the images that may keep over time how much is used, by the last part of their names.
func HistoryImages() []string {
	var names []string
	for _, h := range history {
		names = append(names, h.name)
	}
	return append(names, mayBeHistory...)
}

// KeepsHistory tells whether an image keeps over time how much is used; known is false where its settings decide.
func KeepsHistory(repository string) (keeps, known bool) {
	name := repository[strings.LastIndexByte(repository, '/')+1:]
	for _, h := range history {
		if h.name == name && strings.Contains(repository, h.in) {
			return true, true
		}
	}
	for _, m := range mayBeHistory {
		if m == name {
			return false, false
		}
	}
	return false, true
}
