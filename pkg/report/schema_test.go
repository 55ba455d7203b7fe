package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Every capture, explained and checked, gives a report that the committed schema describes.
func TestSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := engine.New(checks.All(), causes.All())
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("../../test/captures/*/README.txt")
	if err != nil || len(folders) == 0 {
		t.Fatal("no captures", err)
	}
	for _, file := range folders {
		dir := filepath.Dir(file)
		s, fetcher, _, err := collect.Archive(os.DirFS(dir))
		if err != nil {
			t.Fatal(dir, err)
		}
		targets, err := collect.TargetsIn(s, "", nil, nil)
		if err != nil {
			t.Fatal(dir, err)
		}
		if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
			t.Fatal(dir, err)
		}
		explain := report.NewBuilder("explain", s, eng)
		explain.Explain(eng.Explain(s, targets))
		validate(t, schema, dir, explain.Report)

		check := report.NewBuilder("check", s, eng)
		check.Broken(eng.Broken(s, nil))
		check.Check(eng.Check(s, nil))
		check.UnknownKinds(s)
		validate(t, schema, dir, check.Report)
	}
	b, res := judged(t, baselinePods, nil)
	b.Without(report.NewBaseline(b.Report), "b.json", res, nil, false)
	b.Report.Config, b.Report.Ignored, b.Report.Baseline.Written = "maturity.yaml", []string{"a.yaml"}, true
	validate(t, schema, "what somebody decided", b.Report)
	validate(t, schema, "an empty report", report.New("check", snapshot.New(time.Unix(0, 0))))
}

func validate(t *testing.T, schema *jsonschema.Schema, name string, r *report.Report) {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s, %s: %v", name, r.Command, err)
	}
}
