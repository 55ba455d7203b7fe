package knowledge

import "strings"

// Nearest is the name among names that is most like word, or "" when none is alike: at most a third
// of its letters differ, or one contains the other.
func Nearest(word string, names []string) string {
	best, bestDistance := "", len(word)/3+1
	for _, n := range names {
		if n == word {
			continue
		}
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	if best != "" {
		return best
	}
	for _, n := range names {
		if n != word && len(n) >= 3 && len(word) >= 3 && (strings.Contains(word, n) || strings.Contains(n, word)) {
			return n
		}
	}
	return ""
}

// distance counts the letters to add, drop, change or swap with their neighbour.
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

// Typo tells whether two words differ by a slip of the finger or two.
func Typo(a, b string) bool { return a != b && distance(a, b) <= 2 }
