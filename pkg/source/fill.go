package source

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Fields are the fields of a struct by their names in JSON, those of its embedded structs among them.
type Fields map[string]Field

// Field is one of them.
type Field struct {
	Index []int
	Type  reflect.Type
}

// Filler puts documents into Go values. It remembers what it has learned of their types, and may be used by
// several goroutines.
type Filler struct{ known sync.Map }

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// Fields are the fields of a struct type; nil for one that decodes itself.
func (f *Filler) Fields(t reflect.Type) Fields {
	if known, ok := f.known.Load(t); ok {
		fields, _ := known.(Fields)
		return fields
	}
	var fields Fields
	if !reflect.PointerTo(t).Implements(unmarshaler) {
		fields = Fields{}
		fields.add(t, nil)
	}
	f.known.Store(t, fields)
	return fields
}

func (fs Fields) add(t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int{}, index...), i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case name != "":
			fs[name] = Field{at, f.Type}
		case f.Type.Kind() == reflect.Struct && (f.Anonymous || strings.Contains(options, "inline")):
			fs.add(f.Type, at)
		}
	}
}

// Fill puts a document into a pointer to a Go value, by the rules of encoding/json and of kubectl's YAML. It
// tells whether the document is plain and fits: an anchor, a repeated key, a field that the type does not have
// or a value that it refuses is left for Decode, and for whoever words the error. The value may then be half
// filled.
func (f *Filler) Fill(t *Tree, into any) bool {
	if t.root == nil {
		return false
	}
	x := filling{types: f, scalars: decoder{doc: t.doc}}
	return x.put(t.root, reflect.ValueOf(into).Elem(), 0)
}

type filling struct {
	types   *Filler
	scalars decoder
}

func (x *filling) put(n *yaml.Node, v reflect.Value, depth int) bool {
	if depth > maxDepth || n.Kind == yaml.AliasNode || n.Anchor != "" {
		return false
	}
	if n.Kind == yaml.ScalarNode && n.Style == 0 && isNull(n.Value) {
		return true // null: the zero value
	}
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		v.Set(reflect.New(t.Elem()))
		return x.put(n, v.Elem(), depth)
	}
	switch t.Kind() {
	case reflect.Struct:
		fields := x.types.Fields(t)
		if fields == nil {
			return x.itself(n, v)
		}
		return x.fields(n, v, fields, depth)
	case reflect.Map:
		if t == texts {
			return x.texts(n, v, depth)
		}
		if t.Key().Kind() != reflect.String || reflect.PointerTo(t).Implements(unmarshaler) {
			return false
		}
		return x.mapping(n, v, depth)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return x.bytes(n, v)
		}
		if n.Kind != yaml.SequenceNode || reflect.PointerTo(t).Implements(unmarshaler) {
			return false
		}
		list := reflect.MakeSlice(t, len(n.Content), len(n.Content))
		for i, item := range n.Content {
			if !x.put(item, list.Index(i), depth+1) {
				return false
			}
		}
		v.Set(list)
		return true
	}
	return n.Kind == yaml.ScalarNode && x.scalar(n, v)
}

func (x *filling) fields(n *yaml.Node, v reflect.Value, fields Fields, depth int) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.Anchor != "" || repeated(n, i) {
			return false
		}
		f, ok := fields[k.Value]
		if !ok || !x.put(n.Content[i+1], v.FieldByIndex(f.Index), depth+1) {
			return false
		}
	}
	return true
}

// repeated tells whether the key at i stands before. Mappings are short.
func repeated(n *yaml.Node, i int) bool {
	for j := 0; j < i; j += 2 {
		if n.Content[j].Value == n.Content[i].Value {
			return true
		}
	}
	return false
}

// texts is what labels, annotations and selectors are: the maps that every object has.
var texts = reflect.TypeFor[map[string]string]()

// texts is mapping for them, without the detour over reflection.
func (x *filling) texts(n *yaml.Node, v reflect.Value, depth int) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	m := make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		key, ok := keyText(k)
		if !ok || k.Kind != yaml.ScalarNode || k.Anchor != "" || isMerge(k) {
			return false
		}
		if _, again := m[key]; again {
			return false
		}
		var text string
		if !x.put(n.Content[i+1], reflect.ValueOf(&text).Elem(), depth+1) {
			return false
		}
		m[key] = text
	}
	v.Set(reflect.ValueOf(m))
	return true
}

func (x *filling) mapping(n *yaml.Node, v reflect.Value, depth int) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	t := v.Type()
	m := reflect.MakeMapWithSize(t, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		key, ok := keyText(k)
		if !ok || k.Kind != yaml.ScalarNode || k.Anchor != "" || isMerge(k) {
			return false
		}
		name := reflect.ValueOf(key).Convert(t.Key())
		if m.MapIndex(name).IsValid() {
			return false
		}
		item := reflect.New(t.Elem()).Elem()
		if !x.put(n.Content[i+1], item, depth+1) {
			return false
		}
		m.SetMapIndex(name, item)
	}
	v.Set(m)
	return true
}

// itself lets a type decode a value that has a decoder of its own: a quantity, a time, a number or a name.
func (x *filling) itself(n *yaml.Node, v reflect.Value) bool {
	if n.Kind != yaml.ScalarNode {
		return false // may hold anchors
	}
	value, err := x.scalars.scalar(n)
	if err != nil {
		return false
	}
	data, bad := json.Marshal(value)
	if bad != nil {
		return false
	}
	own, ok := v.Addr().Interface().(json.Unmarshaler)
	return ok && own.UnmarshalJSON(data) == nil
}

func (x *filling) bytes(n *yaml.Node, v reflect.Value) bool {
	value, err := x.scalars.scalar(n)
	text, ok := value.(string)
	if err != nil || !ok || n.Kind != yaml.ScalarNode {
		return false
	}
	data, bad := base64.StdEncoding.DecodeString(text)
	if bad != nil {
		return false
	}
	v.SetBytes(data)
	return true
}

func (x *filling) scalar(n *yaml.Node, v reflect.Value) bool {
	value, err := x.scalars.scalar(n)
	if err != nil {
		return false
	}
	switch value := value.(type) {
	case string:
		if v.Kind() != reflect.String {
			return false
		}
		v.SetString(value)
	case bool:
		if v.Kind() != reflect.Bool {
			return false
		}
		v.SetBool(value)
	case int64:
		switch {
		case v.CanInt() && !v.OverflowInt(value):
			v.SetInt(value)
		case v.CanFloat():
			v.SetFloat(float64(value))
		default:
			return false
		}
	case float64:
		if !v.CanFloat() {
			return false
		}
		v.SetFloat(value)
	default:
		return false
	}
	return true
}
