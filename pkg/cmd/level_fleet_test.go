package cmd

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

// fleetOf puts captured folders side by side, and one that could not be read.
func fleetOf(t *testing.T, dirs ...string) *report.Fleet {
	t.Helper()
	contexts := []report.FleetContext{{Context: "gone", Error: "nobody serves it"}}
	standards := map[string]*model.Standard{}
	for _, dir := range dirs {
		o := &levelOptions{rootOptions: newRootOptions(genericiooptions.NewTestIOStreamsDiscard()), print: newPrintFlags("wide"), from: dir, allNamespaces: true}
		if err := o.complete(); err != nil {
			t.Fatal(err)
		}
		s, _, namespace, err := o.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(dir)
		contexts = append(contexts, report.FleetContext{Context: name, Level: o.place(s, namespace)})
		standards[name] = model.NewStandard(s, namespace)
	}
	return report.NewFleet("", contexts, standards)
}

// The schema describes what comes of captures, and the same objects give the same bytes.
func TestFleetSchema(t *testing.T) {
	schema := schemaOf(t, "fleet.schema.json")
	var before []byte
	for range 2 {
		f := fleetOf(t, "../../test/captures/healthy", "../../test/captures/quota-exceeded")
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(data, before) {
			t.Error("not the same twice")
		}
		before = data
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Error(err)
		}
		if len(f.Standard) == 0 || len(f.Of(report.VerdictUnknown)) == 0 || f.Evaluated() || !slices.Equal(f.Read(), []string{"healthy", "quota-exceeded"}) {
			t.Errorf("rows %d, unknown %d, evaluated %v, read %q", len(f.Standard), len(f.Of(report.VerdictUnknown)), f.Evaluated(), f.Read())
		}
	}
}
