package collect

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// misfit is a value that the type of its field refuses.
type misfit struct {
	at  source.Path
	why string
}

var (
	quantityType    = reflect.TypeFor[resource.Quantity]()
	bytesType       = reflect.TypeFor[[]byte]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
)

// findMisfit goes down to the first value that the Go type refuses, in the order of the fields'
// names. The API server decodes as encoding/json does: it turns no true into "true". Values are not
// quoted, since one may be a password, save for those that are to be quantities.
func findMisfit(t reflect.Type, value any, at source.Path) *misfit {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	if err = json.Unmarshal(data, reflect.New(t).Interface()); err == nil {
		return nil
	}
	below := func(t reflect.Type, value any, s source.Step) *misfit {
		return findMisfit(t, value, append(append(source.Path{}, at...), s))
	}
	if !reflect.PointerTo(t).Implements(unmarshalerType) {
		switch v := value.(type) {
		case map[string]any:
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			sort.Strings(keys)
			for _, k := range keys {
				if next := elementOf(t, k); next != nil {
					if m := below(next, v[k], source.Step{Key: k, Index: -1}); m != nil {
						return m
					}
				}
			}
		case []any:
			for i := range v {
				if t.Kind() != reflect.Slice {
					break
				}
				if m := below(t.Elem(), v[i], source.Step{Index: i}); m != nil {
					return m
				}
			}
		}
	}
	switch got, want := jsonWord(value), wantWord(t); {
	case t == quantityType && (got == stringWord || got == numberWord):
		return &misfit{at, fmt.Sprintf("%v is no quantity: write a number, and a unit such as m, Ki, Mi, Gi, k, M or G", value)}
	case want == "":
		return &misfit{at, err.Error()}
	case t == bytesType && got == stringWord:
		return &misfit{at, "is not base64; plain text belongs into a Secret's stringData, or a ConfigMap's data"}
	case want == stringWord && (got == boolWord || got == numberWord): // y, no and on are bools of YAML, too
		return &misfit{at, fmt.Sprintf("is %s to YAML and must be %s: put it in quotes", got, want)}
	case got == stringWord && (want == boolWord || want == numberWord):
		return &misfit{at, fmt.Sprintf("is %s and must be %s, without quotes", got, want)}
	default:
		return &misfit{at, fmt.Sprintf("is %s and must be %s", got, want)}
	}
}

// elementOf is the type of what a struct or a map has under a key, nil for none.
func elementOf(t reflect.Type, key string) reflect.Type {
	switch t.Kind() {
	case reflect.Map:
		return t.Elem()
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == key {
				return f.Type
			}
			if name == "" && f.Anonymous {
				if found := elementOf(f.Type, key); found != nil {
					return found
				}
			}
		}
	}
	return nil
}

const (
	stringWord = "a string"
	boolWord   = "true or false"
	numberWord = "a number"
	mapWord    = "a mapping"
	listWord   = "a list"
)

func jsonWord(value any) string {
	switch value.(type) {
	case string:
		return stringWord
	case bool:
		return boolWord
	case map[string]any:
		return mapWord
	case []any:
		return listWord
	case nil:
		return "null"
	}
	return numberWord
}

// wantWord names what a Go type takes, "" where the type itself decides.
func wantWord(t reflect.Type) string {
	switch {
	case t == quantityType:
		return "a quantity"
	case t == bytesType:
		return stringWord
	case reflect.PointerTo(t).Implements(unmarshalerType):
		return ""
	}
	switch t.Kind() {
	case reflect.String:
		return stringWord
	case reflect.Bool:
		return boolWord
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64:
		return numberWord
	case reflect.Struct, reflect.Map:
		return mapWord
	case reflect.Slice:
		return listWord
	}
	return ""
}
