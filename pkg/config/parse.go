package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// Parse reads a configuration file. The error holds all that is wrong with it, each with its place.
func Parse(name string, data []byte, known Known) (*Config, error) {
	p := &parser{name: name, known: known, config: &Config{Name: name, Rules: map[string]Rule{}}}
	docs, errs := source.Parse(name, data)
	for _, err := range errs {
		p.errs = append(p.errs, err)
	}
	switch {
	case len(errs) > 0:
	case len(docs) == 0:
		p.errs = append(p.errs, &source.Error{Name: name, Line: 1, Message: head})
	case len(docs) > 1:
		p.errs = append(p.errs, &source.Error{Name: name, Line: docs[1].Line, Message: "a second document: a configuration is one"})
	default:
		if _, err := docs[0].Decode(); err != nil { // the syntax, and keys that stand twice
			p.errs = append(p.errs, err)
		} else {
			p.document(docs[0])
		}
	}
	if len(p.errs) > 0 {
		return nil, utilerrors.NewAggregate(p.errs)
	}
	return p.config, nil
}

const head = "a configuration starts with apiVersion: " + APIVersion + " and kind: " + Kind

type parser struct {
	name   string
	known  Known
	config *Config
	errs   []error
}

func (p *parser) fail(n *yaml.Node, format string, args ...any) {
	p.errs = append(p.errs, &source.Error{Name: p.name, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)})
}

func (p *parser) document(doc *source.Document) {
	root := doc.Root()
	if root == nil {
		p.errs = append(p.errs, &source.Error{Name: p.name, Line: doc.Line, Message: head})
		return
	}
	seen := map[string]bool{}
	fixed := func(field, want string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			seen[field] = true
			if n.Value != want || n.Kind != yaml.ScalarNode {
				p.fail(n, "%s must be %s", field, want)
			}
		}
	}
	ok := p.fields(root, "", map[string]func(*yaml.Node){
		"apiVersion": fixed("apiVersion", APIVersion),
		"kind":       fixed("kind", Kind),
		"rules":      p.rules,
		"exemptions": func(n *yaml.Node) { p.list(n, "exemptions", p.exemption) },
		"honour":     func(n *yaml.Node) { p.list(n, "honour", p.honour) },
		"ignore":     func(n *yaml.Node) { p.list(n, "ignore", p.ignore) },

		"declarations": func(n *yaml.Node) { p.list(n, "declarations", p.declaration) },
	})
	if ok && (!seen["apiVersion"] || !seen["kind"]) {
		p.errs = append(p.errs, &source.Error{Name: p.name, Line: root.Line, Message: head})
	}
}

// fields hands each value of a mapping to the function of its field; false where n is no mapping.
func (p *parser) fields(n *yaml.Node, at string, known map[string]func(*yaml.Node)) bool {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		what := at
		if what == "" {
			what = "a configuration"
		}
		p.fail(n, "%s must be a mapping", what)
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		read, ok := known[key.Value]
		if !ok {
			p.unknownField(key, at, known)
			continue
		}
		if value.ShortTag() != "!!null" { // a field without a value is as good as absent
			read(value)
		}
	}
	return true
}

func (p *parser) unknownField(key *yaml.Node, at string, known map[string]func(*yaml.Node)) {
	field := key.Value
	if at != "" {
		field = at + "." + field
	}
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	if near := knowledge.Nearest(key.Value, names); near != "" {
		p.fail(key, "unknown field %q; did you mean %s?", field, near)
		return
	}
	p.fail(key, "unknown field %q: known are %s", field, strings.Join(names, ", "))
}

func (p *parser) list(n *yaml.Node, at string, item func(n *yaml.Node, at string)) {
	if n.Kind != yaml.SequenceNode {
		p.fail(n, "%s must be a list", at)
		return
	}
	for i, value := range n.Content {
		item(resolved(value), fmt.Sprintf("%s[%d]", at, i))
	}
}

// text reads a field that must hold words.
func (p *parser) text(at string, into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			p.fail(n, "%s must be a string", at)
			return
		}
		*into = strings.TrimSpace(n.Value)
	}
}

func (p *parser) rules(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "rules must be a mapping of rule names")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		if isPattern(key.Value) {
			p.fail(key, "rules are named here one by one, without patterns: %q", key.Value)
			continue
		}
		if wrong := p.known.rule(key.Value); wrong != "" {
			p.fail(key, "%s", wrong)
			continue
		}
		p.config.Rules[key.Value] = p.rule(value, "rules."+key.Value, p.known.check(key.Value))
	}
}

func (p *parser) rule(n *yaml.Node, at string, check *rule.Check) Rule {
	var r Rule
	if n.Kind == yaml.ScalarNode {
		if on, ok := onOff(n); ok {
			r.Enabled = &on
		} else {
			r.Severity = p.severity(n, at, "on, off, a severity ("+severities()+"), or a mapping with enabled and severity")
		}
		return r
	}
	fields := map[string]func(*yaml.Node){
		"enabled": func(n *yaml.Node) {
			on, ok := onOff(n)
			if !ok {
				p.fail(n, "%s.enabled must be true or false", at)
			}
			r.Enabled = &on
		},
		"severity": func(n *yaml.Node) { r.Severity = p.severity(n, at+".severity", "one of "+severities()) },
	}
	for name, number := range check.Numbers {
		fields[name] = func(n *yaml.Node) {
			value, err := strconv.Atoi(n.Value)
			if n.Kind != yaml.ScalarNode || err != nil || value < number.Least || value > number.Most {
				p.fail(n, "%s.%s must be a number from %d to %d", at, name, number.Least, number.Most)
				return
			}
			if r.Numbers == nil {
				r.Numbers = map[string]int{}
			}
			r.Numbers[name] = value
		}
	}
	for name := range check.Lists {
		fields[name] = func(n *yaml.Node) {
			if r.Lists == nil {
				r.Lists = map[string][]string{}
			}
			p.list(n, at+"."+name, func(n *yaml.Node, at string) {
				word := ""
				p.text(at, &word)(n)
				r.Lists[name] = append(r.Lists[name], word)
			})
		}
	}
	p.fields(n, at, fields)
	return r
}

func (p *parser) severity(n *yaml.Node, at, want string) rule.Severity {
	for _, s := range rule.Severities() {
		if n.Kind == yaml.ScalarNode && n.Value == string(s) {
			return s
		}
	}
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		p.fail(n, "%s must be %s", at, want)
	} else {
		p.fail(n, "%s is %q and must be %s", at, n.Value, want)
	}
	return ""
}

func severities() string {
	names := make([]string, 0, len(rule.Severities()))
	for _, s := range rule.Severities() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// onOff reads the words of YAML 1.1 for yes and no, of which kubectl understands all.
func onOff(n *yaml.Node) (on, ok bool) {
	if n.Kind != yaml.ScalarNode {
		return false, false
	}
	switch strings.ToLower(n.Value) {
	case "true", "on", "yes":
		return true, true
	case "false", "off", "no":
		return false, true
	}
	return false, false
}

func (p *parser) exemption(n *yaml.Node, at string) {
	e := Exemption{Line: n.Line}
	object, until := "", ""
	places := map[string]*yaml.Node{}
	read := func(field string, into *string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			places[field] = n
			p.text(at+"."+field, into)(n)
		}
	}
	before := len(p.errs)
	if !p.fields(n, at, map[string]func(*yaml.Node){
		"rule": read("rule", &e.Rule), "object": read("object", &object), "namespace": read("namespace", &e.Namespace),
		"container": read("container", &e.Container), "reason": read("reason", &e.Reason), "until": read("until", &until),
	}) {
		return
	}
	if len(p.errs) > before { // with a mistyped field others would seem to be missing
		return
	}
	switch {
	case e.Rule == "":
		p.fail(n, "%s names no rule", at)
	case p.known.rule(e.Rule) != "":
		p.fail(places["rule"], "%s", p.known.rule(e.Rule))
	case isPattern(e.Rule) && object == "" && e.Namespace == "":
		p.fail(n, "%s would hide nearly everything: with a pattern of rules it must name an object or a namespace", at)
	}
	if object != "" {
		var ok bool
		if e.Object, ok = p.known.object(object); !ok {
			p.fail(places["object"], "%s.object is %q and must be TYPE/NAME, such as deployment/web or daemonset/*", at, object)
		}
	}
	for _, pattern := range []struct{ field, text string }{{"namespace", e.Namespace}, {"container", e.Container}} {
		if !validPattern(pattern.text) {
			p.fail(places[pattern.field], "%s.%s: %q is no pattern", at, pattern.field, pattern.text)
		}
	}
	if e.Reason == "" {
		p.fail(n, "%s has no reason: say why it is right, for whoever reads it next", at)
	}
	var ok bool
	switch e.Until, ok = parseUntil(until); {
	case until == "":
		p.fail(n, "%s has no end: until takes the last day (YYYY-MM-DD), or none", at)
	case !ok:
		p.fail(places["until"], "%s.until is %q and must be a date (YYYY-MM-DD), or none", at, until)
	}
	p.config.Exemptions = append(p.config.Exemptions, e)
}

func (p *parser) honour(n *yaml.Node, at string) {
	if err := CheckTool(n.Value); err != nil {
		p.fail(n, "%s: %v", at, err)
		return
	}
	p.config.Honour = append(p.config.Honour, n.Value)
}

func (p *parser) ignore(n *yaml.Node, at string) {
	pattern := Pattern(n.Value)
	switch wrong := pattern.valid(); {
	case n.Kind != yaml.ScalarNode || strings.Trim(n.Value, "/") == "":
		p.fail(n, "%s must be a path or a pattern of paths", at)
	case wrong != "":
		p.fail(n, "%s: %q %s", at, n.Value, wrong)
	default:
		p.config.Ignore = append(p.config.Ignore, pattern)
	}
}

// CheckTool tells whether the annotations of a tool can be honoured.
func CheckTool(name string) error {
	names := Tools()
	if slices.Contains(names, name) {
		return nil
	}
	text := fmt.Sprintf("the annotations of %q are not known here: known are those of %s", name, strings.Join(names, ", "))
	if near := knowledge.Nearest(name, names); near != "" {
		text = fmt.Sprintf("the annotations of %q are not known here; did you mean %s?", name, near)
	}
	return errors.New(text)
}

// resolved is the node that an alias stands for, and any other node itself.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}
