package network

import "github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"

// condition is a standard condition of a kind that has no Go type here.
type condition struct{ kind, status, reason, message string }

func conditionOf(o *snapshot.Object, kind string) condition {
	status, _ := o.Content["status"].(map[string]any)
	for _, c := range conditionsIn(status) {
		if c.kind == kind {
			return c
		}
	}
	return condition{}
}

// conditionsIn are the conditions in the status of an object, or in a part of it.
func conditionsIn(status map[string]any) []condition {
	list, _ := status["conditions"].([]any)
	var out []condition
	for _, item := range list {
		m, _ := item.(map[string]any)
		out = append(out, condition{text(m, "type"), text(m, "status"), text(m, "reason"), text(m, "message")})
	}
	return out
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}
