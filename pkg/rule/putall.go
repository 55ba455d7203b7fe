package rule

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// Value is what a field is to become.
type Value struct {
	Path  *field.Path
	Value any
}

// PutAllIn is PutIn for several fields of one object: parents that are missing are made once, with all
// that goes into them, since a second "add" would replace the first.
func PutAllIn(o *snapshot.Object, values ...Value) *Patch {
	var ops []Op
	tested, made := map[string]bool{}, map[string]map[string]any{}
	for _, v := range values {
		steps := source.ParsePath(v.Path.String())
		for _, t := range nameTests(o, steps) {
			if !tested[t.Path] {
				tested[t.Path] = true
				ops = append(ops, t)
			}
		}
		have := len(steps)
		for have > 0 && !hasAt(o, steps[:have]) {
			have--
		}
		if have >= len(steps)-1 { // the field itself, or what holds it, is there
			ops = append(ops, setOps(o, steps, v.Value)...)
			continue
		}
		parent := pointer(steps[:have+1])
		in := made[parent]
		if in == nil {
			in = map[string]any{}
			made[parent] = in
			ops = append(ops, Op{Op: "add", Path: parent, Value: in})
		}
		for _, s := range steps[have+1 : len(steps)-1] {
			next, ok := in[s.Key].(map[string]any)
			if !ok {
				next = map[string]any{}
				in[s.Key] = next
			}
			in = next
		}
		in[steps[len(steps)-1].Key] = v.Value
	}
	return &Patch{Type: "json", Body: ops}
}

// setOps sets a field whose parent is there.
func setOps(o *snapshot.Object, steps source.Path, value any) []Op {
	at := pointer(steps)
	if old, ok := valueAt(o, steps); ok && old != nil {
		return []Op{{Op: "test", Path: at, Value: old}, {Op: "replace", Path: at, Value: value}}
	}
	return []Op{{Op: "add", Path: at, Value: value}}
}
