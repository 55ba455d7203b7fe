package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// levels places the captured folder.
func levels(t *testing.T, dir string) *report.Level {
	t.Helper()
	o := &levelOptions{rootOptions: newRootOptions(genericiooptions.NewTestIOStreamsDiscard()), print: newPrintFlags("wide"), from: dir}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	s, _, namespace, err := o.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o.place(s, namespace)
}

// schemaOf is a schema of what is printed; they name each other.
func schemaOf(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{"schema.json", "level.schema.json", "fleet.schema.json"} {
		data, err := os.ReadFile(filepath.Join("..", "report", name))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(doc.(map[string]any)["$id"].(string), doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("https://github.com/kubectl-maturity/kubectl-maturity/pkg/report/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Every capture is placed, the schema describes what comes of it, and the same objects give the same bytes.
func TestLevelOfCaptures(t *testing.T) {
	schema := schemaOf(t, "level.schema.json")
	folders, err := filepath.Glob("../../test/captures/*/README.txt")
	if err != nil || len(folders) == 0 {
		t.Fatal("no captures", err)
	}
	for _, file := range folders {
		dir := filepath.Dir(file)
		data, err := json.Marshal(levels(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(levels(t, dir))
		if err != nil || !bytes.Equal(data, again) {
			t.Errorf("%s: two placements differ (%v)", dir, err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// Every check that a gate of the program's model names is there.
func TestModelNamesChecks(t *testing.T) {
	file := filepath.Join("..", "model", "model.yaml")
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	if _, err := readModel(file); err != nil {
		t.Error(err)
	}
}

// An empty cluster has no place, and none is claimed.
func TestLevelOfNothing(t *testing.T) {
	o := &levelOptions{rootOptions: newRootOptions(genericiooptions.NewTestIOStreamsDiscard()), print: newPrintFlags("wide")}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	l := o.place(snapshot.New(time.Unix(0, 0)), "")
	if l.Phase.Lo != "prepare" {
		t.Errorf("an unread cluster is placed in %s", l.Phase.Lo)
	}
	for _, d := range l.Dimensions {
		for _, g := range d.Gates {
			if g.Verdict == report.VerdictPass || g.Verdict == report.VerdictFail {
				t.Errorf("%s: %s of nothing that was read", g.ID, g.Verdict)
			}
		}
	}
}
