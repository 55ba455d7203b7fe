package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Known are the names that a configuration or an annotation may use.
type Known struct {
	Checks []*rule.Check
	Causes []*rule.Cause
	// Type gives the word for a kind that kubectl prints for one that it understands: deploy, deployments.
	// nil takes words as they are.
	Type func(word string) string
	// Gates are those of the maturity model that may be declared; nil takes any.
	Gates func() []string
}

// gate tells what is wrong with the name of a gate; "" is nothing.
func (k Known) gate(name string) string {
	if k.Gates == nil || name == "" {
		return ""
	}
	gates := k.Gates()
	if slices.Contains(gates, name) {
		return ""
	}
	text := fmt.Sprintf("unknown gate %q", name)
	if near := knowledge.Nearest(name, gates); near != "" {
		return text + "; did you mean " + near + "?"
	}
	return text
}

// check is the check of a name; an empty one where there is none.
func (k Known) check(name string) *rule.Check {
	for _, c := range k.Checks {
		if c.ID == name {
			return c
		}
	}
	return &rule.Check{}
}

// rule tells what is wrong with the name of a rule, or a pattern of names; "" is nothing.
func (k Known) rule(name string) string {
	if isPattern(name) {
		switch {
		case !validPattern(name):
			return fmt.Sprintf("%q is no pattern", name)
		case !slices.ContainsFunc(k.Checks, func(c *rule.Check) bool { return matches(name, c.ID) }):
			return fmt.Sprintf("no rule fits %q", name)
		}
		return ""
	}
	if slices.ContainsFunc(k.Checks, func(c *rule.Check) bool { return c.ID == name }) {
		return ""
	}
	if slices.ContainsFunc(k.Causes, func(c *rule.Cause) bool { return c.ID == name }) {
		return fmt.Sprintf("rule %q is a cause: what is broken now is always told", name)
	}
	ids := make([]string, 0, len(k.Checks))
	for _, c := range k.Checks {
		ids = append(ids, c.ID)
	}
	text := fmt.Sprintf("unknown rule %q", name)
	if near := knowledge.Nearest(name, ids); near != "" {
		return text + "; did you mean " + near + "?"
	}
	return text
}

// object brings a pattern of TYPE/NAME into the form that kubectl prints.
func (k Known) object(text string) (string, bool) {
	kind, name, ok := strings.Cut(text, "/")
	if !ok || kind == "" || name == "" || strings.Contains(name, "/") || !validPattern(text) {
		return "", false
	}
	kind = strings.ToLower(kind)
	if k.Type != nil && !isPattern(kind) {
		kind = k.Type(kind)
	}
	return kind + "/" + name, true
}
