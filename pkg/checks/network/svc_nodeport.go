package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcNodePort finds Services that open a port on every node.
var SvcNodePort = rule.Check{
	ID: "svc-nodeport", Title: "Service opens a port on every node", Doc: rule.ReadDoc(docs, "svc_nodeport.md"),
	Dimension: rule.Security, Severity: rule.Info, On: rule.Kinds(snapshot.ServiceKind),
	Applies: func(p *rule.Pass) bool {
		svc, ok := p.Object.Typed.(*corev1.Service)
		return ok && svc.Spec.Type != corev1.ServiceTypeExternalName
	},
	Run: func(p *rule.Pass) {
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok || svc.Spec.Type != corev1.ServiceTypeNodePort {
			return
		}
		var open []string
		guard := ""
		for _, sp := range svc.Spec.Ports {
			text := "a port for " + portWords(sp)
			if sp.NodePort != 0 {
				text = fmt.Sprintf("%d for %s", sp.NodePort, portWords(sp))
			}
			open = append(open, text)
			if name := guarded[sp.Port]; name != "" && guard == "" {
				guard = fmt.Sprintf("; %d is the port of %s", sp.Port, name)
			}
		}
		path := field.NewPath("spec", "type")
		f := rule.Finding{
			Field: path, Value: "NodePort", Label: "opens a port on all nodes",
			Message: fmt.Sprintf("type NodePort opens %s on every node, for everyone who reaches one%s", some(open), guard),
		}
		if guard != "" {
			f.Severity = rule.Low
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "use ClusterIP, and an Ingress or Gateway for who comes from outside", Applicability: rule.NeedsThought,
			Caution: "whoever connects to the nodes' ports now, a load balancer for example, is cut off; nodePort must go from the ports first", YAML: rule.Nest("ClusterIP", "spec", "type"),
		})
	},
	Peers: map[string][]string{"popeye": {"POP-1104"}, "kube-score": {"service-type"}, "kube-linter": {"exposed-services"}},
}
