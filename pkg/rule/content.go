package rule

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Of kinds that are not Kubernetes' own, fields may hold anything.

func subMap(m map[string]any, key string) map[string]any {
	v, _ := m[key].(map[string]any)
	return v
}

func subList(m map[string]any, key string) []any {
	v, _ := m[key].([]any)
	return v
}

func subText(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func numberOf(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), true
	}
	return 0, false
}

func textsOf(list []any) []string {
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// LabelSelectorIn reads a label selector of a kind that is not Kubernetes' own; ok is false where there is none, or one that
// cannot be understood.
func LabelSelectorIn(v any) (ls *metav1.LabelSelector, ok bool) {
	m, ok := v.(map[string]any)
	if !ok || m == nil {
		return nil, false
	}
	ls = &metav1.LabelSelector{}
	for k, v := range subMap(m, "matchLabels") {
		s, isText := v.(string)
		if !isText {
			return nil, false
		}
		if ls.MatchLabels == nil {
			ls.MatchLabels = map[string]string{}
		}
		ls.MatchLabels[k] = s
	}
	for _, item := range subList(m, "matchExpressions") {
		e, isMap := item.(map[string]any)
		if !isMap {
			return nil, false
		}
		ls.MatchExpressions = append(ls.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: subText(e, "key"), Operator: metav1.LabelSelectorOperator(subText(e, "operator")), Values: textsOf(subList(e, "values")),
		})
	}
	return ls, true
}
