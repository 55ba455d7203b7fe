package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestCompletionCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("prints a copy command there")
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh to run the printed command with")
	}
	bin := filepath.Dir(sh)
	home := filepath.Join(t.TempDir(), "it's my home")
	krew := filepath.Join(home, ".krew")
	for name, tc := range map[string]struct {
		path   []string
		folder string
		mkdir  bool
	}{
		"no folder on PATH": {path: []string{filepath.Join(krew, "bin")}, folder: filepath.Join(home, ".local", "bin"), mkdir: true},
		"~/.local/bin":      {path: []string{filepath.Join(krew, "bin"), filepath.Join(home, ".local", "bin")}, folder: filepath.Join(home, ".local", "bin")},
		"~/bin":             {path: []string{filepath.Join(krew, "bin"), filepath.Join(home, "bin") + "/"}, folder: filepath.Join(home, "bin")},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.RemoveAll(home); err != nil {
				t.Fatal(err)
			}
			for _, dir := range tc.path {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			plugin := filepath.Join(krew, "bin", "kubectl-maturity")
			if err := os.WriteFile(plugin, []byte("#!/bin/sh\necho completed\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("HOME", home)
			t.Setenv("KREW_ROOT", "")
			t.Setenv("PATH", strings.Join(tc.path, ":"))
			code, script, errOut := runMain(t, "completion")
			if code != 0 || errOut != "" {
				t.Fatalf("exit code %d, stderr: %s", code, errOut)
			}
			if tc.mkdir != strings.Contains(script, "mkdir -p") {
				t.Errorf("mkdir wanted: %v, got:\n%s", tc.mkdir, script)
			}
			link := filepath.Join(tc.folder, "kubectl_complete-maturity")
			if _, err := os.Lstat(link); err == nil {
				t.Fatal("printing the command must not run it")
			}
			t.Setenv("PATH", bin)
			run := exec.Command(sh)
			run.Stdin = strings.NewReader(script)
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s\nof:\n%s", err, out, script)
			}
			if to, err := os.Readlink(link); err != nil || to != plugin {
				t.Errorf("the link names %q, %v; want %q", to, err, plugin)
			}
		})
	}
}

func TestCompletionSaysWhenOn(t *testing.T) {
	path := machine(t, nil, "kubectl-maturity", "kubectl_complete-maturity")
	_, out, _ := runMain(t, "completion")
	if !strings.HasPrefix(out, "# On already, by "+path) && runtime.GOOS != "windows" {
		t.Errorf("got:\n%s", out)
	}
}
