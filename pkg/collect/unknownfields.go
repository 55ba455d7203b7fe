package collect

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
)

// fieldTypes remembers the fields of types: thousands of objects are of a few.
type fieldTypes struct{ known sync.Map } // by reflect.Type, what of gives

// unknown are the paths of the fields of content that the type of obj does not have. The decoder of
// Kubernetes can tell them too, and takes as long for it as for all the rest.
func (f *fieldTypes) unknown(obj runtime.Object, content map[string]any) []string {
	w := fieldWalk{types: f}
	w.walk(reflect.TypeOf(obj), content)
	slices.Sort(w.unknown)
	return w.unknown
}

type fieldWalk struct {
	types   *fieldTypes
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
			known := w.types.of(t)
			if known == nil {
				return // it decodes itself
			}
			for key, below := range v {
				ft, ok := known[key]
				switch {
				case !ok:
					w.unknown = append(w.unknown, strings.TrimPrefix(strings.Join(append(w.at, "."+key), ""), "."))
				case holds(ft):
					w.below("."+key, ft, below)
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

// of are the types of a struct's fields by their names in JSON; nil for one that decodes itself.
func (f *fieldTypes) of(t reflect.Type) map[string]reflect.Type {
	if known, ok := f.known.Load(t); ok {
		fields, _ := known.(map[string]reflect.Type)
		return fields
	}
	var fields map[string]reflect.Type
	if !reflect.PointerTo(t).Implements(unmarshalerType) {
		fields = map[string]reflect.Type{}
		addFields(fields, t)
	}
	f.known.Store(t, fields)
	return fields
}

func addFields(fields map[string]reflect.Type, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case name != "":
			fields[name] = f.Type
		case f.Anonymous || strings.Contains(options, "inline"):
			if inner := f.Type; inner.Kind() == reflect.Struct {
				addFields(fields, inner)
			}
		}
	}
}
