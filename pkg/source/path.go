package source

import (
	"strconv"
	"strings"
)

// Step is one step of a Path. With Index >= 0 it is an index, and Key is its
// text as written, since digits may be a map key as well. With Index -1 it is a
// key: of a mapping, or of a list, where it selects the item whose name equals it.
type Step struct {
	Key   string
	Index int
	// Bracket says that a key step was written as [key]; only String looks at it.
	Bracket bool
}

// index gives the step as a list index. A step with other text in Key is a key
// step whatever its Index, so that Step{Key: "spec"} means what it looks like.
func (s Step) index() (int, bool) {
	return s.Index, s.Index >= 0 && (s.Key == "" || isDigits(s.Key))
}

// key gives the step as a mapping key.
func (s Step) key() string {
	if s.Key == "" && s.Index >= 0 {
		return strconv.Itoa(s.Index)
	}
	return s.Key
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Path leads from the root of a document to a node of it.
type Path []Step

// ParsePath reads a path as Kubernetes prints it, such as
// spec.containers[0].ports[1].name or metadata.annotations[a.b/c]. A list item
// may be named as well: containers[web], containers[name="web"]. Brackets may
// hold a quoted key. It takes any text; what is not a path gives odd key steps.
func ParsePath(s string) Path {
	if s == "<nil>" { // how field.Path prints the root
		return nil
	}
	var p Path
	for i := 0; i < len(s); {
		switch s[i] {
		case '.':
			i++
		case '[':
			end := closingBracket(s, i)
			p = append(p, bracketStep(s[i+1:end]))
			i = end + 1
		default:
			end := i + 1
			for end < len(s) && s[end] != '.' && s[end] != '[' {
				end++
			}
			p = append(p, Step{Key: s[i:end], Index: -1})
			i = end
		}
	}
	return p
}

// closingBracket gives the offset of the bracket that closes the one at open, or
// the length of s. A closing bracket ends the step only where a step can end, so
// that keys may hold one.
func closingBracket(s string, open int) int {
	quote := ""
	if rest := strings.TrimPrefix(s[open+1:], "name="); rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		quote = rest[:1]
	}
	for ; ; quote = "" {
		for i := open + 1; i < len(s); i++ {
			if s[i] == ']' && (i+1 == len(s) || s[i+1] == '.' || s[i+1] == '[') &&
				(quote == "" || i > open+2 && s[i-1:i] == quote) {
				return i
			}
		}
		if quote == "" {
			return len(s)
		}
	}
}

func bracketStep(s string) Step {
	if isDigits(s) {
		if n, err := strconv.Atoi(s); err == nil {
			return Step{Key: s, Index: n}
		}
	}
	if key, ok := unquote(strings.TrimPrefix(s, "name=")); ok {
		s = key
	}
	return Step{Key: s, Index: -1, Bracket: true}
}

// unquote strips a pair of quotes, false when there is none.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != s[len(s)-1] || (s[0] != '"' && s[0] != '\'') {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// String gives the path as ParsePath reads it and Kubernetes prints it.
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		_, isIndex := s.index()
		switch {
		case isIndex || s.Bracket || s.Key == "" || strings.ContainsAny(s.Key, ".[]"):
			b.WriteString("[" + s.key() + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Key)
		}
	}
	return b.String()
}
