package snapshot

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// At is what stands at a path of the object, as JSON-like values; list items are named by their
// number. Unlike Raw it converts only what it returns, since rules ask for single fields of objects
// by the thousand.
func (o *Object) At(keys ...string) (any, bool) {
	if o.Content == nil {
		v, ok := typedAt(reflect.ValueOf(o.Typed), keys)
		if !ok {
			return nil, false
		}
		return leaf(v)
	}
	var at any = o.Content
	for _, key := range keys {
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[key]
			if !ok {
				return nil, false
			}
			at = next
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	return at, true
}

// Has tells whether At finds more than nothing, without converting it.
func (o *Object) Has(keys ...string) bool {
	if o.Content != nil {
		v, ok := o.At(keys...)
		return ok && v != nil
	}
	v, ok := typedAt(reflect.ValueOf(o.Typed), keys)
	if !ok || (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.IsNil() {
		return false
	}
	if v.Type().Implements(marshaler) || v.CanAddr() && v.Addr().Type().Implements(marshaler) {
		out, ok := leaf(v)
		return ok && out != nil // a time that is not set is null
	}
	return true
}

var marshaler = reflect.TypeFor[json.Marshaler]()

func typedAt(v reflect.Value, keys []string) (reflect.Value, bool) {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		if v.IsNil() {
			return v, false
		}
		v = v.Elem()
	}
	if !v.IsValid() || len(keys) == 0 {
		return v, v.IsValid()
	}
	switch v.Kind() {
	case reflect.Struct:
		f, ok := fieldOf(v, keys[0])
		if !ok {
			return v, false
		}
		return typedAt(f, keys[1:])
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			return v, false
		}
		return typedAt(v.MapIndex(reflect.ValueOf(keys[0]).Convert(v.Type().Key())), keys[1:])
	case reflect.Slice:
		i, err := strconv.Atoi(keys[0])
		if err != nil || i < 0 || i >= v.Len() {
			return v, false
		}
		return typedAt(v.Index(i), keys[1:])
	}
	return v, false
}

// fieldOf is the field of a struct that JSON would show under the key.
func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switch {
		case name == key:
			f := v.Field(i)
			empty := f.Kind() != reflect.Struct && f.IsZero() ||
				(f.Kind() == reflect.Map || f.Kind() == reflect.Slice) && f.Len() == 0
			return f, !empty || !strings.Contains(options, "omitempty")
		case name == "" && v.Type().Field(i).Anonymous && v.Field(i).Kind() == reflect.Struct:
			if f, ok := fieldOf(v.Field(i), key); ok {
				return f, true
			}
		}
	}
	return reflect.Value{}, false
}

func leaf(v reflect.Value) (any, bool) {
	if !v.Type().Implements(marshaler) {
		switch {
		case v.Kind() == reflect.String:
			return v.String(), true
		case v.Kind() == reflect.Bool:
			return v.Bool(), true
		case v.CanInt():
			return v.Int(), true
		}
	}
	data, err := utiljson.Marshal(v.Interface())
	if err != nil {
		return nil, false
	}
	var out any
	if utiljson.Unmarshal(data, &out) != nil {
		return nil, false
	}
	return out, true
}
