package knowledge

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestMetricsService(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ports []string
		want  bool
	}{
		{"cert-manager", []string{"tcp-prometheus-servicemonitor"}, true},
		{"controller", []string{"http-metrics", "telemetry"}, true},
		{"kube-state-metrics", []string{"https-main"}, true},
		{"node-exporter", []string{"https"}, true},
		{"web", []string{"http", "metrics"}, false},
		{"metrics-server", []string{"https"}, false},
		{"prometheus", []string{"web"}, false},
		{"web", []string{""}, false},
		{"external", nil, false},
	} {
		var ports []corev1.ServicePort
		for _, name := range tt.ports {
			ports = append(ports, corev1.ServicePort{Name: name})
		}
		if got := MetricsService(tt.name, ports); got != tt.want {
			t.Errorf("%s %q: %v", tt.name, tt.ports, got)
		}
	}
}

func TestRuntimeLabel(t *testing.T) {
	for key, want := range map[string]bool{"vault-active": true, "role": true, "cnpg.io/instanceRole": true, "app": false, "app.kubernetes.io/name": false, "roles": false} {
		if got := RuntimeLabel(key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}
