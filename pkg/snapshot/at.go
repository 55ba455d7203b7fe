package snapshot

import (
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
		return typedAt(reflect.ValueOf(o.Typed), keys)
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

func typedAt(v reflect.Value, keys []string) (any, bool) {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		if v.IsNil() {
			return nil, false
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil, false
	}
	if len(keys) == 0 {
		return leaf(v)
	}
	switch v.Kind() {
	case reflect.Struct:
		f, ok := fieldOf(v, keys[0])
		if !ok {
			return nil, false
		}
		return typedAt(f, keys[1:])
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			return nil, false
		}
		return typedAt(v.MapIndex(reflect.ValueOf(keys[0]).Convert(v.Type().Key())), keys[1:])
	case reflect.Slice:
		i, err := strconv.Atoi(keys[0])
		if err != nil || i < 0 || i >= v.Len() {
			return nil, false
		}
		return typedAt(v.Index(i), keys[1:])
	}
	return nil, false
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
