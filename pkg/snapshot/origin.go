package snapshot

import (
	"reflect"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// Origin is where in the user's files the object was written.
type Origin struct {
	Document *source.Document
	Prefix   source.Path // of the object inside the document: items[3] for the fourth of a List

	// Source is the file that a tool rendered Document from, as the tool names it: a template of a chart. It is
	// empty where people wrote Document themselves.
	Source string

	// Written are the documents that people wrote and Document was made of, where that is known: the object, then
	// what is laid over it in that order.
	Written []*source.Document
}

// Place is the document where people wrote what stands at a path of Document, and the path in it. That is
// Document itself unless another says the very same.
func (o *Origin) Place(at source.Path) (*source.Document, source.Path) {
	if len(o.Written) == 0 {
		return o.Document, at
	}
	named := o.named(at)
	value, ok := o.Document.Value(at)
	if ok {
		for i := len(o.Written) - 1; i >= 0; i-- {
			if v, there := o.Written[i].Value(named); there && reflect.DeepEqual(v, value) {
				return o.Written[i], named
			}
		}
		if compound(value) { // a whole is seldom the same: the object's own first, where most of it stands
			for _, doc := range o.Written {
				if doc.Locate(named).Exact {
					return doc, named
				}
			}
		}
		return o.Document, at
	}
	above := len(at)
	for above > 0 && !o.Document.Locate(at[:above]).Exact {
		above--
	}
	for _, doc := range o.Written {
		if doc.Locate(named[:above]).Exact && !doc.Locate(named).Exact {
			return doc, named
		}
	}
	return o.Document, at
}

func compound(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// named is a path of Document with list items by their names: what is laid over an object may have others.
func (o *Origin) named(at source.Path) source.Path {
	named := make(source.Path, len(at))
	for i, step := range at {
		named[i] = step
		if step.Index < 0 {
			continue
		}
		if name, _ := o.Document.Value(append(append(source.Path{}, at[:i+1]...), source.Step{Key: "name", Index: -1})); name != nil {
			if name, ok := name.(string); ok && name != "" {
				named[i] = source.Step{Key: name, Index: -1, Bracket: true}
			}
		}
	}
	return named
}
