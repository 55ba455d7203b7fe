package snapshot

import (
	"bytes"
	"sort"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// FieldManager is who wrote which fields, and when: what is kept of metadata.managedFields.
type FieldManager struct {
	Name   string
	Time   time.Time
	fields []byte
}

func fieldManagers(entries []metav1.ManagedFieldsEntry) []FieldManager {
	var managers []FieldManager
	for _, e := range entries {
		if e.Subresource != "" || e.FieldsV1 == nil {
			continue // status and scale are written by controllers; nobody edits them
		}
		m := FieldManager{Name: e.Manager, fields: e.FieldsV1.GetRawBytes()}
		if e.Time != nil {
			m.Time = e.Time.Time
		}
		managers = append(managers, m)
	}
	return managers
}

// ManagerOf is the manager that set the field at the path of keys, where list items are named by
// "[name]", newest first; nil when nobody is recorded.
func (o *Object) ManagerOf(steps ...string) *FieldManager {
	var path fieldpath.Path
	for _, s := range steps {
		if len(s) > 2 && s[0] == '[' {
			name := s[1 : len(s)-1]
			fields := value.FieldList{{Name: "name", Value: value.NewValueInterface(name)}}
			path = append(path, fieldpath.PathElement{Key: &fields})
			continue
		}
		step := s
		path = append(path, fieldpath.PathElement{FieldName: &step})
	}
	var found *FieldManager
	for i := range o.Managers {
		m := &o.Managers[i]
		set := &fieldpath.Set{}
		if set.FromJSON(bytes.NewReader(m.fields)) != nil || !set.Has(path) {
			continue
		}
		if found == nil || m.Time.After(found.Time) {
			found = m
		}
	}
	return found
}

// dataKeys reads the names of a Secret's entries from who wrote them, which metadata-only reads
// still carry.
func dataKeys(entries []metav1.ManagedFieldsEntry) (keys []string, known bool) {
	seen := map[string]bool{}
	for _, e := range entries {
		if e.FieldsV1 == nil {
			continue
		}
		set := &fieldpath.Set{}
		if set.FromJSON(bytes.NewReader(e.FieldsV1.GetRawBytes())) != nil {
			continue
		}
		known = true
		for _, top := range []string{"data", "stringData"} {
			step := top
			set.WithPrefix(fieldpath.PathElement{FieldName: &step}).Iterate(func(p fieldpath.Path) {
				if len(p) == 1 && p[0].FieldName != nil && !seen[*p[0].FieldName] {
					seen[*p[0].FieldName] = true
					keys = append(keys, *p[0].FieldName)
				}
			})
		}
	}
	return keys, known
}

func sortStrings(s []string) { sort.Strings(s) }
