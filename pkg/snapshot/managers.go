package snapshot

import (
	"bytes"
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// FieldManager is who wrote which fields, and when: what is kept of metadata.managedFields.
type FieldManager struct {
	Name       string
	APIVersion string // in which it wrote them
	Time       time.Time
	Applied    bool // by server-side apply
	fields     []byte
}

func fieldManagers(entries []metav1.ManagedFieldsEntry) []FieldManager {
	var managers []FieldManager
	for _, e := range entries {
		if e.Subresource != "" || e.FieldsV1 == nil {
			continue // status and scale are written by controllers; nobody edits them
		}
		m := FieldManager{
			Name: e.Manager, APIVersion: e.APIVersion, Applied: e.Operation == metav1.ManagedFieldsOperationApply, fields: e.FieldsV1.GetRawBytes(),
		}
		if e.Time != nil {
			m.Time = e.Time.Time
		}
		managers = append(managers, m)
	}
	return managers
}

// ManagerOf is who set the field at a path such as spec.template.spec.containers[0].image last or, where
// nobody is recorded for it, the field that it belongs to; nil when nobody is recorded at all.
func (o *Object) ManagerOf(field string) *FieldManager {
	if len(o.Managers) == 0 {
		return nil
	}
	path := o.keyed(source.ParsePath(field))
	for n := len(path); n > 0; n-- {
		var found *FieldManager
		for i := range o.Managers {
			m := &o.Managers[i]
			set := &fieldpath.Set{}
			if set.FromJSON(bytes.NewReader(m.fields)) != nil || !set.Has(path[:n]) {
				continue
			}
			if found == nil || m.Time.After(found.Time) {
				found = m
			}
		}
		if found != nil || path[n-1].Key != nil { // whoever set another field of the list's item did not set this one
			return found
		}
	}
	return nil
}

// keyed is a path as the API records it: items of lists by their name. It ends where a list has no
// names: such a list is set as a whole, or by other keys.
func (o *Object) keyed(steps source.Path) fieldpath.Path {
	var path fieldpath.Path
	var at any = o.Raw()
	for _, s := range steps {
		switch v := at.(type) {
		case map[string]any:
			key := s.Key
			path = append(path, fieldpath.PathElement{FieldName: &key})
			at = v[key]
		case []any:
			i, err := strconv.Atoi(s.Key)
			if err != nil || i < 0 || i >= len(v) {
				return path
			}
			item, _ := v[i].(map[string]any)
			name, ok := item["name"].(string)
			if !ok {
				return path
			}
			path = append(path, fieldpath.PathElement{Key: &value.FieldList{{Name: "name", Value: value.NewValueInterface(name)}}})
			at = item
		default:
			return path
		}
	}
	return path
}

// dataKeys reads the names of a Secret's entries from who wrote them, which metadata-only reads
// still carry.
func dataKeys(entries []metav1.ManagedFieldsEntry) (keys []string, known bool) {
	for _, e := range entries {
		if e.FieldsV1 == nil {
			continue
		}
		// A field's name is "f:" and its name. Source: structured-merge-diff, fieldpath/serialize-pe.go. Its
		// own reader takes 4 KiB for each, and clusters have thousands of Secrets.
		var fields struct {
			Data       map[string]json.RawMessage `json:"f:data"`
			StringData map[string]json.RawMessage `json:"f:stringData"`
			BinaryData map[string]json.RawMessage `json:"f:binaryData"`
		}
		if json.Unmarshal(e.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		known = true
		for _, entries := range []map[string]json.RawMessage{fields.Data, fields.StringData, fields.BinaryData} {
			for field := range entries {
				if name, ok := strings.CutPrefix(field, "f:"); ok && !slices.Contains(keys, name) {
					keys = append(keys, name)
				}
			}
		}
	}
	return keys, known
}

func sortStrings(s []string) { sort.Strings(s) }
