package source

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Span is a place in a document. Line is 1-based and absolute in the file,
// Column is 1-based and, like Length, counts runes of the raw line. Exact is
// false when the path does not exist; the span then marks its nearest existing
// parent.
type Span struct {
	Line, Column, Length int
	Exact                bool
}

// Locate gives the place of a path. A scalar is marked at its value (at its key
// when the value is empty or a block scalar), a mapping or a list at its key, a
// list item at the value of its name or else its first key, the empty path at
// the document's first key. A scalar that comes from an alias or a merge is
// marked where it is written; a mapping or list that is an alias is marked where
// it is used. A document that does not parse is marked at its first line.
func (d *Document) Locate(p Path) Span {
	return d.walk(p).span(d)
}

// hop is one step of a path, taken.
type hop struct {
	key  *yaml.Node // nil for a list item
	node *yaml.Node // the value as it stands there, maybe an alias
	list *yaml.Node // the list of a list item
	via  []int      // lines of merge keys and anchors it went through
}

// trail is a path as far as it exists.
type trail struct {
	root  *yaml.Node
	hops  []hop
	exact bool
}

// LocateKey gives the place of a path's key, where the name of a field is what a reader is to see.
// What has no key of its own is marked as by Locate.
func (d *Document) LocateKey(p Path) Span {
	return d.walk(p).keySpan(d)
}

func (t trail) keySpan(d *Document) Span {
	if n := len(t.hops); n > 0 && t.hops[n-1].key != nil {
		s := d.tokenSpan(t.hops[n-1].key)
		s.Exact = t.exact
		return s
	}
	return t.span(d)
}

func (d *Document) walk(p Path) trail {
	t := trail{root: d.Root(), exact: true}
	at := deref(t.root)
	for _, s := range p {
		h, ok := take(at, s)
		if !ok {
			t.exact = false
			break
		}
		if h.node.Kind == yaml.AliasNode && h.node.Alias != nil {
			h.via = append(h.via, h.node.Alias.Line)
		}
		t.hops = append(t.hops, h)
		at = deref(h.node)
	}
	if t.root == nil {
		t.exact = false
	}
	return t
}

// take goes one step down from n, false when there is nothing there.
func take(n *yaml.Node, s Step) (hop, bool) {
	if n == nil {
		return hop{}, false
	}
	switch n.Kind {
	case yaml.MappingNode:
		return find(n, s.key(), map[*yaml.Node]bool{})
	case yaml.SequenceNode:
		if i, ok := s.index(); ok {
			if i < len(n.Content) {
				return hop{node: n.Content[i], list: n}, true
			}
			return hop{}, false
		}
		for _, item := range n.Content {
			if _, v := nameOf(item); v != nil && v.Value == s.Key {
				return hop{node: item, list: n}, true
			}
		}
	}
	return hop{}, false
}

// find looks a key up in a mapping and in what it merges. It goes backwards
// because Decode lets later entries win. Each mapping is searched once: merges
// may be nested, many and even circular.
func find(n *yaml.Node, key string, seen map[*yaml.Node]bool) (hop, bool) {
	if n == nil || n.Kind != yaml.MappingNode || seen[n] {
		return hop{}, false
	}
	seen[n] = true
	for i := len(n.Content)/2*2 - 2; i >= 0; i -= 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !isMerge(k) {
			if name, ok := keyText(k); ok && name == key {
				return hop{key: k, node: v}, true
			}
			continue
		}
		from := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			from = v.Content
		}
		for _, f := range from {
			if h, ok := find(deref(f), key, seen); ok {
				h.via = append(h.via, k.Line, deref(f).Line)
				return h, true
			}
		}
	}
	return hop{}, false
}

// nameOf gives the key and the scalar value of an item's name, nil for none.
func nameOf(item *yaml.Node) (key, value *yaml.Node) {
	item = deref(item)
	if item == nil || item.Kind != yaml.MappingNode {
		return nil, nil
	}
	h, ok := find(item, "name", map[*yaml.Node]bool{})
	if !ok {
		return nil, nil
	}
	if v := deref(h.node); v != nil && v.Kind == yaml.ScalarNode && v.Value != "" {
		return h.key, v
	}
	return nil, nil
}

// span marks the last existing node of the trail.
func (t trail) span(d *Document) Span {
	s := t.mark(d)
	s.Exact = t.exact
	return s
}

func (t trail) mark(d *Document) Span {
	if t.root == nil {
		return d.clamp(d.Line, 1, 1)
	}
	if len(t.hops) == 0 {
		return d.markItem(t.root)
	}
	h := t.hops[len(t.hops)-1]
	v := deref(h.node)
	if v != nil && v.Kind == yaml.ScalarNode {
		if s, ok := d.scalarSpan(v); ok {
			return s
		}
		// With an alias the text to look at is that of the anchor.
		if h.node.Kind == yaml.AliasNode {
			return d.clamp(v.Line, v.Column, 1)
		}
	}
	if h.key != nil {
		return d.tokenSpan(h.key)
	}
	return d.markItem(h.node)
}

// markItem marks a node that has no key of its own.
func (d *Document) markItem(n *yaml.Node) Span {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if name, ok := keyText(n.Content[i]); ok && name == "name" && n != d.root {
				if s, ok := d.scalarSpan(n.Content[i+1]); ok {
					return s
				}
			}
		}
		if len(n.Content) > 0 {
			return d.tokenSpan(n.Content[0])
		}
	case yaml.SequenceNode:
		if n == d.root && len(n.Content) > 0 {
			return d.markItem(n.Content[0])
		}
	}
	return d.tokenSpan(n)
}

// tokenSpan marks a node by its text where it has one, else by its first character.
func (d *Document) tokenSpan(n *yaml.Node) Span {
	switch n.Kind {
	case yaml.AliasNode:
		return d.clamp(n.Line, n.Column, 1+len([]rune(n.Value)))
	case yaml.ScalarNode:
		if s, ok := d.scalarSpan(n); ok {
			return s
		}
		if n.Value == "" {
			// An empty list item: the parser stands behind the dash.
			if s := d.clamp(n.Line, n.Column-1, 1); n.Column > 1 && strings.HasPrefix(from(d.row(s.Line), s.Column), "-") {
				return s
			}
		}
	default:
		if t := from(d.row(n.Line), n.Column); strings.HasPrefix(t, "{}") || strings.HasPrefix(t, "[]") {
			return d.clamp(n.Line, n.Column, 2)
		}
	}
	return d.clamp(n.Line, n.Column, 1)
}

// scalarSpan marks the first line of a scalar as it is written. It gives false
// for what has no such text: an implied null and a block scalar.
func (d *Document) scalarSpan(n *yaml.Node) (Span, bool) {
	if n.Kind == yaml.AliasNode {
		return d.tokenSpan(n), true
	}
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return Span{}, false
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	if n.Value == "" && !quoted {
		return Span{}, false
	}
	line, column := d.skipProperties(n.Line, n.Column)
	text := from(d.row(line), column)
	raw := ""
	switch {
	case strings.HasPrefix(text, `"`):
		raw = quotedToken(text, '"')
	case strings.HasPrefix(text, "'"):
		raw = quotedToken(text, '\'')
	case strings.HasPrefix(text, n.Value):
		raw = n.Value
	default: // the first line of a plain scalar of several
		raw, _, _ = strings.Cut(text, " #")
	}
	raw = strings.TrimRight(raw, " \t")
	return d.clamp(line, column, len([]rune(raw))), true
}

// skipProperties moves over the anchor and the tag before a value; no unquoted
// value starts with their characters.
func (d *Document) skipProperties(line, column int) (int, int) {
	l, c := line, column
	for last := d.Line + len(d.lines()) - 1; l <= last; {
		text := from(d.row(l), c)
		rest := strings.TrimLeft(text, " \t")
		c += len(text) - len(rest)
		switch {
		case rest == "" || rest[0] == '#' && (l > line || c > column):
			l, c = l+1, 1
		case rest[0] == '&' || rest[0] == '!':
			word := rest
			if i := strings.IndexAny(rest, " \t"); i >= 0 {
				word = rest[:i]
			}
			c += len([]rune(word))
		default:
			return l, c
		}
	}
	return line, column
}

// quotedToken gives the quoted text that s starts with, as far as the line goes.
func quotedToken(s string, quote byte) string {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote == '"':
			i++
		case s[i] != quote:
		case quote == '\'' && i+1 < len(s) && s[i+1] == quote:
			i++
		default:
			return s[:i+1]
		}
	}
	return s
}

// from gives the text of a line from a 1-based column on.
func from(row string, column int) string {
	for i := range row {
		if column--; column <= 0 {
			return row[i:]
		}
	}
	return ""
}

// clamp makes a span that lies within the document's text.
func (d *Document) clamp(line, column, length int) Span {
	line = max(d.Line, min(line, d.Line+len(d.lines())-1))
	width := len([]rune(d.row(line)))
	column = max(1, min(column, max(width, 1)))
	return Span{Line: line, Column: column, Length: max(1, min(length, width-column+1))}
}
