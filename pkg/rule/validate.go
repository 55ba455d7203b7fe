package rule

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

var idPattern = knowledge.Regexp(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const titleLetters = 60

// ValidateDocs checks that all rules are documented as they should be.
func ValidateDocs(checks []*Check, causes []*Cause) error {
	var errs []error
	read := func(id string, docs Docs) Doc {
		d := docs.Read()
		if err := d.Err(); err != nil {
			errs = append(errs, fmt.Errorf("rule %q: document: %w", id, err))
		}
		return d
	}
	for _, c := range checks {
		if d := read(c.ID, c.Doc); d.Before == "" || d.After == "" {
			errs = append(errs, fmt.Errorf("check %q: its document needs Before and After", c.ID))
		}
	}
	for _, c := range causes {
		read(c.ID, c.Doc)
	}
	return errors.Join(errs...)
}

// Validate checks that all rules are well formed: names, titles, no duplicates, and
// Beats that exist and go round in no circle. Every command calls it through the engine.
func Validate(checks []*Check, causes []*Cause) error {
	var errs []error
	seen := map[string]bool{}
	common := func(id, title string, run func(*Pass)) {
		switch {
		case !idPattern.MatchString(id):
			errs = append(errs, fmt.Errorf("rule %q: the name must be kebab-case", id))
		case seen[id]:
			errs = append(errs, fmt.Errorf("rule %q: there are two of that name", id))
		}
		seen[id] = true
		if err := validTitle(title); err != nil {
			errs = append(errs, fmt.Errorf("rule %q: %w", id, err))
		}
		if run == nil {
			errs = append(errs, fmt.Errorf("rule %q: nothing to run", id))
		}
	}
	for _, c := range checks {
		common(c.ID, c.Title, c.Run)
		if c.Severity.Rank() >= len(Severities()) {
			errs = append(errs, fmt.Errorf("check %q: unknown severity %q", c.ID, c.Severity))
		}
		if c.Dimension == "" {
			errs = append(errs, fmt.Errorf("check %q: no dimension", c.ID))
		}
	}
	byID := map[string]*Cause{}
	for _, c := range causes {
		common(c.ID, c.Title, c.Run)
		if c.Stage.String() == "" {
			errs = append(errs, fmt.Errorf("cause %q: no stage", c.ID))
		}
		byID[c.ID] = c
	}
	for _, c := range causes {
		for _, b := range c.Beats {
			if byID[b] == nil {
				errs = append(errs, fmt.Errorf("cause %q: beats %q, which does not exist", c.ID, b))
			}
		}
		if beatsItself(c, byID) {
			errs = append(errs, fmt.Errorf("cause %q: beats itself in a circle", c.ID))
		}
	}
	return errors.Join(errs...)
}

func validTitle(title string) error {
	switch r := []rune(title); {
	case len(r) == 0:
		return errors.New("no title")
	case len(r) > titleLetters:
		return fmt.Errorf("the title has %d letters, more than %d", len(r), titleLetters)
	case strings.HasSuffix(title, "."):
		return errors.New("the title ends in a full stop")
	case unicode.IsUpper(r[0]) && len(r) > 1 && unicode.IsLower(r[1]) && !properName(title):
		return errors.New("the title starts with a capital")
	}
	return nil
}

// properName tells whether the title starts with an API kind, which keeps its capital.
func properName(title string) bool {
	first, _, _ := strings.Cut(title, " ")
	return knowledge.Regexp(`^(Pod|Service|Ingress|Deployment|Job|Secret|Node|Namespace)s?$|^[A-Z][a-z]+[A-Z]`).MatchString(first)
}

func beatsItself(start *Cause, byID map[string]*Cause) bool {
	seen := map[string]bool{}
	var walk func(c *Cause) bool
	walk = func(c *Cause) bool {
		for _, b := range c.Beats {
			next := byID[b]
			if b == start.ID {
				return true
			}
			if next != nil && !seen[b] {
				seen[b] = true
				if walk(next) {
					return true
				}
			}
		}
		return false
	}
	return walk(start)
}
