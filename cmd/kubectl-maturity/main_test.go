package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
)

// TestMain lets the test binary be the plugin when a link calls it by the plugin's names: main
// itself is tested, without building it once more.
func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	if strings.HasPrefix(name, cmd.CompletionPrefix) || name == "kubectl-maturity" {
		main()
	}
	os.Exit(m.Run())
}

func TestCompletionLink(t *testing.T) {
	for _, tc := range []struct {
		words []string
		want  []string
	}{
		{[]string{"plug"}, []string{"plugins"}},
		{[]string{"plugins", "-o", ""}, []string{"json", "yaml", "wide"}},
		{[]string{"version", "-o", ""}, nil},
	} {
		out := call(t, cmd.CompletionPrefix+"maturity", tc.words...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, ":") {
			t.Errorf("%q: kubectl reads a directive from the last line, got %q", tc.words, last)
		}
		for i, want := range tc.want {
			if i >= len(lines)-1 || strings.Split(lines[i], "\t")[0] != want {
				t.Errorf("%q: want %q, got:\n%s", tc.words, tc.want, out)
				break
			}
		}
	}
}

func TestPluginName(t *testing.T) {
	if out := call(t, "kubectl-maturity", "version"); !strings.HasPrefix(out, "kubectl maturity ") {
		t.Errorf("got %q", out)
	}
}

// call runs the plugin through a link of this name, and returns its output.
func call(t *testing.T, name string, words ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(self, link); err != nil {
		t.Skipf("no links here: %v", err)
	}
	run := exec.Command(link, words...)
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, words, err)
	}
	return string(out)
}
