package rule

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ConditionOf is the condition of a type in the status of an object; nil where it has none.
func ConditionOf(o *snapshot.Object, kind string) *metav1.Condition {
	list, _ := o.At("status", "conditions")
	return meta.FindStatusCondition(ConditionsIn(list), kind)
}

// StatusTrue tells whether an object has a condition that is true.
func StatusTrue(o *snapshot.Object, kind string) bool {
	c := ConditionOf(o, kind)
	return c != nil && c.Status == metav1.ConditionTrue
}

// StatusFalse tells whether an object has a condition that is false; one that is missing or unknown is not.
func StatusFalse(o *snapshot.Object, kind string) bool {
	c := ConditionOf(o, kind)
	return c != nil && c.Status == metav1.ConditionFalse
}

// ConditionsIn are the conditions in the list at the end of keys, of a kind that has no Go type here. What one does not
// say is zero in it.
func ConditionsIn(content any, keys ...string) []metav1.Condition {
	var out []metav1.Condition
	for _, m := range snapshot.MapsIn(content, keys...) {
		generation, _ := snapshot.WholeIn(m, "observedGeneration")
		out = append(out, metav1.Condition{
			Type: snapshot.TextIn(m, "type"), Status: metav1.ConditionStatus(snapshot.TextIn(m, "status")), Reason: snapshot.TextIn(m, "reason"), Message: snapshot.TextIn(m, "message"),
			LastTransitionTime: metav1.NewTime(snapshot.TimeIn(m, "lastTransitionTime")), ObservedGeneration: generation,
		})
	}
	return out
}

// GatewayRefuses tells whether a condition of a Gateway, of a listener or of a route says that something is wrong with it.
func GatewayRefuses(c metav1.Condition) bool {
	switch c.Type {
	case "Accepted", "ResolvedRefs", "Programmed":
		return c.Status == metav1.ConditionFalse
	case "Conflicted":
		return c.Status == metav1.ConditionTrue
	}
	return false
}
