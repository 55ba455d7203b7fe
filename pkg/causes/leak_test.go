package causes_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// A connection string is pointed at by the variable that holds it; the password in it is not printed.
func TestNoPasswordInReport(t *testing.T) {
	const state, password = "dependency-env", "hunter22"
	dir := filepath.Join(captures, state)
	if data, err := os.ReadFile(filepath.Join(dir, "pods.yaml")); err != nil || !strings.Contains(string(data), password) {
		t.Fatalf("the capture does not hold what must not be printed: %v", err)
	}
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	s, fetcher, _, err := collect.Archive(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	targets, err := collect.TargetsIn(s, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
		t.Fatal(err)
	}
	diagnoses, failed := eng.Explain(s, targets)
	b := report.NewBuilder("explain", s, eng)
	b.Explain(diagnoses, failed)
	data, err := json.Marshal(b.Report)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Report.Findings) == 0 || strings.Contains(string(data), password) {
		t.Errorf("%d findings, and the report holds the password: %v", len(b.Report.Findings), strings.Contains(string(data), password))
	}
}

// Options of a runtime may stand in a ConfigMap beside a password: the finding points at who takes them, and
// neither the drawing nor a command holds the value.
func TestNoPasswordOfConfigMap(t *testing.T) {
	const state, password = "options-from-configmap", "hunter22"
	dir := filepath.Join(captures, state)
	files := fstest.MapFS{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("--max-old-space-size=64", "--max-old-space-size=64 --password="+password, "-Xmx64m", "-Xmx64m -Djavax.net.ssl.keyStorePassword="+password).Replace(string(data))
		files[e.Name()] = &fstest.MapFile{Data: []byte(text)}
	}
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	s, fetcher, _, err := collect.Archive(files)
	if err != nil {
		t.Fatal(err)
	}
	targets, err := collect.TargetsIn(s, "", nil, []string{"deploy/node-from", "deploy/java-key"})
	if err != nil {
		t.Fatal(err)
	}
	if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
		t.Fatal(err)
	}
	diagnoses, failed := eng.Explain(s, targets)
	b := report.NewBuilder("explain", s, eng)
	b.Explain(diagnoses, failed)
	data, err := json.Marshal(b.Report)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Report.Findings) < 2 || strings.Contains(string(data), password) {
		t.Errorf("%d findings, and the report holds the password: %v", len(b.Report.Findings), strings.Contains(string(data), password))
	}
	if !strings.Contains(string(data), "--max-old-space-size=64") {
		t.Error("the flag itself is not told")
	}
}
