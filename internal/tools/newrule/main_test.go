package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// repository is a small one, with a check, a cause and an empty list.
func repository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/maturity\n",
		"pkg/checks/efficiency/efficiency.go": `// Package efficiency holds checks.
package efficiency

import (
	"example.com/maturity/pkg/rule"
)

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{}
`,
		"pkg/checks/security/security.go": `// Package security holds checks.
package security

import (
	"embed"

	"example.com/maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{
	&HostPort,
	&Privileged,
}
`,
		"pkg/checks/security/host_port.go":     "package security\n\nvar HostPort = rule.Check{ID: \"host-port\"}\n",
		"pkg/checks/security/privileged.go":    "package security\n\nvar Privileged = rule.Check{ID: \"privileged\"}\n\nfunc Helper() {}\n",
		"pkg/checks/security/security_test.go": "package security_test\n\nfunc TestChecks(t *testing.T) { ruletest.Run(t, security.Checks...) }\n",
		"pkg/causes/memory/memory.go":          "package memory\n\nimport (\n\t\"embed\"\n)\n\n//go:embed *.md\nvar docs embed.FS\n\nvar Causes = []*rule.Cause{\n\t&OOMOwnLimit,\n}\n",
		"pkg/causes/memory/oom_own_limit.go":   "package memory\n\nvar OOMOwnLimit = rule.Cause{Title: \"t\", ID: \"oom-own-limit\"}\n",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, file ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(file...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func start(t *testing.T, root string, words ...string) string {
	t.Helper()
	var out strings.Builder
	if err := run(root, words, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestFirstCheck(t *testing.T) {
	root := repository(t)
	out := start(t, root, "check", "emptydir-no-limit", "efficiency")
	const want = `// Package efficiency holds checks.
package efficiency

import (
	"embed"

	"example.com/maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this dimension, by name.
var Checks = []*rule.Check{
	&EmptydirNoLimit,
}
`
	if got := read(t, root, "pkg/checks/efficiency/efficiency.go"); got != want {
		t.Errorf("got:\n%s", got)
	}
	for _, name := range []string{
		"efficiency.go", "efficiency_test.go", "emptydir_no_limit.go", "emptydir_no_limit.md",
		"testdata/emptydir-no-limit/fires.yaml", "testdata/emptydir-no-limit/lookalike.yaml", "testdata/emptydir-no-limit/silent.yaml",
	} {
		if !strings.Contains(out, "wrote pkg/checks/efficiency/"+name+"\n") {
			t.Errorf("%s is not among what was written:\n%s", name, out)
		}
		if text := read(t, root, "pkg/checks/efficiency", name); strings.Contains(text, "«") || text == "" {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if !strings.Contains(read(t, root, "pkg/checks/efficiency/testdata/emptydir-no-limit/fires.yaml"), `# want emptydir-no-limit "`) {
		t.Error("the fixture that is to fire has no want")
	}
	for _, step := range []string{"  1. ", "  2. ", "  3. ", "  4. "} {
		if !strings.Contains(out, step) {
			t.Errorf("no step %q in:\n%s", step, out)
		}
	}
}

// TestOrder holds that the list is in the order of the ids, whatever the variables are called.
func TestOrder(t *testing.T) {
	root := repository(t)
	for _, id := range []string{"seccomp-missing", "caps-drop-all", "privilege-escalation", "host-pid"} {
		start(t, root, "check", id, "security")
	}
	got := read(t, root, "pkg/checks/security/security.go")
	const want = `var Checks = []*rule.Check{
	&CapsDropAll,
	&HostPID,
	&HostPort,
	&PrivilegeEscalation,
	&Privileged,
	&SeccompMissing,
}
`
	if !strings.HasSuffix(got, want) || strings.Count(got, "embed") != 3 {
		t.Errorf("got:\n%s", got)
	}
	if text := read(t, root, "pkg/checks/security/security_test.go"); strings.Contains(text, "example.com") {
		t.Errorf("the test that was there is written anew:\n%s", text)
	}
}

func TestCause(t *testing.T) {
	root := repository(t)
	out := start(t, root, "cause", "oom-node", "memory")
	if got := read(t, root, "pkg/causes/memory/memory.go"); !strings.HasSuffix(got, "var Causes = []*rule.Cause{\n\t&OOMNode,\n\t&OOMOwnLimit,\n}\n") {
		t.Errorf("got:\n%s", got)
	}
	if strings.Contains(out, "testdata") || !strings.Contains(out, "test/captures/oom-node") {
		t.Errorf("got:\n%s", out)
	}
}

func TestRefuses(t *testing.T) {
	root := repository(t)
	if err := os.WriteFile(filepath.Join(root, "pkg/checks/efficiency/half_done.md"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := tree(t, root)
	for words, want := range map[string]string{
		"check emptydir":                       "usage:",
		"rule emptydir efficiency":             "neither check nor cause",
		"check EmptyDir efficiency":            "words of lower-case letters",
		"check emptydir- efficiency":           "words of lower-case letters",
		"check ../x efficiency":                "words of lower-case letters",
		"check smoke-test efficiency":          "taken for a test",
		"check emptydir-no-limit efficiencies": `no dimension "efficiencies"; did you mean "efficiency"?`,
		"check emptydir-no-limit ..":           `no dimension ".."; there are: efficiency, security.`,
		"cause oom-node storage":               `no group "storage"; there are: memory.`,
		"check privileged efficiency":          `there is a check "privileged": security.Privileged`,
		"check oom-own-limit efficiency":       `there is a cause "oom-own-limit": memory.OOMOwnLimit`,
		"check helper security":                "declares Helper",
		"check half-done efficiency":           "half_done.md is there already",
		"cause image-pull-secret-missing docs": `no group "docs"`,
	} {
		var out strings.Builder
		if err := run(root, strings.Fields(words), &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", words, err, want)
		}
	}
	if after := tree(t, root); !slices.Equal(before, after) {
		t.Errorf("a refusal left files behind: %q", after)
	}
}

func tree(t *testing.T, root string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(name string, _ os.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestCompiles holds that the templates fit the packages as they are: what they make of them is
// laid over the real ones and built.
func TestCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("calls the compiler")
	}
	repo, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, name := range []string{"go.mod", "pkg/checks", "pkg/causes"} {
		from, to := filepath.Join(repo, name), filepath.Join(root, name)
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			err = os.CopyFS(to, os.DirFS(from))
		} else {
			err = os.WriteFile(to, []byte(read(t, from)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, root)
	start(t, root, "check", "some-new-check", "efficiency")
	start(t, root, "cause", "some-new-cause", "memory")
	overlay := map[string]string{}
	for _, file := range append(tree(t, root), filepath.Join(root, "pkg/checks/efficiency/efficiency.go"), filepath.Join(root, "pkg/causes/memory/memory.go")) {
		if info, err := os.Stat(file); err == nil && !info.IsDir() && (!slices.Contains(before, file) || strings.HasSuffix(file, "efficiency.go") || strings.HasSuffix(file, "memory.go")) {
			overlay[strings.Replace(file, root, repo, 1)] = file
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(root, "overlay.json")
	if err := os.WriteFile(config, data, 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", config, "./pkg/checks/efficiency", "./pkg/causes/memory")
	build.Dir = repo
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
