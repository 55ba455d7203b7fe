package revision

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

// Change is one field that differs between two revisions.
type Change struct {
	// Path is the field in the workload, Named the same with list items by their name.
	Path  *field.Path
	Named string
	// Before and After are its values as people write them, without credentials; "" where the field is
	// absent.
	Before, After string
}

// restartedAt is what `kubectl rollout restart` writes into a template: a revision without a change.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// converter knows which lists of a pod template have keys, and which. Reading the API's schema takes
// a while: only those pay for it who have two revisions to compare.
var converter = sync.OnceValue(func() managedfields.TypeConverter {
	return applyconfigurations.NewTypeConverter(scheme.Scheme)
})

// compare finds the fields in which two templates differ; ok is false where one of them does not fit
// the API's schema.
func compare(from, to *corev1.PodTemplateSpec) (changes []Change, ok bool) {
	before, after := wrap(from), wrap(to)
	a, err := converter().ObjectToTyped(before)
	if err != nil {
		return nil, false
	}
	b, err := converter().ObjectToTyped(after)
	if err != nil {
		return nil, false
	}
	c, err := a.Compare(b)
	if err != nil {
		return nil, false
	}
	old, present := content(before), content(after)
	for _, set := range []struct {
		paths *fieldpath.Set
		in    map[string]any
	}{{c.Removed, old}, {c.Modified, present}, {c.Added, present}} {
		for _, path := range tops(set.paths) {
			at, found := locate(set.in, path)
			if !found {
				continue
			}
			change := Change{Path: at.path, Named: at.named}
			if was, ok := locate(old, path); ok {
				change.Before = word(was.value, at.secret)
			}
			if is, ok := locate(present, path); ok {
				change.After = word(is.value, at.secret)
			}
			if change.Before != change.After || at.secret {
				changes = append(changes, change)
			}
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Named, b.Named) })
	return changes, true
}

// wrap makes an object of a template: only whole objects have a schema.
func wrap(t *corev1.PodTemplateSpec) *corev1.PodTemplate {
	o := &corev1.PodTemplate{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodTemplate"}, Template: *t.DeepCopy()}
	delete(o.Template.Annotations, restartedAt)
	return o
}

func content(o *corev1.PodTemplate) map[string]any {
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil
	}
	return m
}

// tops are the paths of a set that are below no other of its paths: of a probe that was added, the
// probe, and not each of its fields.
func tops(set *fieldpath.Set) []fieldpath.Path {
	var list []fieldpath.Path
	set.Iterate(func(p fieldpath.Path) {
		for n := 1; n < len(p); n++ {
			if set.Has(p[:n]) {
				return
			}
		}
		list = append(list, p.Copy())
	})
	return list
}

// place is what stands at a path.
type place struct {
	path   *field.Path
	named  string
	value  any
	secret bool // its name says that it may hold a credential
}

// locate follows a path, with keys for list items, through JSON-like content.
func locate(root any, path fieldpath.Path) (place, bool) {
	at := place{path: field.NewPath("spec"), named: "spec", value: root}
	for _, e := range path {
		switch {
		case e.FieldName != nil:
			m, ok := at.value.(map[string]any)
			if !ok {
				return at, false
			}
			if at.value, ok = m[*e.FieldName]; !ok {
				return at, false
			}
			at.path, at.named = at.path.Child(*e.FieldName), at.named+"."+*e.FieldName
		default:
			list, ok := at.value.([]any)
			if !ok {
				return at, false
			}
			i := slices.IndexFunc(list, func(item any) bool { return is(item, e) })
			if e.Index != nil {
				i = *e.Index
			}
			if i < 0 || i >= len(list) {
				return at, false
			}
			at.value = list[i]
			name := strconv.Itoa(i)
			if m, ok := at.value.(map[string]any); ok {
				if n, ok := m["name"].(string); ok && n != "" {
					name = n
					at.secret = at.secret || strings.HasSuffix(at.named, ".env") && knowledge.SecretName(n)
				}
			}
			at.path, at.named = at.path.Index(i), at.named+"["+name+"]"
		}
	}
	return at, true
}

// is tells whether a list item is the one that a path element means.
func is(item any, e fieldpath.PathElement) bool {
	if e.Value != nil {
		return value.Equals(value.NewValueInterface(item), *e.Value)
	}
	if e.Key == nil {
		return false
	}
	m, ok := item.(map[string]any)
	if !ok {
		return false
	}
	for _, f := range *e.Key {
		if have, ok := m[f.Name]; ok && !value.Equals(value.NewValueInterface(have), f.Value) {
			return false
		}
	}
	return true
}

// letters is how much of a value is said.
const letters = 80

// word writes a value as people do: text as it is, everything else as JSON.
func word(v any, secret bool) string {
	if secret {
		return "***"
	}
	text, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		text = string(data)
	}
	text = knowledge.Mask(text)
	if r := []rune(text); len(r) > letters {
		text = string(r[:letters]) + "..."
	}
	return text
}
