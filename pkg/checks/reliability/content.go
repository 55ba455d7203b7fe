package reliability

import "github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"

func wholeInside(content any, keys ...string) int {
	switch n := snapshot.Inside(content, keys...).(type) {
	case int64:
		return int(n)
	case float64:
		return int(n)
	}
	return 0
}

// condition is the status of a condition among those of an object: "True", or "" where it has none of that type.
func condition(content any, name string) string {
	for _, c := range snapshot.ListIn(content, "status", "conditions") {
		if snapshot.TextIn(c, "type") == name {
			return snapshot.TextIn(c, "status")
		}
	}
	return ""
}
