package snapshot

import "sort"

// Fields are the fields that the manager wrote, as metadata.managedFields has them (FieldsV1): names, and
// no values.
func (m FieldManager) Fields() []byte { return m.fields }

// ProvenAbsent are the objects of which the server said that they do not exist, in a stable order.
func (s *Snapshot) ProvenAbsent() []Want {
	var list []Want
	for w, out := range s.outcomes {
		if w.Verb == Get && out.State == Absent && out.Proven {
			list = append(list, w)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].String()+list[i].Namespace < list[j].String()+list[j].Namespace })
	return list
}
