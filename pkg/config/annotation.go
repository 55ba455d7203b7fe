package config

import (
	"fmt"
	"strings"
)

// Annotation is the name of the annotation, on an object or its pod template, that says which findings on it
// somebody decided to live with:
//
//	kubectl-maturity/waive: image-latest@canary until=2027-01-31 reason=the canary follows main; ...
const Annotation = AnnotationGroup + "waive"

// AnnotationGroup is what the names of all annotations of this program start with.
const AnnotationGroup = "kubectl-maturity/"

// Waived is one entry of an annotation.
type Waived struct {
	Exemption
	Problem string // why it waives nothing; "" where it does
}

// ParseAnnotation reads the value of the annotation. Entries stand apart by semicolons or lines; what is wrong
// with one is said in its place, since nobody can refuse an object that is in the cluster.
func ParseAnnotation(value string, known Known) []Waived {
	var list []Waived
	for _, entry := range strings.FieldsFunc(value, func(r rune) bool { return r == ';' || r == '\n' }) {
		if words := strings.Fields(entry); len(words) > 0 {
			list = append(list, parseEntry(words, known))
		}
	}
	return list
}

func parseEntry(words []string, known Known) Waived {
	var w Waived
	w.Rule, w.Container, _ = strings.Cut(words[0], "@")
	until, reason := "", []string(nil)
	for _, word := range words[1:] {
		switch key, rest, ok := strings.Cut(word, "="); {
		case ok && key == "until" && until == "":
			until = rest
		case ok && key == "reason" && reason == nil:
			reason = []string{rest}
		case reason != nil: // a reason has as many words as it needs
			reason = append(reason, word)
		default:
			w.Problem = fmt.Sprintf("%q is neither until= nor reason=", word)
		}
	}
	w.Reason = strings.Trim(strings.TrimSpace(strings.Join(reason, " ")), `"'`)
	var ok bool
	w.Until, ok = parseUntil(until)
	wrong := known.rule(w.Rule)
	switch {
	case wrong != "":
		w.Problem = wrong
	case w.Problem != "":
	case !validPattern(w.Container):
		w.Problem = fmt.Sprintf("%q is no pattern of containers", w.Container)
	case until == "":
		w.Problem = "it has no end: until= takes the last day (YYYY-MM-DD), or none"
	case !ok:
		w.Problem = fmt.Sprintf("%q is no date: until= takes YYYY-MM-DD, or none", until)
	case w.Reason == "":
		w.Problem = "it has no reason="
	}
	return w
}
