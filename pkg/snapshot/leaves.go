package snapshot

import (
	"bytes"
	"sort"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// Leaves are the paths of the fields that the manager holds and below which it holds none, sorted, as people write
// them: spec.template.spec.containers[web].image. Nothing where the record cannot be read.
func (m FieldManager) Leaves() []string {
	set := &fieldpath.Set{}
	if set.FromJSON(bytes.NewReader(m.fields)) != nil {
		return nil
	}
	var list []string
	set.Leaves().Iterate(func(path fieldpath.Path) {
		var b strings.Builder
		for _, e := range path {
			writeElement(&b, e)
		}
		if b.Len() > 0 {
			list = append(list, b.String())
		}
	})
	sort.Strings(list)
	return list
}

func writeElement(b *strings.Builder, e fieldpath.PathElement) {
	switch {
	case e.FieldName != nil && strings.ContainsAny(*e.FieldName, "./[]"):
		b.WriteString("[" + *e.FieldName + "]")
	case e.FieldName != nil:
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(*e.FieldName)
	case e.Key != nil && len(*e.Key) == 1 && (*e.Key)[0].Value.IsString():
		b.WriteString("[" + (*e.Key)[0].Value.AsString() + "]")
	case e.Key != nil:
		var parts []string
		for _, f := range *e.Key {
			parts = append(parts, f.Name+"="+plainValue(f.Value))
		}
		b.WriteString("[" + strings.Join(parts, ",") + "]")
	case e.Value != nil:
		b.WriteString("[" + plainValue(*e.Value) + "]")
	case e.Index != nil:
		b.WriteString("[" + value.ToString(value.NewValueInterface(*e.Index)) + "]")
	}
}

func plainValue(v value.Value) string {
	if v.IsString() {
		return v.AsString()
	}
	return value.ToString(v)
}

// Wrote tells whether the manager holds any field below the one of that name at the top of the object: "spec".
func (m FieldManager) Wrote(field string) bool {
	return bytes.Contains(m.fields, []byte(`"f:`+field+`"`))
}
