package reliability

import "time"

// inside is what stands in JSON-like content at the end of keys; nil where there is nothing.
func inside(content any, keys ...string) any {
	for _, k := range keys {
		m, ok := content.(map[string]any)
		if !ok {
			return nil
		}
		content = m[k]
	}
	return content
}

func textInside(content any, keys ...string) string {
	s, _ := inside(content, keys...).(string)
	return s
}

func listInside(content any, keys ...string) []any {
	list, _ := inside(content, keys...).([]any)
	return list
}

func wholeInside(content any, keys ...string) int {
	switch n := inside(content, keys...).(type) {
	case int64:
		return int(n)
	case float64:
		return int(n)
	}
	return 0
}

// timeInside is a moment, or the zero time.
func timeInside(content any, keys ...string) time.Time {
	t, err := time.Parse(time.RFC3339, textInside(content, keys...))
	if err != nil {
		return time.Time{}
	}
	return t
}

// condition is the status of a condition among those of an object: "True", or "" where it has none of that type.
func condition(content any, name string) string {
	for _, c := range listInside(content, "status", "conditions") {
		if textInside(c, "type") == name {
			return textInside(c, "status")
		}
	}
	return ""
}
