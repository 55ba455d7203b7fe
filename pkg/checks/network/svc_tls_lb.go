package network

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcTLSLB finds load balancers that speak HTTP with the world and nothing else.
var SvcTLSLB = rule.Check{
	ID: "svc-tls-lb", Title: "load balancer with HTTP and no HTTPS", Doc: rule.ReadDoc(docs, "svc_tls_lb.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Kinds(snapshot.ServiceKind),
	Applies: func(p *rule.Pass) bool {
		svc, ok := p.Object.Typed.(*corev1.Service)
		return ok && svc.Spec.Type == corev1.ServiceTypeLoadBalancer
	},
	Run: func(p *rule.Pass) {
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok || internal(svc) != "" || terminates(svc) {
			return
		}
		plain := -1
		for i, sp := range svc.Spec.Ports {
			if secure(sp) {
				return
			}
			if plain < 0 && overHTTP(sp) {
				plain = i
			}
		}
		if plain < 0 {
			return
		}
		p.Report(rule.Finding{
			Field: field.NewPath("spec", "ports").Index(plain).Child("port"), Value: fmt.Sprint(svc.Spec.Ports[plain].Port), Certainty: rule.Likely, Label: "HTTP, and no port for HTTPS",
			Message: fmt.Sprintf("port %d is HTTP, and no port of the load balancer is for HTTPS: who is on the way reads passwords and cookies along", svc.Spec.Ports[plain].Port),
		}).WithFix(rule.Fix{
			Title: "put an Ingress or Gateway with a certificate in front, or have the load balancer or the pods speak TLS", Applicability: rule.NeedsThought,
			Caution: "what stands before the load balancer, a CDN for example, may do it already",
		})
	},
	Peers: map[string][]string{"kubescape": {"ensure-https-loadbalancers-encrypted-with-tls-aws", "encrypt-traffic-to-https-load-balancers-with-tls-certificates"}},
}

// certificateBy are the annotations that give a load balancer a certificate of its own. Source: the documents of
// the clouds' controllers.
var certificateBy = []string{
	"service.beta.kubernetes.io/aws-load-balancer-ssl-cert", "service.beta.kubernetes.io/do-loadbalancer-certificate-id",
	"service.beta.kubernetes.io/do-loadbalancer-tls-passthrough", "load-balancer.hetzner.cloud/http-certificates",
	"load-balancer.hetzner.cloud/http-managed-certificate-name", "service.beta.kubernetes.io/oci-load-balancer-tls-secret",
	"service.beta.kubernetes.io/oci-load-balancer-ssl-ports", "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-cert-id",
	"service.beta.kubernetes.io/scw-loadbalancer-certificate-ids",
	"service.beta.kubernetes.io/linode-loadbalancer-port-443", "service.beta.kubernetes.io/vultr-loadbalancer-ssl",
	"loadbalancer.openstack.org/default-tls-container-ref",
}

func terminates(svc *corev1.Service) bool {
	for _, k := range certificateBy {
		if svc.Annotations[k] != "" {
			return true
		}
	}
	return false
}

// secure tells whether a port is, or may be, one of TLS.
func secure(sp corev1.ServicePort) bool {
	says := strings.ToLower(sp.Name)
	if sp.AppProtocol != nil {
		says += " " + strings.ToLower(*sp.AppProtocol)
	}
	return sp.Port%1000 == portHTTPS || strings.Contains(says, "https") || strings.Contains(says, "tls") || strings.Contains(says, "ssl") || strings.Contains(says, "wss")
}

// overHTTP tells whether a port is one of HTTP by its number, or by what it says.
func overHTTP(sp corev1.ServicePort) bool {
	if protocolOf(sp.Protocol) != corev1.ProtocolTCP {
		return false
	}
	says := strings.ToLower(sp.Name)
	if sp.AppProtocol != nil && *sp.AppProtocol != "" {
		says = strings.ToLower(*sp.AppProtocol)
	}
	return sp.Port == portHTTP || says == "http" || strings.HasPrefix(says, "http-") || says == "web"
}
