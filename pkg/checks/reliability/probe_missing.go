package reliability

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// probeFix adds a probe whose question only the owner of the application knows.
func probeFix(p *rule.Pass, c app, name, title, caution, path string) rule.Fix {
	if !p.Mends() {
		return rule.Fix{}
	}
	probe := map[string]any{"exec": map[string]any{"command": []any{"<COMMAND>"}}}
	text := name + ":\n  exec:\n    command: [<COMMAND>]\n"
	if at := httpPort(c); at != nil {
		probe = map[string]any{"httpGet": map[string]any{"path": path, "port": at}}
		text = fmt.Sprintf("%s:\n  httpGet:\n    path: %s\n    port: %v\n", name, path, at)
	}
	patch := p.Put(c.Path.Child(name), probe)
	return rule.Fix{Title: title, Caution: caution, Applicability: rule.Placeholders, Patch: patch, Command: p.Live(patch), YAML: text}
}

// overHTTP are the databases whose clients speak HTTP.
var overHTTP = []string{"Elasticsearch", "OpenSearch", "InfluxDB", "CouchDB", "MinIO"}

// httpPort is the port that a container may be asked at over HTTP: the one that its other probe asks, or else one that
// is called so, or else its first. It is nil where there is none, and of most databases, which speak something else.
func httpPort(c app) any {
	for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Scheme == corev1.URISchemeHTTPS {
			continue
		}
		if at := probe.HTTPGet.Port; at.Type == intstr.String {
			return at.StrVal
		}
		return int64(probe.HTTPGet.Port.IntVal)
	}
	if db := knowledge.DatabaseOf(c.Image, c.Command, c.Args); db != nil && !slices.Contains(overHTTP, db.Name) {
		return nil
	}
	var found any
	for _, port := range c.Ports {
		if port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
			continue
		}
		var at any = int64(port.ContainerPort)
		if port.Name != "" {
			at = port.Name
		}
		if strings.HasPrefix(port.Name, "http") {
			return at
		}
		if found == nil {
			found = at
		}
	}
	return found
}
