package knowledge

import "strings"

// sidecarPorts are the ports on which well-known sidecars listen for the other containers of their pod, by a
// part of the image's name. Sources: the documents of each: Google's Cloud SQL Auth Proxy (the port of the
// database), Istio (ports used by the sidecar), Linkerd, Dapr, Vault's agent, PgBouncer, OpenTelemetry's
// collector, Datadog's agent, Jaeger's agent, Consul.
var sidecarPorts = []struct {
	image string
	ports []string
}{
	{"cloud-sql-proxy", []string{"3306", "5432", "1433"}},
	{"cloudsql-proxy", []string{"3306", "5432", "1433"}},
	{"istio/proxy", []string{"15000", "15001", "15020", "15021", "15090"}},
	{"linkerd", []string{"4140", "4191"}},
	{"dapr", []string{"3500", "50001", "9090"}},
	{"vault", []string{"8200"}},
	{"pgbouncer", []string{"6432", "5432"}},
	{"opentelemetry-collector", []string{"4317", "4318"}},
	{"otel", []string{"4317", "4318"}},
	{"datadog", []string{"8125", "8126"}},
	{"jaeger-agent", []string{"5775", "6831", "6832", "5778"}},
	{"consul", []string{"8500", "8501", "8502"}},
}

// SidecarListens tells whether containers of an image are known to listen on a port for their pod.
func SidecarListens(image, port string) bool {
	for _, s := range sidecarPorts {
		if !strings.Contains(image, s.image) {
			continue
		}
		for _, p := range s.ports {
			if p == port {
				return true
			}
		}
	}
	return false
}
