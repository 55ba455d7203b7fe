package reliability

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// probeFix adds a probe whose question only the owner of the application knows.
func probeFix(p *rule.Pass, c app, name, title, caution, path string) rule.Fix {
	if !p.Mends() {
		return rule.Fix{}
	}
	probe := map[string]any{"exec": map[string]any{"command": []any{"<COMMAND>"}}}
	text := name + ":\n  exec:\n    command: [<COMMAND>]\n"
	for _, port := range c.Ports {
		if port.Protocol == "" || port.Protocol == corev1.ProtocolTCP {
			var at any = int64(port.ContainerPort)
			if port.Name != "" {
				at = port.Name
			}
			probe = map[string]any{"httpGet": map[string]any{"path": path, "port": at}}
			text = fmt.Sprintf("%s:\n  httpGet:\n    path: %s\n    port: %v\n", name, path, at)
			break
		}
	}
	patch := p.Put(c.Path.Child(name), probe)
	return rule.Fix{Title: title, Caution: caution, Applicability: rule.Placeholders, Patch: patch, Command: p.Live(patch), YAML: text}
}
