package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// The kinds of rules.
const (
	KindCheck = "check"
	KindCause = "cause"
)

// Rules describes checks and causes, as `kubectl maturity rules` prints them.
type Rules struct {
	metav1.TypeMeta `json:",inline"`

	Rules []Rule `json:"rules"`
}

// Rule describes one check or cause.
type Rule struct {
	ID        string              `json:"id"`
	Title     string              `json:"title"`
	Kind      string              `json:"kind"`                // check | cause
	Severity  string              `json:"severity,omitempty"`  // of a check
	Dimension string              `json:"dimension,omitempty"` // of a check
	Off       bool                `json:"off,omitempty"`       // it runs only where a configuration asks for it
	Stage     string              `json:"stage,omitempty"`     // of a cause
	On        string              `json:"on"`                  // what it looks at
	Needs     []string            `json:"needs,omitempty"`     // the kinds that it must see besides
	Settings  map[string]any      `json:"settings,omitempty"`  // what maturity.yaml may set of it, with what holds otherwise
	Peers     map[string][]string `json:"peers,omitempty"`     // the ids under which other tools know it, by tool
	Beats     []string            `json:"beats,omitempty"`     // less specific causes, which it replaces
	History   bool                `json:"history,omitempty"`   // it tells of the past: the object works now
	Doc       *RuleDoc            `json:"doc,omitempty"`

	order int
}

// RuleDoc is the document of a rule.
type RuleDoc struct {
	Why        string   `json:"why"` // paragraphs in Markdown
	Before     string   `json:"before,omitempty"`
	After      string   `json:"after,omitempty"`
	References []string `json:"references"`
}

// DescribeRules lists checks by dimension, worst first, then causes by stage, earliest first: the
// order in which people look through rules of which they do not know the names.
func DescribeRules(checks []*rule.Check, causes []*rule.Cause) *Rules {
	list := &Rules{TypeMeta: metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: "Rules"}, Rules: []Rule{}}
	for _, c := range checks {
		r := Rule{
			ID: c.ID, Title: c.Title, Kind: KindCheck, Severity: string(c.Severity), Dimension: string(c.Dimension),
			Off: c.Off, On: c.On.String(), Peers: maps.Clone(c.Peers), Doc: docOf(c.Doc),
			order: slices.Index(rule.Dimensions(), c.Dimension),
		}
		for name, n := range c.Numbers {
			r.set(name, n.Value)
		}
		for name, list := range c.Lists {
			r.set(name, append([]string{}, list...))
		}
		for _, gk := range c.Needs {
			r.Needs = append(r.Needs, kindWord(gk))
		}
		list.Rules = append(list.Rules, r)
	}
	for _, c := range causes {
		list.Rules = append(list.Rules, Rule{
			ID: c.ID, Title: c.Title, Kind: KindCause, Stage: c.Stage.String(),
			On: c.On.String(), Beats: slices.Clone(c.Beats), History: c.History, Peers: maps.Clone(c.Peers), Doc: docOf(c.Doc),
			order: int(c.Stage),
		})
	}
	slices.SortStableFunc(list.Rules, func(a, b Rule) int {
		return cmp.Or(
			-cmp.Compare(a.Kind, b.Kind), // checks first
			cmp.Compare(a.order, b.order),
			cmp.Compare(rule.Severity(a.Severity).Rank(), rule.Severity(b.Severity).Rank()),
			cmp.Compare(a.ID, b.ID),
		)
	})
	return list
}

func (r *Rule) set(name string, value any) {
	if r.Settings == nil {
		r.Settings = map[string]any{}
	}
	r.Settings[name] = value
}

// kindWord is a kind, with its group where that is not Kubernetes' own.
func kindWord(gk schema.GroupKind) string {
	if !strings.Contains(gk.Group, ".") || strings.HasSuffix(gk.Group, ".k8s.io") {
		return gk.Kind
	}
	return gk.String()
}

// SettingWords are what maturity.yaml may set of the rule, in words: "days (90)".
func (r *Rule) SettingWords() []string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		switch value := r.Settings[name].(type) {
		case int:
			words = append(words, fmt.Sprintf("%s (%d)", name, value))
		default:
			words = append(words, name)
		}
	}
	return words
}

func docOf(docs rule.Docs) *RuleDoc {
	d := docs.Read()
	return &RuleDoc{Why: d.Why, Before: d.Before, After: d.After, References: append([]string{}, d.References...)}
}

// Only keeps the rules that keep lets through, in their order.
func (r *Rules) Only(keep func(Rule) bool) *Rules {
	kept := *r
	kept.Rules = []Rule{}
	for _, rule := range r.Rules {
		if keep(rule) {
			kept.Rules = append(kept.Rules, rule)
		}
	}
	return &kept
}

// Tools are the other tools that know some of the rules under ids of their own.
func (r *Rules) Tools() []string {
	tools := map[string]bool{}
	for _, rule := range r.Rules {
		for tool := range rule.Peers {
			tools[tool] = true
		}
	}
	return slices.Sorted(maps.Keys(tools))
}

// Translation says which rules stand for the ids of another tool.
type Translation struct {
	metav1.TypeMeta `json:",inline"`

	Peer string       `json:"peer"`
	IDs  []Translated `json:"ids"`
}

// Translated is one id of another tool, and the rules that stand for it.
type Translated struct {
	ID    string   `json:"id"`
	Rules []string `json:"rules"`
}

// Translate lists the ids of tool, by name.
func (r *Rules) Translate(tool string) *Translation {
	rules := map[string][]string{}
	for _, rule := range r.Rules {
		for _, id := range rule.Peers[tool] {
			rules[id] = append(rules[id], rule.ID)
		}
	}
	t := &Translation{TypeMeta: metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: "RuleTranslation"}, Peer: tool, IDs: []Translated{}}
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		slices.Sort(rules[id])
		t.IDs = append(t.IDs, Translated{ID: id, Rules: slices.Compact(rules[id])})
	}
	return t
}
