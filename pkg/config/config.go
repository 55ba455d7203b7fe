// Package config is what maturity.yaml says: which checks run and how bad their findings are, what somebody
// decided to live with and until when, and which files are not looked at. It is also the grammar of the
// annotation that says so on an object. It gets text and reads no file.
package config

import (
	"maps"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// The head and the name of a configuration file.
const (
	APIVersion = "kubectl-maturity/v1alpha1"
	Kind       = "Config"
	FileName   = "maturity.yaml"
)

// Config is one configuration file. The zero value changes nothing.
type Config struct {
	Name       string // of the file
	Rules      map[string]Rule
	Exemptions []Exemption
	Honour     []string // tools whose own annotations count
	Ignore     []Pattern

	Declarations []Declaration
}

// Rule is what a configuration changes of one check.
type Rule struct {
	Enabled  *bool
	Severity rule.Severity // "" leaves it
	Numbers  map[string]int
	Lists    map[string][]string
}

// Exemption is a decision to live with what rules find, and until when.
type Exemption struct {
	Rule      string // an id, or a pattern of ids
	Object    string // a pattern of TYPE/NAME; "" is every object
	Namespace string // a pattern; "" is every namespace
	Container string // a pattern; "" is every container, and what lies in none
	Reason    string
	Until     time.Time // the first moment at which it no longer counts; zero: it always counts
	Line      int       // where it stands in the file
}

// Apply gives the checks as the configuration wants them; what it does not speak of is as it was. Who asks for
// a severity or a threshold asks for the rule.
func (c *Config) Apply(checks []*rule.Check) []*rule.Check {
	if c == nil || len(c.Rules) == 0 {
		return checks
	}
	out := make([]*rule.Check, len(checks))
	for i, check := range checks {
		out[i] = check
		r, ok := c.Rules[check.ID]
		if !ok {
			continue
		}
		changed := *check
		if r.Severity != "" {
			changed.Severity, changed.Fixed, changed.Off = r.Severity, true, false
		}
		if len(r.Numbers) > 0 {
			changed.Numbers, changed.Off = maps.Clone(check.Numbers), false
			for name, value := range r.Numbers {
				n := changed.Numbers[name]
				n.Value = value
				changed.Numbers[name] = n
			}
		}
		if len(r.Lists) > 0 {
			changed.Lists, changed.Off = r.Lists, false
		}
		if r.Enabled != nil {
			changed.Off = !*r.Enabled
		}
		out[i] = &changed
	}
	return out
}

// Ignores tells whether a file is not to be looked at. Its path is relative to the folder of the configuration
// and separated by slashes.
func (c *Config) Ignores(file string) bool {
	if c == nil {
		return false
	}
	for _, p := range c.Ignore {
		if p.Matches(file) {
			return true
		}
	}
	return false
}

// ByName tells whether the exemption names one rule, and no pattern of rules.
func (e *Exemption) ByName() bool { return !isPattern(e.Rule) }

// CoversRule tells whether the exemption speaks of a rule.
func (e *Exemption) CoversRule(id string) bool { return matches(e.Rule, id) }

// CoversObject tells whether the exemption speaks of an object, which is named as kubectl names it.
func (e *Exemption) CoversObject(namespace, typeAndName string) bool {
	if e.Namespace != "" && !matches(e.Namespace, namespace) {
		return false
	}
	return e.Object == "" || matches(e.Object, typeAndName)
}

// CoversContainer tells whether the exemption speaks of a container.
func (e *Exemption) CoversContainer(name string) bool {
	return e.Container == "" || matches(e.Container, name)
}

// Expired tells whether the exemption is over.
func (e *Exemption) Expired(now time.Time) bool {
	return !e.Until.IsZero() && !now.Before(e.Until)
}

// End is the last day on which the exemption counts, as people write it; "" where there is none.
func (e *Exemption) End() string {
	if e.Until.IsZero() {
		return ""
	}
	return e.Until.AddDate(0, 0, -1).Format(time.DateOnly)
}

// For words which objects the exemption speaks of.
func (e *Exemption) For() string {
	words := e.Object
	if words == "" {
		words = "every object"
	}
	if e.Container != "" {
		words += ", container " + e.Container
	}
	if e.Namespace != "" {
		words += " in namespace " + e.Namespace
	}
	return words
}

// noEnd is the word for an exemption that is not dated: somebody said so, and did not forget it.
const noEnd = "none"

// parseUntil reads the last day of an exemption.
func parseUntil(text string) (time.Time, bool) {
	if text == noEnd {
		return time.Time{}, true
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, false
	}
	return day.AddDate(0, 0, 1), true
}

// isPattern tells whether a text has characters that stand for others.
func isPattern(text string) bool { return strings.ContainsAny(text, `*?[\`) }
