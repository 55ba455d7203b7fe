package snapshot

import (
	"slices"
	"testing"
)

func TestLeaves(t *testing.T) {
	for name, tt := range map[string]struct {
		fields string
		want   []string
	}{
		"a field of a named item": {`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:resources":{"f:limits":{"f:memory":{}}}}}}}}}`,
			[]string{"spec.template.spec.containers[web].resources.limits.memory"}},
		"an item as a whole": {`{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:targetPort":{}}}}}`, []string{"spec.ports[port=80,protocol=TCP].targetPort"}},
		"a key with dots":    {`{"f:metadata":{"f:annotations":{".":{},"f:example.com/owner":{}},"f:finalizers":{"v:\"a\"":{}}}}`, []string{"metadata.annotations[example.com/owner]", "metadata.finalizers[a]"}},
		"nothing":            {`{}`, nil},
		"no record":          {`[`, nil},
	} {
		if got := (FieldManager{fields: []byte(tt.fields)}).Leaves(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if m := (FieldManager{fields: []byte(`{"f:metadata":{"f:labels":{}}}`)}); m.Wrote("spec") || !m.Wrote("metadata") {
		t.Error("Wrote mixes up the fields at the top")
	}
}
