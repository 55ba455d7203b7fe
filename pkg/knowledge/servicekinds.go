package knowledge

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// metricsWords are what ports call themselves by which only metrics are read.
var metricsWords = []string{"metrics", "prometheus", "telemetry", "monitoring", "servicemonitor"}

// MetricsService tells whether a Service is there for metrics alone: who reads them asks each pod for itself, asks
// again soon, and misses a few points when one is gone. Source: the charts of cert-manager, kube-state-metrics,
// node-exporter and others that come with a Service for their metrics.
func MetricsService(name string, ports []corev1.ServicePort) bool {
	if len(ports) == 0 {
		return false
	}
	for _, end := range []string{"-metrics", "-exporter", "-monitoring"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	for i := range ports {
		if !says(ports[i].Name, metricsWords) {
			return false
		}
	}
	return true
}

// says tells whether one of the words of a name is among those given.
func says(name string, among []string) bool {
	for word := range strings.SplitSeq(name, "-") {
		for _, w := range among {
			if word == w {
				return true
			}
		}
	}
	return false
}

// runtimeLabels are labels that programs put on their own pods as they run, by the end of their keys, to tell which of
// them leads. Source: Vault's and OpenBao's service registration, Patroni's kubernetes.role_label, the operators of
// Zalando, Crunchy, CloudNativePG and Redis.
var runtimeLabels = map[string]bool{
	"vault-active": true, "vault-sealed": true, "vault-initialized": true, "vault-perf-standby": true, "vault-version": true,
	"openbao-active": true, "openbao-sealed": true, "openbao-initialized": true, "openbao-perf-standby": true,
	"role": true, "spilo-role": true, "instanceRole": true, "redis-role": true, "redisfailovers-role": true,
	"leader": true, "is-leader": true, "active": true, "primary": true, "master": true,
}

// RuntimeLabel tells whether a label is one that programs put on their own pods as they run, so that no template has it.
func RuntimeLabel(key string) bool { return runtimeLabels[key[strings.LastIndexByte(key, '/')+1:]] }

// InjectedImage tells the image of a container that a webhook replaces, with all that is not written of it: probes,
// resources and ports. Source: Istio's gateway injection.
func InjectedImage(image string) bool { return image == "auto" }
