package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// isRoute tells whether an object is a route of the Gateway API.
func isRoute(o *snapshot.Object) bool {
	return o.Group() == snapshot.GatewayKind.Group && strings.HasSuffix(o.Kind, "Route")
}

// gatewayHealth reads what its controller says of a Gateway, and of each of its listeners.
func gatewayHealth(s *snapshot.Snapshot, o *snapshot.Object) Health {
	status, _ := o.Raw()["status"].(map[string]any)
	list := conditionsIn(o, status)
	// The API server fills these in; a controller replaces them.
	waiting := !slices.ContainsFunc(list, func(c condition) bool { return c.Status != "Unknown" })
	switch {
	case o.Meta.GetDeletionTimestamp() != nil:
		return beingDeleted(s, o)
	case waiting && s.Now.Sub(o.Meta.GetCreationTimestamp().Time) < youth:
		return Health{Starting, "no controller has looked at it yet"}
	case waiting:
		return Health{Unhealthy, "no controller has looked at it: does the one of its class run?"}
	}
	h, decided := judge(s, list)
	if !decided || h.State != Healthy {
		return h
	}
	routes := int64(0)
	for _, l := range snapshot.MapsIn(status, "listeners") {
		for _, c := range conditionsIn(o, l) {
			if !c.stale && rule.GatewayRefuses(c.Condition) {
				return Health{Unhealthy, fmt.Sprintf("listener %s: %s", snapshot.TextIn(l, "name"), said(s, c))}
			}
		}
		n, _ := snapshot.WholeIn(l, "attachedRoutes")
		routes += n
	}
	return Health{Healthy, "programmed, " + rule.Count(int(routes), "route")}
}

// routeHealth reads what Gateways say of a route.
func routeHealth(s *snapshot.Snapshot, o *snapshot.Object) Health {
	status, _ := o.Raw()["status"].(map[string]any)
	if o.Meta.GetDeletionTimestamp() != nil {
		return beingDeleted(s, o)
	}
	var by []string
	stale := false
	for _, parent := range snapshot.MapsIn(status, "parents") {
		name := snapshot.TextIn(parent, "parentRef", "name")
		taken := false
		for _, c := range conditionsIn(o, parent) {
			switch {
			case c.stale:
				stale = true
			case rule.GatewayRefuses(c.Condition):
				return Health{Unhealthy, fmt.Sprintf("gateway %s: %s", name, said(s, c))}
			case c.Status == "True" && c.Type == "Accepted":
				taken = true
			}
		}
		if taken {
			by = append(by, name)
		}
	}
	switch {
	case len(by) > 0:
		return Health{Healthy, "served by gateway " + strings.Join(slices.Compact(by), ", ")}
	case stale:
		return Health{Unknown, "what Gateways say is of an older spec: none has looked at the last change"}
	case s.Now.Sub(o.Meta.GetCreationTimestamp().Time) < youth:
		return Health{Starting, "no Gateway has answered yet"}
	}
	return Health{Unknown, "no Gateway has said that it serves this route"}
}
