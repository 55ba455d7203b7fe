package network

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// GatewayClassUnused finds classes of which there is no Gateway.
var GatewayClassUnused = rule.Check{
	ID: "gatewayclass-unused", Title: "GatewayClass without a Gateway", Doc: rule.ReadDoc(docs, "gatewayclass_unused.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, On: rule.Kinds(snapshot.GatewayClassKind), Needs: []schema.GroupKind{snapshot.GatewayKind},
	Applies: func(p *rule.Pass) bool {
		controller := word(specOf(p.Object), "controllerName", "")
		return (!p.Files || p.Closed) && !slices.ContainsFunc(ownClasses, func(prefix string) bool { return strings.HasPrefix(controller, prefix) })
	},
	Run: func(p *rule.Pass) {
		for _, o := range p.List(snapshot.GatewayKind, "") {
			if word(specOf(o), "gatewayClassName", "") == p.Object.Name {
				return
			}
		}
		p.Report(rule.Finding{
			Field: field.NewPath("metadata", "name"), Value: p.Object.Name, Certainty: certaintyHere(p), Label: "no Gateway is of this class",
			Message: fmt.Sprintf("no Gateway is of class %s, for which %s runs", p.Object.Name, word(specOf(p.Object), "controllerName", "a controller")),
		}).WithFix(rule.Fix{
			Title: "remove the class, and the controller if it serves nothing else", Applicability: rule.NeedsThought,
			Caution: "a controller may make the class itself, and make it again",
		})
	},
	Peers: map[string][]string{"popeye": {"POP-400"}},
}

// ownClasses are controllers that make their classes themselves, whether somebody uses them or not. Source: the
// documents of Istio and of Google's GKE.
var ownClasses = []string{"istio.io/", "networking.gke.io/"}
