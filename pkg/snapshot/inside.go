package snapshot

import "time"

// Inside is what stands in JSON-like content at the end of keys; nil where there is nothing. Fields of kinds that are
// not Kubernetes' own may hold anything, so a value of another type than is asked for is as good as none, here and in
// what follows.
func Inside(content any, keys ...string) any {
	for _, k := range keys {
		m, ok := content.(map[string]any)
		if !ok {
			return nil
		}
		content = m[k]
	}
	return content
}

// TextIn is the text at the end of keys, "" where there is none.
func TextIn(content any, keys ...string) string {
	s, _ := Inside(content, keys...).(string)
	return s
}

// TrueIn tells whether true stands at the end of keys.
func TrueIn(content any, keys ...string) bool {
	b, _ := Inside(content, keys...).(bool)
	return b
}

// MapIn is the mapping at the end of keys; nil where there is none.
func MapIn(content any, keys ...string) map[string]any {
	m, _ := Inside(content, keys...).(map[string]any)
	return m
}

// ListIn is the list at the end of keys; nil where there is none.
func ListIn(content any, keys ...string) []any {
	list, _ := Inside(content, keys...).([]any)
	return list
}

// MapsIn are the mappings of the list at the end of keys.
func MapsIn(content any, keys ...string) []map[string]any {
	var maps []map[string]any
	for _, item := range ListIn(content, keys...) {
		if m, ok := item.(map[string]any); ok {
			maps = append(maps, m)
		}
	}
	return maps
}

// TextsIn are the texts of the list at the end of keys.
func TextsIn(content any, keys ...string) []string {
	var texts []string
	for _, item := range ListIn(content, keys...) {
		if s, ok := item.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// WholeIn is the whole number at the end of keys; ok is false where there is none.
func WholeIn(content any, keys ...string) (n int64, ok bool) {
	switch v := Inside(content, keys...).(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		return int64(v), true
	}
	return 0, false
}

// TimeIn is the moment at the end of keys, as the API writes it; zero where there is none.
func TimeIn(content any, keys ...string) time.Time {
	t, err := time.Parse(time.RFC3339, TextIn(content, keys...))
	if err != nil {
		return time.Time{}
	}
	return t
}
