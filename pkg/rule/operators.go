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
// namespace, for which an operator makes them: their labels then hold its name or kind. Manifests leave that
// open, however many there are; a cluster shows the pods.
func (p *Pass) MadeByOperator(namespace string, ls *metav1.LabelSelector) bool {
	if !p.Files || ls == nil {
		return false
	}
	words := snapshot.Derived(p.Snapshot, makersKey{}, func() map[string]map[string]bool { return makersOf(p.Snapshot) })[namespace]
	if len(words) == 0 {
		return false
	}
	is := func(v string) bool {
		_, ok := words[strings.ToLower(v)]
		return ok
	}
	for _, v := range ls.MatchLabels {
		if is(v) {
			return true
		}
	}
	return slices.ContainsFunc(ls.MatchExpressions, func(e metav1.LabelSelectorRequirement) bool { return slices.ContainsFunc(e.Values, is) })
}

// namedByOperator tells whether an object that manifests do not hold may be one that an operator makes for a custom
// resource in its namespace: their names start with its name.
func (p *Pass) namedByOperator(ref snapshot.Ref) bool {
	if !p.Files || ref.Namespace == "" {
		return false
	}
	words := snapshot.Derived(p.Snapshot, makersKey{}, func() map[string]map[string]bool { return makersOf(p.Snapshot) })[ref.Namespace]
	for word, name := range words {
		if name && (ref.Name == word || strings.HasPrefix(ref.Name, word+"-")) {
			return true
		}
	}
	return false
}

// makersOf are the names (true) and kinds (false) of the custom resources of each namespace that may make pods.
func makersOf(s *snapshot.Snapshot) map[string]map[string]bool {
	words := map[string]map[string]bool{}
	for _, o := range s.All() {
		if o.Content == nil || len(o.Templates) > 0 || o.Namespace == "" || slices.Contains(podless, o.Group()) || slices.Contains(podlessKinds, o.Kind) {
			continue
		}
		if words[o.Namespace] == nil {
			words[o.Namespace] = map[string]bool{}
		}
		if kind := strings.ToLower(o.Kind); !words[o.Namespace][kind] {
			words[o.Namespace][kind] = false
		}
		words[o.Namespace][strings.ToLower(o.Name)] = true
	}
	return words
}
