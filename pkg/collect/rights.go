package collect

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ReadKinds are the kinds that commands read of a cluster whatever the rules name: the overview, what hangs together with
// it, and what carries traffic to it.
func ReadKinds() []schema.GroupKind {
	return slices.Concat(overviewKinds, checkKinds, chainKinds, gatewayKinds)
}

// Own tells whether a kind is Kubernetes' own, so that every cluster serves it.
func Own(gk schema.GroupKind) bool {
	_, own := versionOf(gk)
	return own
}

// Resource is what a role calls the kind: its plural, or "*" where whoever uses the group makes up its kinds.
func Resource(gk schema.GroupKind) schema.GroupResource {
	plural := resourceOf(gk.WithVersion("v1")).Resource
	kind := strings.ToLower(gk.Kind)
	switch {
	case gk.Group == snapshot.ConstraintGroup:
		plural = "*"
	case slices.Contains(theirOwnPlural, gk.Kind), gk.Group == "mutations.gatekeeper.sh", gk.Group == "chaos-mesh.org" && strings.HasSuffix(kind, "chaos"):
		plural = kind
	case strings.HasSuffix(kind, "x"), strings.HasSuffix(kind, "ch"), strings.HasSuffix(kind, "sh"):
		plural = kind + "es"
	}
	return schema.GroupResource{Group: gk.Group, Resource: plural}
}

// theirOwnPlural are kinds whose name is one already, as are those of Gatekeeper's mutations and the faults of Chaos Mesh.
// Source: the CRDs of these, of OpenShift and of Google's managed Prometheus.
var theirOwnPlural = []string{"SecurityContextConstraints", "Rules", "ClusterRules", "GlobalRules"}
