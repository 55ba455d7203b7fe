package cmd_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	maturity "github.com/kubectl-maturity/kubectl-maturity"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/companion"
)

// runMain runs the plugin as a process would, with the words after its name.
func runMain(t *testing.T, words ...string) (code int, out, errOut string) {
	t.Helper()
	streams, _, stdout, stderr := genericiooptions.NewTestIOStreams()
	code = cmd.Main(context.Background(), append([]string{"kubectl-maturity"}, words...), streams)
	return code, stdout.String(), stderr.String()
}

// golden compares with a file in testdata; UPDATE_GOLDEN=1 writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; UPDATE_GOLDEN=1 go test writes it", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; UPDATE_GOLDEN=1 go test writes it anew. Got:\n%s\nwant:\n%s", file, got, want)
	}
}

// machine is a computer with only these tools: in krew's folder, and on PATH, which it returns.
func machine(t *testing.T, receipts map[string]string, executables ...string) string {
	t.Helper()
	krewRoot, path := t.TempDir(), t.TempDir()
	t.Setenv("KREW_ROOT", krewRoot)
	t.Setenv("PATH", path)
	t.Setenv("HOME", t.TempDir())
	for name, text := range receipts {
		file := filepath.Join(krewRoot, "receipts", name+".yaml")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range executables {
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		// It fails when it is run: nothing here may run a tool.
		if err := os.WriteFile(filepath.Join(path, name), []byte("#!/bin/false\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

const kubesecReceipt = `
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata: {name: kubesec-scan}
spec: {version: v1.1.0}
status: {source: {name: default}}
`

func TestPlugins(t *testing.T) {
	for _, tc := range []struct {
		name        string
		args        []string
		receipts    map[string]string
		executables []string
	}{
		{name: "nothing-here", args: []string{"plugins"}},
		{name: "krew-and-path", args: []string{"plugins"}, receipts: map[string]string{"kubesec-scan": kubesecReceipt}, executables: []string{"kubectl-krew", "polaris", "nova"}},
		{name: "krew-missing-one", args: []string{"plugins"}, executables: []string{"kubectl-krew"}},
		{name: "wide", args: []string{"plugins", "-o", "wide"}, executables: []string{"kubectl-krew"}},
		{name: "json", args: []string{"plugins", "-o", "json"}, receipts: map[string]string{"kubesec-scan": kubesecReceipt}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			machine(t, tc.receipts, tc.executables...)
			code, out, errOut := runMain(t, tc.args...)
			if code != 0 || errOut != "" {
				t.Fatalf("exit code %d, stderr: %s", code, errOut)
			}
			golden(t, filepath.Join("plugins", tc.name+".golden"), out)
		})
	}
}

func TestPluginsFitsAScreen(t *testing.T) {
	machine(t, map[string]string{"kubesec-scan": kubesecReceipt}, "polaris", "goldilocks", "nova")
	_, out, _ := runMain(t, "plugins")
	for _, line := range strings.Split(out, "\n") {
		if len(line) > 100 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}

func TestPluginsFormatsAgree(t *testing.T) {
	machine(t, nil)
	decode := func(format string) map[string]any {
		code, out, errOut := runMain(t, "plugins", "-o", format)
		var v map[string]any
		if err := yaml.Unmarshal([]byte(out), &v); err != nil || code != 0 {
			t.Fatalf("-o %s: exit code %d, %v, %s", format, code, err, errOut)
		}
		return v
	}
	j, y := decode("json"), decode("yaml")
	if a, b := mustJSON(t, j), mustJSON(t, y); a != b {
		t.Errorf("json and yaml differ:\n%s\n%s", a, b)
	}
	if j["kind"] != "Plugins" || j["apiVersion"] != "kubectl-maturity/v1alpha1" {
		t.Errorf("got kind %v of %v", j["kind"], j["apiVersion"])
	}
}

func TestPluginsBrokenReceipt(t *testing.T) {
	machine(t, map[string]string{"kubesec-scan": "a: [\x1b[31m"})
	code, out, errOut := runMain(t, "plugins")
	if code != 0 || !strings.HasPrefix(errOut, "Warning: kubesec: cannot read krew's receipt") || strings.Contains(errOut, "\x1b") {
		t.Errorf("exit code %d, stderr: %q", code, errOut)
	}
	if strings.Contains(out, "kubectl krew install") {
		t.Errorf("a tool that may be here is not offered for installation:\n%s", out)
	}
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "kubesec ") && strings.Fields(line)[1] != "unknown" {
			t.Errorf("neither here nor absent: %s", line)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What a companion claims to close must be a check that exists.
func TestCatalogueNamesRealChecks(t *testing.T) {
	catalogue, err := companion.Load(maturity.Plugins)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range checks.All() {
		ids = append(ids, c.ID)
	}
	if err := catalogue.Validate(ids); err != nil {
		t.Error(err)
	}
}
