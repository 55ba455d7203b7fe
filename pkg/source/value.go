package source

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value gives what stands at a path, in the shapes of Decode; false where there is nothing.
func (d *Document) Value(p Path) (any, bool) {
	n := d.at(p)
	if n == nil {
		return nil, false
	}
	v, err := (&decoder{doc: d}).value(n, 0)
	if err != nil {
		return nil, false
	}
	return v, true
}

// Has tells whether something other than null stands at a path.
func (d *Document) Has(p Path) bool {
	n := deref(d.at(p))
	return n != nil && n.ShortTag() != "!!null"
}

func (d *Document) at(p Path) *yaml.Node {
	t := d.walk(p)
	switch {
	case !t.exact:
		return nil
	case len(t.hops) == 0:
		return t.root
	}
	return t.hops[len(t.hops)-1].node
}

// Unsorted gives the first key at or below a path that sorts before the key above it, and that one; found is false
// where all mappings are sorted by their keys.
func (d *Document) Unsorted(p Path) (at Path, above string, found bool) {
	n := deref(d.at(p))
	if n == nil {
		return nil, "", false
	}
	return unsorted(n, p, 0)
}

func unsorted(n *yaml.Node, p Path, depth int) (at Path, above string, found bool) {
	if depth > maxDepth {
		return nil, "", false
	}
	switch n.Kind {
	case yaml.MappingNode:
		last := ""
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, ok := keyText(n.Content[i])
			if !ok || isMerge(n.Content[i]) {
				continue
			}
			here := append(p[:len(p):len(p)], Step{Key: key, Index: -1, Bracket: strings.Contains(key, ".")})
			if key < last {
				return here, last, true
			}
			last = key
			if at, above, found = unsorted(n.Content[i+1], here, depth+1); found {
				return at, above, true
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if at, above, found = unsorted(item, append(p[:len(p):len(p)], Step{Index: i}), depth+1); found {
				return at, above, true
			}
		}
	}
	return nil, "", false
}
