package knowledge

import "strings"

// Slip is the name among names of which word is a slip of the pen, or "": one or two letters differ, or
// only case and separators do. Unlike Nearest it never takes one word for a part of another.
func Slip(word string, names []string) string {
	most := 2
	if len(word) < 6 {
		most = 1
	}
	best, bestDistance := "", most+1
	for _, n := range names {
		if n == word || n == "" {
			continue
		}
		if plainName(n) == plainName(word) {
			return n
		}
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "")

func plainName(s string) string { return separators.Replace(strings.ToLower(s)) }
