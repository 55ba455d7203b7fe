package rule

import (
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// Put is a JSON patch that sets the field of the object to value, whatever is there now: parents
// that are missing come with it, a value that is there is tested first, and so are the names of the
// list items on the way.
func (p *Pass) Put(path *field.Path, value any) *Patch { return PutIn(p.Object, path, value) }

// PutIn is Put for another object than that of the Pass.
func PutIn(o *snapshot.Object, path *field.Path, value any) *Patch {
	return lazily(func() []Op { return putOps(o, path, value) })
}

func putOps(o *snapshot.Object, path *field.Path, value any) []Op {
	steps := source.ParsePath(path.String())
	ops := nameTests(o, steps)
	at := pointer(steps)
	if old, ok := valueAt(o, steps); ok && old != nil {
		ops = append(ops, Op{Op: "test", Path: at, Value: old}, Op{Op: "replace", Path: at, Value: value})
		return ops
	}
	for len(steps) > 1 {
		parent := steps[:len(steps)-1]
		if hasAt(o, parent) {
			break
		}
		last := steps[len(steps)-1]
		if last.Index >= 0 {
			value = []any{value}
		} else {
			value = map[string]any{last.Key: value}
		}
		steps = parent
	}
	return append(ops, Op{Op: "add", Path: pointer(steps), Value: value})
}

// Drop is a JSON patch that removes the field of the object, and fails when it is no longer what
// was seen.
func (p *Pass) Drop(path *field.Path) *Patch {
	o := p.Object
	return lazily(func() []Op {
		steps := source.ParsePath(path.String())
		ops := nameTests(o, steps)
		if old, ok := valueAt(o, steps); ok {
			ops = append(ops, Op{Op: "test", Path: pointer(steps), Value: old})
		}
		return append(ops, Op{Op: "remove", Path: pointer(steps)})
	})
}

// And joins JSON patches into one.
func (p *Patch) And(other *Patch) *Patch {
	if p.Type != "json" || other.Type != "json" {
		return p
	}
	return lazily(func() []Op {
		a, _ := p.Content().([]Op)
		b, _ := other.Content().([]Op)
		return slices.Concat(a, b)
	})
}

// nameTests are operations that fail when a list item on the way is not the one that was meant.
func nameTests(o *snapshot.Object, steps source.Path) []Op {
	var ops []Op
	for i, s := range steps {
		if s.Index < 0 {
			continue
		}
		at := append(slices.Clone(steps[:i+1]), source.Step{Key: "name", Index: -1})
		if name, ok := valueAt(o, at); ok && name != "" && name != nil {
			ops = append(ops, Op{Op: "test", Path: pointer(at), Value: name})
		}
	}
	return ops
}

// pointer is the path as a JSON pointer (RFC 6901). Findings by the thousand ask for it.
func pointer(steps source.Path) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteByte('/')
		_, _ = pointerEscape.WriteString(&b, s.Key)
	}
	return b.String()
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// FieldPath is the path that text says, as Kubernetes prints it.
func FieldPath(text string) *field.Path {
	var path *field.Path
	for _, s := range source.ParsePath(text) {
		switch {
		case path == nil:
			path = field.NewPath(s.Key)
		case s.Index >= 0:
			path = path.Index(s.Index)
		case s.Bracket:
			path = path.Key(s.Key)
		default:
			path = path.Child(s.Key)
		}
	}
	return path
}

// valueAt is what stands at a path of the object: in its file, where it has one, since that is what
// a patch will be applied to.
func valueAt(o *snapshot.Object, steps source.Path) (any, bool) {
	if o.Origin != nil && o.Origin.Document != nil {
		return o.Origin.Document.Value(slices.Concat(o.Origin.Prefix, steps))
	}
	return o.At(keysOf(steps)...)
}

func keysOf(steps source.Path) []string {
	keys := make([]string, len(steps))
	for i, s := range steps {
		keys[i] = s.Key
	}
	return keys
}

// ValueAt is what stands at a path of the object: in its file, or in what was read. Defaults are not
// filled in.
func ValueAt(o *snapshot.Object, path *field.Path) (any, bool) {
	return valueAt(o, source.ParsePath(path.String()))
}

// Plain is v as JSON-like values, for patches.
func Plain(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out any
	if json.Unmarshal(data, &out) != nil {
		return nil
	}
	return out
}

func hasAt(o *snapshot.Object, steps source.Path) bool {
	if o.Origin != nil && o.Origin.Document != nil {
		return o.Origin.Document.Has(slices.Concat(o.Origin.Prefix, steps))
	}
	return o.Has(keysOf(steps)...)
}
