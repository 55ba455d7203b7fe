package network

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// DNSNdots finds pods that leave the number of dots to the default.
var DNSNdots = rule.Check{
	ID: "dns-ndots", Title: "looks up outside names several times", Doc: rule.ReadDoc(docs, "dns_ndots.md"),
	Dimension: rule.Efficiency, Severity: rule.Info, Off: true, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || !clusterDNS(t.Spec) || setsNdots(t.Spec) {
				continue
			}
			path := t.SpecPath().Child("dnsConfig", "options")
			option := map[string]any{"name": "ndots", "value": "2"}
			fix := rule.Fix{
				Title: "set ndots to 2", Applicability: rule.NeedsThought, YAML: rule.Nest("\n    - name: ndots\n      value: \"2\"", "dnsConfig", "options"),
				Caution: "names with two dots or more, such as web.shop.svc, are then asked for as they stand first; some resolvers give up after that",
			}
			if t.Spec.DNSConfig == nil || len(t.Spec.DNSConfig.Options) == 0 {
				fix.Patch = p.Put(path, []any{option})
				fix.Command = p.Live(fix.Patch)
			}
			p.Report(rule.Finding{
				Field: path, Label: "no ndots, so 5",
				Message: "ndots is not set, and 5 by default: a name with fewer dots is first tried with each domain of the cluster",
			}).WithFix(fix)
		}
	},
	Peers: map[string][]string{"kube-linter": {"dnsconfig-options"}},
}

// clusterDNS tells whether the pods ask the cluster's name server.
func clusterDNS(spec *corev1.PodSpec) bool {
	switch spec.DNSPolicy {
	case corev1.DNSClusterFirstWithHostNet:
		return true
	case corev1.DNSClusterFirst, "":
		return !spec.HostNetwork
	}
	return false
}

func setsNdots(spec *corev1.PodSpec) bool {
	if spec.DNSConfig != nil {
		for _, o := range spec.DNSConfig.Options {
			if o.Name == "ndots" {
				return true
			}
		}
	}
	return false
}
