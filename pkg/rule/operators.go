package rule

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// podless are groups whose kinds make no pods.
var podless = []string{
	"gateway.networking.k8s.io", "cert-manager.io", "external-secrets.io", "bitnami.com", "kyverno.io", "cilium.io", "projectcalico.org",
	"crd.projectcalico.org", "policy.networking.k8s.io", "keda.sh", "autoscaling.k8s.io", "traefik.io", "traefik.containo.us", "networking.istio.io",
	"security.istio.io", "telemetry.istio.io", "route.openshift.io", "networking.gke.io", "cloud.google.com", "elbv2.k8s.aws", "linkerd.io",
	"policy.linkerd.io", "configuration.konghq.com", "secrets-store.csi.x-k8s.io", "snapshot.storage.k8s.io", "externaldns.k8s.io", "metallb.io",
	"velero.io",
}

// podlessKinds are such kinds of groups that have others too.
var podlessKinds = []string{"ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe", "ScrapeConfig", "AlertmanagerConfig"}

type makersKey struct{}

// MadeByOperator tells whether the pods that a selector looks for may be those of a custom resource in the same
// namespace, for which an operator makes them: their labels then hold its name or kind. Only manifests leave that open;
// a cluster shows the pods.
func (p *Pass) MadeByOperator(namespace string, ls *metav1.LabelSelector) bool {
	if !p.Files || p.Closed || ls == nil {
		return false
	}
	words := snapshot.Derived(p.Snapshot, makersKey{}, func() map[string]map[string]bool { return makersOf(p.Snapshot) })[namespace]
	if len(words) == 0 {
		return false
	}
	for _, v := range ls.MatchLabels {
		if words[strings.ToLower(v)] {
			return true
		}
	}
	for _, e := range ls.MatchExpressions {
		if slices.ContainsFunc(e.Values, func(v string) bool { return words[strings.ToLower(v)] }) {
			return true
		}
	}
	return false
}

// makersOf are the names and kinds of the custom resources of each namespace that may make pods.
func makersOf(s *snapshot.Snapshot) map[string]map[string]bool {
	words := map[string]map[string]bool{}
	for _, o := range s.All() {
		if o.Content == nil || len(o.Templates) > 0 || o.Namespace == "" || slices.Contains(podless, o.Group()) || slices.Contains(podlessKinds, o.Kind) {
			continue
		}
		if words[o.Namespace] == nil {
			words[o.Namespace] = map[string]bool{}
		}
		words[o.Namespace][strings.ToLower(o.Name)] = true
		words[o.Namespace][strings.ToLower(o.Kind)] = true
	}
	return words
}
