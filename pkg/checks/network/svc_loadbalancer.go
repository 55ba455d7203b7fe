package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcLoadBalancer finds load balancers to which everybody may connect.
var SvcLoadBalancer = rule.Check{
	ID: "svc-loadbalancer", Title: "load balancer that is open to everyone", Doc: rule.ReadDoc(docs, "svc_loadbalancer.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Kinds(snapshot.ServiceKind),
	Applies: func(p *rule.Pass) bool {
		svc, ok := p.Object.Typed.(*corev1.Service)
		return ok && svc.Spec.Type == corev1.ServiceTypeLoadBalancer
	},
	Run: func(p *rule.Pass) {
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok || internal(svc) != "" || limited(svc) {
			return
		}
		ports, web, guard, at := opened(svc)
		path := field.NewPath("spec", "loadBalancerSourceRanges")
		f := rule.Finding{
			Field: path, Label: "no range of addresses, so all may connect", Certainty: rule.Likely,
			Message: fmt.Sprintf("everyone who reaches the load balancer may connect to %s: it is neither internal nor limited by loadBalancerSourceRanges", numbered(ports)),
		}
		if len(svc.Spec.LoadBalancerSourceRanges) > 0 {
			f.Label, f.Value = "every address", some(svc.Spec.LoadBalancerSourceRanges)
			f.Message = fmt.Sprintf("everyone who reaches the load balancer may connect to %s: loadBalancerSourceRanges lets in every address", numbered(ports))
		}
		switch {
		case guard != "":
			f.Severity = rule.Medium
			f.Message += fmt.Sprintf("; %d is the port of %s", svc.Spec.Ports[at].Port, guard)
		case web:
			f.Severity = rule.Info
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "name the ranges that may connect, or make the load balancer an internal one", Applicability: rule.Placeholders,
			Caution: "clients outside of the ranges are cut off; some load balancers ignore the field, then a firewall must do it",
			Patch:   p.Put(path, []any{"<CIDR>"}), YAML: rule.Nest("[<CIDR>]", "spec", "loadBalancerSourceRanges"),
		})
	},
	Peers: map[string][]string{
		"popeye": {"POP-1103"}, "kube-linter": {"exposed-services"}, "kubescape": {"exposure-to-internet", "exposure-to-internet-via-gateway-api"},
	},
}

// numbered words ports: "port 80", "ports 80, 443".
func numbered(ports []string) string {
	if len(ports) == 1 {
		return "port " + ports[0]
	}
	return "ports " + some(ports)
}
