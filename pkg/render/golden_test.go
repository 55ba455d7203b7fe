package render_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// themes are the ways in which the same report is printed.
var themes = []struct {
	name           string
	color, unicode bool
	width          int
}{
	{"plain", false, true, 0},
	{"ascii-80", false, false, 80},
	{"color-120", true, true, 120},
}

// golden compares got with a file, or writes it anew with UPDATE_GOLDEN=1.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; write it with make update-golden", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; read it, and write it anew with make update-golden if it is right\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestExplain(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, state, target string }{
		{"oomkilled", "oomkilled", "deploy/web"}, {"slow-start", "slow-start", "deploy/web"}, {"secret-key-missing", "secret-key-missing", "deploy/web"},
		{"pending-cpu", "pending-cpu", "deploy/web"}, {"healthy", "healthy", "deploy/web"}, {"never-ready", "never-ready", "deploy/web"},
		{"no-cause", "fixes-odd", "pod/no-user-namespace"}, {"no-command", "fixes-odd", "pod/image-volume"}, {"no-undo", "fixes-odd", "deploy/back"},
	} {
		s, fetcher, _, err := collect.Archive(os.DirFS(filepath.Join("../../test/captures", c.state)))
		if err != nil {
			t.Fatal(err)
		}
		s.Context = "prod"
		targets, err := collect.TargetsIn(s, "", nil, []string{c.target})
		if err != nil {
			t.Fatal(err)
		}
		if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
			t.Fatal(err)
		}
		b := report.NewBuilder("explain", s, eng)
		b.Explain(eng.Explain(s, targets))
		for _, th := range themes {
			var out bytes.Buffer
			if err := render.Explain(&out, b.Report, render.NewTheme(th.color, th.unicode, th.width), true, false); err != nil {
				t.Fatal(err)
			}
			golden(t, fmt.Sprintf("explain/%s.%s", c.name, th.name), out.Bytes())
		}
	}
}

// printed are the checks of TestCheck.
var printed = []string{
	"caps-drop-all", "cpu-request-missing", "image-latest", "liveness-missing", "memory-limit-missing", "memory-request-missing", "pdb-blocks", "pdb-missing",
	"privilege-escalation", "privileged", "readiness-missing", "run-as-nonroot", "schema-invalid", "seccomp-missing", "svc-port-mismatch", "svc-selects-nothing",
}

func TestCheck(t *testing.T) {
	// A set that does not grow, so that these pages change only when what prints them does.
	eng, err := engine.New(slices.DeleteFunc(checks.All(), func(c *rule.Check) bool { return !slices.Contains(printed, c.ID) }), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"six-faults", "clean"} {
		file := filepath.Join("testdata", "check", name+".yaml")
		s, problems, err := collect.Files(collect.FileOptions{Paths: []string{file}, Namespace: "default"})
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		b := report.NewBuilder("check", s, eng)
		b.Check(eng.Check(s, nil))
		for _, th := range themes {
			for _, wide := range []bool{false, true} {
				var out bytes.Buffer
				if err := render.Check(&out, b.Report, render.NewTheme(th.color, th.unicode, th.width), wide); err != nil {
					t.Fatal(err)
				}
				golden(t, fmt.Sprintf("check/%s.%s.wide-%v", name, th.name, wide), out.Bytes())
			}
		}
	}
}
