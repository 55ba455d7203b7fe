package reliability

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// SchemaInvalid finds fields that the kind does not have: what they were to say is not said.
var SchemaInvalid = rule.Check{
	ID: "schema-invalid", Title: "a field that the kind does not have", Doc: rule.ReadDoc(docs, "schema_invalid.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Everything,
	// What was read from a cluster has passed its schema, and nobody here knows that of other kinds.
	Applies: func(p *rule.Pass) bool { return p.Object.Typed != nil && p.Object.Origin != nil },
	Run: func(p *rule.Pass) {
		unknown := append([]string{}, p.Object.UnknownFields...)
		sort.Strings(unknown)
		for _, text := range unknown {
			reportUnknown(p, source.ParsePath(text))
		}
	},
	Peers: map[string][]string{"kube-linter": {"schema-validation"}},
}

const refused = "kubectl apply refuses it, and other tools drop it without a word"

func reportUnknown(p *rule.Pass, steps source.Path) {
	path := rule.FieldPath(steps.String())
	name, parent := steps[len(steps)-1].Key, steps[:len(steps)-1]
	f := rule.Finding{
		Field: path, AtKey: true, Severity: rule.Medium, Certainty: rule.Likely, // a newer version of Kubernetes may have it
		Message: fmt.Sprintf("%s has no field %q: %s", fieldOrKind(p, parent), name, refused),
		Label:   "not a field of " + fieldOrKind(p, parent),
	}
	levels := typesOf(reflect.TypeOf(p.Object.Typed), parent)
	if levels == nil {
		p.Report(f)
		return
	}
	inside := levels[len(levels)-1]
	if home := belongs(p, levels, parent, name); home != "" {
		f.Severity, f.Certainty = rule.High, rule.Certain
		f.Message = fmt.Sprintf("%s has no field %q, it belongs into %s: %s", fieldOrKind(p, parent), name, home, refused)
		f.Label = "belongs into " + home
		p.Report(f).WithFix(rule.Fix{Title: "move it into " + home, Applicability: rule.NeedsThought, Caution: "once the field is read, what it says takes effect for the first time"})
		return
	}
	if near := knowledge.Nearest(name, fieldNames(inside)); near != "" && alike(name, near) {
		f.Severity, f.Certainty = rule.High, rule.Certain
		f.Message = fmt.Sprintf("%s has no field %q but %q: %s", fieldOrKind(p, parent), name, near, refused)
		f.Label = fmt.Sprintf("%q?", near)
		fix := rule.Fix{Title: fmt.Sprintf("write %s", near), Applicability: rule.NeedsThought, Caution: "once the field is read, what it says takes effect for the first time"}
		target := rule.FieldPath(append(append(source.Path{}, parent...), source.Step{Key: near, Index: -1}).String())
		// A Secret's values go nowhere, patches included.
		if value, ok := rule.ValueAt(p.Object, path); ok && p.Object.GroupKind() != snapshot.SecretKind {
			if _, taken := rule.ValueAt(p.Object, target); !taken {
				fix.Patch = p.Put(target, value).And(p.Drop(path))
			}
		}
		p.Report(f).WithFix(fix)
		return
	}
	p.Report(f)
}

// alike refuses what only contains the other word: "port" in "ports" is a mistake, "name" in
// "hostname" is another thing.
func alike(name, near string) bool {
	longer, shorter := max(len(name), len(near)), min(len(name), len(near))
	return longer-shorter <= longer/3
}

func fieldOrKind(p *rule.Pass, parent source.Path) string {
	if len(parent) == 0 {
		return p.Object.Kind
	}
	return parent.String()
}

// typesOf are the Go types from the object down to the place, or nil when the place is not one of
// the type's.
func typesOf(t reflect.Type, steps source.Path) []reflect.Type {
	t = bare(t)
	levels := []reflect.Type{t}
	for _, s := range steps {
		switch t.Kind() {
		case reflect.Struct:
			next, ok := fieldsOf(t)[s.Key]
			if !ok {
				return nil
			}
			t = bare(next)
		case reflect.Slice, reflect.Map:
			t = bare(t.Elem())
		default:
			return nil
		}
		levels = append(levels, t)
	}
	return levels
}

func bare(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// fieldsOf are the fields of a struct by their JSON names, with those of what is inlined.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return fields
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case name == "" && f.Anonymous:
			for k, v := range fieldsOf(bare(f.Type)) {
				fields[k] = v
			}
		case name != "":
			fields[name] = f.Type
		}
	}
	return fields
}

func fieldNames(t reflect.Type) []string {
	fields := fieldsOf(t)
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// belongs looks one level down and all levels up for the field: an indentation too few or too many
// is the commonest way to lose one.
func belongs(p *rule.Pass, levels []reflect.Type, parent source.Path, name string) string {
	inside := levels[len(levels)-1]
	var below []string
	for _, child := range fieldNames(inside) {
		t := bare(fieldsOf(inside)[child])
		list := t.Kind() == reflect.Slice
		if list {
			t = bare(t.Elem())
		}
		if _, has := fieldsOf(t)[name]; !has {
			continue
		}
		home := child
		if list {
			home += "[]"
		}
		if _, present := rule.ValueAt(p.Object, childPath(parent, child)); present {
			return strings.TrimPrefix(parent.String()+"."+home, ".")
		}
		below = append(below, home)
	}
	for i := len(levels) - 2; i >= 0; i-- {
		if _, has := fieldsOf(levels[i])[name]; has {
			return fieldOrKind(p, parent[:i])
		}
	}
	if len(below) == 1 {
		return strings.TrimPrefix(parent.String()+"."+below[0], ".")
	}
	return ""
}

func childPath(parent source.Path, child string) *field.Path {
	if len(parent) == 0 {
		return field.NewPath(child)
	}
	return rule.FieldPath(parent.String()).Child(child)
}
