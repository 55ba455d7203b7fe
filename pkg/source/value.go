package source

import "go.yaml.in/yaml/v3"

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
