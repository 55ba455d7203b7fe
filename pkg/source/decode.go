package source

import (
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decode gives the document's value in the shapes JSON knows: map[string]any,
// []any, string, bool, int64, float64 and nil, freshly made on every call.
// Aliases and merges are resolved, and scalars and keys mean what they mean to
// kubectl (YAML 1.1: yes, on and y are true; 1.0 is the integer 1). The error is
// an *Error: a syntax error, a repeated key, or a value with no form in JSON.
func (d *Document) Decode() (any, error) { return d.Tree().Decode() }

type decoder struct {
	doc     *Document
	open    map[*yaml.Node]bool // anchors being expanded
	aliased int                 // nodes made by way of an alias
}

func (c *decoder) fail(n *yaml.Node, format string, args ...any) *Error {
	return &Error{Name: c.doc.Name, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
}

func (c *decoder) value(n *yaml.Node, depth int) (any, *Error) {
	if depth > maxDepth {
		return nil, c.fail(n, "nested too deeply")
	}
	if len(c.open) > 0 {
		if c.aliased++; c.aliased > maxAliasNodes {
			return nil, c.fail(n, "too many aliases")
		}
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return c.scalar(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := c.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.AliasNode:
		if c.open[n.Alias] {
			return nil, c.fail(n, "anchor %q contains itself", n.Value)
		}
		if c.open == nil {
			c.open = map[*yaml.Node]bool{}
		}
		c.open[n.Alias] = true
		v, err := c.value(n.Alias, depth+1)
		delete(c.open, n.Alias)
		return v, err
	}
	return nil, c.fail(n, "unknown kind of node")
}

func (c *decoder) mapping(n *yaml.Node, depth int) (any, *Error) {
	m := make(map[string]any, len(n.Content)/2)
	var merged map[string]bool // keys of m that no key written here has set
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, vn := n.Content[i], n.Content[i+1]
		if isMerge(k) {
			if merged == nil {
				merged = map[string]bool{}
			}
			if err := c.merge(m, merged, vn, depth); err != nil {
				return nil, err
			}
			continue
		}
		key, err := c.key(n, k)
		if err != nil {
			return nil, err
		}
		if _, set := m[key]; set && !merged[key] {
			return nil, c.duplicate(n, i, key)
		}
		v, err := c.value(vn, depth+1)
		if err != nil {
			return nil, err
		}
		m[key] = v
		delete(merged, key)
	}
	return m, nil
}

// duplicate words the error of the i-th node of n, a key that stands before too.
func (c *decoder) duplicate(n *yaml.Node, i int, key string) *Error {
	k := n.Content[i]
	for j := 0; j < i; j += 2 {
		if name, ok := keyText(n.Content[j]); ok && name == key {
			return c.fail(k, "key %q is already set on line %d", key, n.Content[j].Line)
		}
	}
	return c.fail(k, "key %q is already set", key)
}

// merge lays the mapping, or the mappings, of a merge key over m. Like kubectl's
// own reader (and unlike the YAML specification) it overwrites keys written
// before it; keys written after it win.
func (c *decoder) merge(m map[string]any, merged map[string]bool, n *yaml.Node, depth int) *Error {
	from := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		from = n.Content
	}
	// Backwards, as the first of several takes precedence.
	for i := len(from) - 1; i >= 0; i-- {
		if t := deref(from[i]); t == nil || t.Kind != yaml.MappingNode {
			return c.fail(from[i], "a merge (<<) needs a mapping or a list of mappings")
		}
		v, err := c.value(from[i], depth+1)
		if err != nil {
			return err
		}
		for key, v := range v.(map[string]any) {
			if _, set := m[key]; !set {
				merged[key] = true
			}
			m[key] = v
		}
	}
	return nil
}

func (c *decoder) key(parent, k *yaml.Node) (string, *Error) {
	if name, ok := keyText(k); ok {
		return name, nil
	}
	if k.Kind == yaml.MappingNode && k.Column == parent.Column+1 && k.Line == parent.Line && parent.Style&yaml.FlowStyle != 0 {
		return "", c.fail(parent, "a template that is not rendered ({{ ... }})")
	}
	if t := deref(k); t != nil && t.Kind == yaml.ScalarNode {
		if _, err := c.scalar(t); err != nil {
			return "", err
		}
		return "", c.fail(k, "a key must not be null")
	}
	return "", c.fail(k, "a key must be a string")
}

// keyText gives the text that a mapping key has in JSON, false when it has none.
func keyText(k *yaml.Node) (string, bool) {
	if k = deref(k); k == nil || k.Kind != yaml.ScalarNode {
		return "", false
	}
	v, err := resolveScalar(k)
	if err != nil {
		return "", false
	}
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case uint64:
		return strconv.FormatUint(v, 10), true
	case float64:
		switch {
		case math.IsNaN(v):
			return ".nan", true
		case math.IsInf(v, 1):
			return ".inf", true
		case math.IsInf(v, -1):
			return "-.inf", true
		}
		return strconv.FormatFloat(v, 'g', -1, 32), true // 32 as sigs.k8s.io/yaml has it
	}
	return "", false
}

func isMerge(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Tag == "!!merge"
}

// deref gives the node an alias stands for, and any other node itself.
func deref(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (c *decoder) scalar(n *yaml.Node) (any, *Error) {
	if c.doc.JSON {
		switch n.Tag {
		case "!!int":
			if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
				return i, nil
			}
			fallthrough
		case "!!float":
			f, err := strconv.ParseFloat(n.Value, 64)
			if err != nil {
				return nil, c.fail(n, "number %s is out of range", n.Value)
			}
			return f, nil
		}
	}
	v, err := resolveScalar(n)
	if err != nil {
		return nil, c.fail(n, "%v", err)
	}
	switch f := v.(type) {
	case uint64:
		return float64(f), nil
	case float64:
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, c.fail(n, "%s is not a number that json can hold", n.Value)
		}
		// On its way through JSON a whole float loses its fraction.
		if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			return int64(f), nil
		}
	}
	return v, nil
}

// resolveScalar gives a scalar's value: string, bool, int64, uint64 (only what
// int64 cannot hold), float64 or nil.
func resolveScalar(n *yaml.Node) (any, error) {
	if n.Style&yaml.TaggedStyle == 0 {
		if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return n.Value, nil
		}
		return resolvePlain(n.Value), nil
	}
	switch n.Tag {
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil {
			return nil, fmt.Errorf("!!binary value is not base64")
		}
		return strings.ToValidUTF8(string(data), "\ufffd"), nil
	case "!!bool", "!!int", "!!float", "!!null":
		v := resolvePlain(n.Value)
		ok := false
		switch t := v.(type) {
		case bool:
			ok = n.Tag == "!!bool"
		case int64:
			ok = n.Tag == "!!int"
			if n.Tag == "!!float" {
				return float64(t), nil
			}
		case uint64:
			ok = n.Tag == "!!int"
		case float64:
			ok = n.Tag == "!!float"
		case nil:
			ok = n.Tag == "!!null"
		}
		if !ok {
			return nil, fmt.Errorf("%q is not a value for the tag %s", n.Value, n.Tag)
		}
		return v, nil
	}
	return n.Value, nil
}

var yamlFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// inNumbers are the characters that numbers are made of: a quantity or a time starts with a digit and has others.
const inNumbers = "0123456789abcdefABCDEFxXoO_+-."

// isNull says whether an unquoted scalar is null.
func isNull(s string) bool {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// resolvePlain gives the YAML 1.1 value of an unquoted scalar, by the rules of
// the reader that kubectl uses (go.yaml.in/yaml/v2).
func resolvePlain(s string) any {
	if isNull(s) {
		return nil
	}
	switch s {
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false
	case ".nan", ".NaN", ".NAN":
		return math.NaN()
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return math.Inf(1)
	case "-.inf", "-.Inf", "-.INF":
		return math.Inf(-1)
	}
	switch c := s[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	case (c == '+' || c == '-' || c >= '0' && c <= '9') && strings.Trim(s, inNumbers) == "":
		plain := strings.ReplaceAll(s, "_", "")
		if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(plain, 0, 64); err == nil {
			return u
		}
		if yamlFloat.MatchString(plain) {
			if f, err := strconv.ParseFloat(plain, 64); err == nil {
				return f
			}
		}
	}
	return s
}
