package rule

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Of kinds that are not Kubernetes' own, fields may hold anything.

// LabelSelectorIn reads a label selector of a kind that is not Kubernetes' own; ok is false where there is none, or one that
// cannot be understood.
func LabelSelectorIn(v any) (ls *metav1.LabelSelector, ok bool) {
	m, ok := v.(map[string]any)
	if !ok || m == nil {
		return nil, false
	}
	ls = &metav1.LabelSelector{}
	for k, v := range snapshot.MapIn(m, "matchLabels") {
		s, isText := v.(string)
		if !isText {
			return nil, false
		}
		if ls.MatchLabels == nil {
			ls.MatchLabels = map[string]string{}
		}
		ls.MatchLabels[k] = s
	}
	for _, item := range snapshot.ListIn(m, "matchExpressions") {
		e, isMap := item.(map[string]any)
		if !isMap {
			return nil, false
		}
		ls.MatchExpressions = append(ls.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: snapshot.TextIn(e, "key"), Operator: metav1.LabelSelectorOperator(snapshot.TextIn(e, "operator")), Values: snapshot.TextsIn(snapshot.ListIn(e, "values")),
		})
	}
	return ls, true
}
