package causes_test

import (
	"context"
	"encoding/json"
	"io/fs"
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

// A log is quoted, and what in it is a credential is not: in the forms in which clients and tools print them.
func TestNoPasswordOfLog(t *testing.T) {
	const state, pod, password = "fixes-odd", "redis-url", "pw99secret"
	dir := os.DirFS(filepath.Join(captures, state))
	log, err := fs.ReadFile(dir, "log-"+pod+"-app.txt")
	if err != nil || !strings.Contains(string(log), "redis://:"+password+"@") {
		t.Fatalf("the capture does not hold what must not be printed: %v", err)
	}
	pods, err := fs.ReadFile(dir, "pods.yaml")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"",
		"fatal: open redis://:pw99secret@cache:6379/0: dial tcp 10.0.0.5:6379: connect: connection refused",
		"fatal: root:pw99secret@tcp(db:3306)/shop: dial tcp 10.0.0.5:3306: connect: connection refused",
		"migrate --db-pass pw99secret: exit status 1",
		"command failed: mysql -uroot -ppw99secret -h db shop",
		"HTTP 403: apikey pw99secret was revoked",
		"Error: DB_PASS=pw99secret is no valid password",
		"cannot upload to https://shop.example/b?sig=pw99secret&se=2",
	} {
		files := fstest.MapFS{"pods.yaml": {Data: pods}, "log-" + pod + "-app.txt": {Data: log}}
		if line != "" {
			files["log-"+pod+"-app.txt"] = &fstest.MapFile{Data: []byte("starting\n" + line + "\n")}
		}
		s, fetcher, _, err := collect.Archive(files)
		if err != nil {
			t.Fatal(err)
		}
		targets, err := collect.TargetsIn(s, "", nil, []string{"pod/" + pod})
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
		if len(b.Report.Findings) == 0 || !strings.Contains(string(data), "***") || strings.Contains(string(data), password) {
			t.Errorf("%q: %d findings, and the report holds the password: %v", line, len(b.Report.Findings), strings.Contains(string(data), password))
		}
	}
}
