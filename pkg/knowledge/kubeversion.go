package knowledge

import (
	"regexp"
	"strconv"
	"strings"
)

// anyPatch is greater than the number of any patch of Kubernetes.
const anyPatch = 999

// KubeVersionAllows tells whether a constraint, as a chart has it in kubeVersion, lets some release of a minor version
// of Kubernetes 1 through; ok is false where the constraint cannot be read. Marks of providers (-gke.100), which some
// versions of Helm count as pre-releases, are not counted. Source of the grammar: Masterminds/semver, by which Helm
// compares.
func KubeVersionAllows(constraint string, minor int) (allowed, ok bool) {
	for alternative := range strings.SplitSeq(constraint, "||") {
		terms, ok := termsOf(alternative)
		if !ok {
			return false, false
		}
		for _, patch := range []int{0, anyPatch} {
			all := true
			for _, t := range terms {
				all = all && t.allows([3]int{1, minor, patch})
			}
			allowed = allowed || all
		}
	}
	return allowed, true
}

// versionTerm is one comparison of a constraint.
type versionTerm struct {
	operator string
	version  [3]int
	given    int  // how many numbers of the version are given; what is not, or is x, is any
	pre      bool // it names a pre-release, which comes before the version itself
}

const versionPattern = `v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?`

var (
	versionSpan  = regexp.MustCompile(`\s*(` + versionPattern + `)\s+-\s+(` + versionPattern + `)\s*`)
	versionTerms = regexp.MustCompile(`^[\s,]*(=|!=|>=|=>|<=|=<|>|<|~>|~|\^|)\s*` + versionPattern + `(?:[\s,]+|$)`)
)

// termsOf reads what must hold together.
func termsOf(text string) (terms []versionTerm, ok bool) {
	if m := versionSpan.FindAllStringSubmatch(text, -1); len(m) > 0 {
		const groups = 5 // of each version
		for _, span := range m {
			text = strings.Replace(text, span[0], " >="+span[1]+" <="+span[1+groups]+" ", 1)
		}
	}
	for text = strings.TrimSpace(text); text != ""; {
		m := versionTerms.FindStringSubmatch(text)
		if m == nil {
			return nil, false
		}
		text = text[len(m[0]):]
		t := versionTerm{operator: m[1], pre: m[5] != ""}
		for i, number := range m[2:5] {
			n, err := strconv.Atoi(number)
			if err != nil {
				break
			}
			t.version[i], t.given = n, i+1
		}
		if t.given == 0 && t.operator != "" && t.operator != "=" { // what is more than any, nobody can tell
			return nil, false
		}
		terms = append(terms, t)
	}
	return terms, len(terms) > 0
}

// compare is negative where a version comes before that of the term, of which the numbers up to n are looked at.
func (t versionTerm) compare(v [3]int, n int) int {
	for i := range n {
		if v[i] != t.version[i] {
			return v[i] - t.version[i]
		}
	}
	if t.pre && n == len(v) {
		return 1
	}
	return 0
}

// allows tells whether the comparison holds for a release.
func (t versionTerm) allows(v [3]int) bool {
	const major, minor, patch = 1, 2, 3
	switch t.operator {
	case "", "=":
		return t.compare(v, t.given) == 0
	case "!=":
		return t.compare(v, t.given) != 0
	case ">":
		return t.compare(v, t.given) > 0
	case ">=", "=>":
		return t.compare(v, patch) >= 0
	case "<":
		return t.compare(v, patch) < 0
	case "<=", "=<":
		return t.compare(v, t.given) <= 0
	case "~", "~>":
		return t.compare(v, patch) >= 0 && t.compare(v, min(t.given, minor)) == 0
	case "^":
		same := major // what must not change is the first number that is not zero, or the last that is given
		for same < min(t.given, patch) && t.version[same-1] == 0 {
			same++
		}
		return t.compare(v, patch) >= 0 && t.compare(v, min(same, t.given)) == 0
	}
	return false
}
