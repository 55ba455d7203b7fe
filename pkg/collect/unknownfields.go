package collect

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// unknownFields are the paths of the fields of content that the type of obj does not have. The decoder of
// Kubernetes can tell them too, and takes as long for it as for all the rest.
func unknownFields(obj runtime.Object, content map[string]any, types *source.Filler) []string {
	w := fieldWalk{types: types}
	w.walk(reflect.TypeOf(obj), content)
	slices.Sort(w.unknown)
	return w.unknown
}

type fieldWalk struct {
	types   *source.Filler
	at      []string // the path to what is looked at, each step with its dot or brackets
	unknown []string
}

func (w *fieldWalk) walk(t reflect.Type, value any) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case map[string]any:
		switch t.Kind() {
		case reflect.Map:
			if holds(t.Elem()) {
				for key, below := range v {
					w.below("."+key, t.Elem(), below)
				}
			}
		case reflect.Struct:
			known := w.types.Fields(t)
			if known == nil {
				return // it decodes itself
			}
			for key, below := range v {
				f, ok := known[key]
				switch {
				case !ok:
					w.unknown = append(w.unknown, strings.TrimPrefix(strings.Join(append(w.at, "."+key), ""), "."))
				case holds(f.Type):
					w.below("."+key, f.Type, below)
				}
			}
		}
	case []any:
		if t.Kind() == reflect.Slice && holds(t.Elem()) {
			for i, below := range v {
				w.below("["+strconv.Itoa(i)+"]", t.Elem(), below)
			}
		}
	}
}

func (w *fieldWalk) below(step string, t reflect.Type, value any) {
	w.at = append(w.at, step)
	w.walk(t, value)
	w.at = w.at[:len(w.at)-1]
}

// holds tells whether there may be fields below a type.
func holds(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return true
	case reflect.Slice:
		return holds(t.Elem())
	}
	return false
}
