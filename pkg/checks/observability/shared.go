package observability

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// annotation is the path of an annotation of a template's pods.
func annotation(t snapshot.Template, key string) *field.Path {
	if t.Path == nil {
		return field.NewPath("metadata", "annotations").Key(key)
	}
	return t.Path.Child("metadata", "annotations").Key(key)
}

// port is one on which a container says that it listens.
type port struct {
	name   string
	number int
}

// ports are those of the containers that run as long as the pod does.
func ports(t snapshot.Template) []port {
	var list []port
	for _, c := range t.Containers() {
		if c.Init {
			continue
		}
		for _, p := range c.Ports {
			if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP {
				list = append(list, port{p.Name, int(p.ContainerPort)})
			}
		}
	}
	return list
}

// metricsNames are what people call the port of metrics. Source: the manifests of Prometheus' own exporters and operators.
var metricsNames = map[string]bool{"metrics": true, "http-metrics": true, "https-metrics": true, "prometheus": true, "prom": true, "http-prom": true, "tcp-metrics": true, "web-metrics": true, "http-monitoring": true}

// metricsPort is the port that says by its name that it has metrics.
func metricsPort(list []port) (port, bool) {
	for _, p := range list {
		if metricsNames[p.name] {
			return p, true
		}
	}
	return port{}, false
}
