package testcluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// WriteModules writes go.mod, go.sum and tools.go of modules below test/cluster/mods anew, for the
// versions that versions.env says: of those that are named by their folder, or of all.
func WriteModules(ctx context.Context, log io.Writer, dirs ...string) error {
	s, err := findSource()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if !slices.ContainsFunc(modules, func(m module) bool { return m.dir == dir }) {
			return fmt.Errorf("no module test/cluster/mods/%s", dir)
		}
	}
	for _, m := range modules {
		if len(dirs) > 0 && !slices.Contains(dirs, m.dir) {
			continue
		}
		fmt.Fprintf(log, "writing test/cluster/mods/%s for %s %s\n", m.dir, m.path, s.versions[m.version])
		if err := s.writeModule(ctx, m); err != nil {
			return fmt.Errorf("mods/%s: %w", m.dir, err)
		}
	}
	return nil
}

// upstream is what matters here of the go.mod of a module: which Go it wants, and which of its
// modules it replaces with folders of its own repository.
type upstream struct {
	Go      string
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
}

func (s *source) writeModule(ctx context.Context, m module) error {
	version := s.versions[m.version]
	dir := filepath.Join(s.dir, "mods", m.dir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	var download struct{ GoMod string }
	if err := goJSON(ctx, os.TempDir(), &download, "mod", "download", "-json", m.path+"@"+version); err != nil {
		return err
	}
	var up upstream
	if err := goJSON(ctx, os.TempDir(), &up, "mod", "edit", "-json", download.GoMod); err != nil {
		return err
	}
	mod := fmt.Sprintf("module github.com/kubectl-maturity/kubectl-maturity/test/cluster/mods/%s\n\ngo %s\n\nrequire %s %s\n", m.dir, up.Go, m.path, version)
	if m.staging {
		release := strings.Join(strings.Split(up.Go, ".")[:2], ".")
		mod += fmt.Sprintf("\ngodebug default=go%s\n\nreplace (\n", release)
		for _, r := range up.Replace {
			if strings.HasPrefix(r.New.Path, "./staging/") {
				mod += fmt.Sprintf("\t%s => %s %s\n", r.Old.Path, r.Old.Path, "v0"+strings.TrimPrefix(version, "v1"))
			}
		}
		mod += ")\n"
	}
	var tools strings.Builder
	tools.WriteString("//go:build tools\n\n// Package tools names what is built from this module, so that go.sum covers it.\npackage tools\n\nimport (\n")
	list := []string{"list", "-mod=mod", "-deps", "-f", "{{.ImportPath}}"}
	for _, p := range m.programs {
		fmt.Fprintf(&tools, "\t_ %q\n", p.pkg)
		list = append(list, p.pkg)
	}
	tools.WriteString(")\n")
	for name, text := range map[string]string{"go.mod": mod, "go.sum": "", "tools.go": tools.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	// Listing is enough to fill go.sum with what building needs; go mod tidy would want the modules
	// of everybody's tests too.
	cmd := exec.CommandContext(ctx, "go", list...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	return run(cmd)
}

func goJSON(ctx context.Context, dir string, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return json.Unmarshal(out, into)
}
