package network

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcTrafficPolicy finds Services that hide who calls, or whose traffic some nodes drop.
var SvcTrafficPolicy = rule.Check{
	ID: "svc-traffic-policy", Title: "Service hides its clients, or nodes drop its traffic", Doc: rule.ReadDoc(docs, "svc_traffic_policy.md"),
	Dimension: rule.Reliability, Severity: rule.Info, On: rule.Kinds(snapshot.ServiceKind),
	Applies: func(p *rule.Pass) bool {
		svc, ok := p.Object.Typed.(*corev1.Service)
		return ok && !system(p.Object.Namespace) && (external(svc) || svc.Spec.InternalTrafficPolicy != nil)
	},
	Run: func(p *rule.Pass) {
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok {
			return
		}
		local := corev1.ServiceExternalTrafficPolicyLocal
		switch {
		case svc.Spec.Type == corev1.ServiceTypeLoadBalancer && svc.Spec.ExternalTrafficPolicy != local && !keepsAddress(svc):
			reportHidden(p, svc)
		case svc.Spec.Type == corev1.ServiceTypeNodePort && svc.Spec.ExternalTrafficPolicy == local:
			judgeLocal(p, svc, "externalTrafficPolicy", rule.Low, "clients that connect to a node without a pod of it get no answer")
		}
		if i := svc.Spec.InternalTrafficPolicy; i != nil && *i == corev1.ServiceInternalTrafficPolicyLocal && svc.Spec.ClusterIP != corev1.ClusterIPNone {
			judgeLocal(p, svc, "internalTrafficPolicy", rule.Medium, "callers on a node without a pod of it get no answer")
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1107", "POP-1108"}},
}

// external tells whether a Service opens a port of the nodes.
func external(svc *corev1.Service) bool {
	return svc.Spec.Type == corev1.ServiceTypeLoadBalancer || svc.Spec.Type == corev1.ServiceTypeNodePort
}

func reportHidden(p *rule.Pass, svc *corev1.Service) {
	path := field.NewPath("spec", "externalTrafficPolicy")
	is := "externalTrafficPolicy Cluster"
	if svc.Spec.ExternalTrafficPolicy == "" {
		is = "externalTrafficPolicy is not set, and Cluster by default"
	}
	patch := p.Put(path, string(corev1.ServiceExternalTrafficPolicyLocal))
	p.Report(rule.Finding{
		Field: path, Value: string(svc.Spec.ExternalTrafficPolicy), Label: "any node passes it on, under its own address",
		Message: is + ": the pods see the address of a node instead of the client's",
	}).WithFix(rule.Fix{
		Title: "where the pods must know their clients, send traffic only to nodes that run one", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		YAML:    rule.Nest("Local", "spec", "externalTrafficPolicy"),
		Caution: "load is then shared per node, not per pod, and a node that loses its last pod drops connections until the load balancer has noticed",
	})
}

// keepsAddress tells whether the load balancer tells the pods the client's address by other means: the PROXY
// protocol, or by sending straight to the pods. Source: the annotations of the clouds' controllers.
func keepsAddress(svc *corev1.Service) bool {
	for k, v := range svc.Annotations {
		proxy := strings.Contains(k, "proxy-protocol") || strings.Contains(k, "proxyprotocol")
		if proxy && v != "" && v != "false" || strings.HasSuffix(k, "aws-load-balancer-nlb-target-type") && v == "ip" {
			return true
		}
	}
	return false
}

// judgeLocal looks whether what a Service selects runs on every node, as far as manifests tell. On a cluster the
// pods and nodes themselves are looked at, by a cause.
func judgeLocal(p *rule.Pass, svc *corev1.Service, name string, severity rule.Severity, then string) {
	if !p.Files || len(svc.Spec.Selector) == 0 {
		return
	}
	found := selected(p, p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector))
	if len(found) == 0 {
		return
	}
	for _, s := range found {
		if s.Object.GroupKind() == snapshot.DaemonSetKind || s.Object.Typed == nil {
			return
		}
	}
	path := field.NewPath("spec", name)
	patch := p.Put(path, "Cluster")
	p.Report(rule.Finding{
		Field: path, Value: "Local", Severity: severity, Certainty: rule.Likely, Label: "a node passes on only to pods of its own",
		Message: fmt.Sprintf("%s Local, and %s does not run on every node: %s", name, holders(found), then),
	}).WithFix(rule.Fix{
		Title: "have every node pass it on", Applicability: rule.NeedsThought, Patch: patch, YAML: rule.Nest("Cluster", "spec", name),
		Caution: "traffic may then cross to another node, and from outside it comes with a node's address; or run a DaemonSet",
	})
}
