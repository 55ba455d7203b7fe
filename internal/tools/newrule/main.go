// Command newrule starts a check or a cause: the code, the document, the fixtures and the entry in
// the list of its package. What it writes compiles and fails its tests until the TODOs are done.
package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

func main() {
	if err := run(".", os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(2)
	}
}

//go:embed templates
var templates embed.FS

// kind is what differs between checks and causes.
type kind struct {
	word  string // on the command line
	group string // what its packages stand for
	dir   string // of its packages
	list  string // the variable that lists the rules of a package
	typ   string // in package rule
}

var kinds = []kind{
	{word: "check", group: "dimension", dir: "pkg/checks", list: "Checks", typ: "Check"},
	{word: "cause", group: "group", dir: "pkg/causes", list: "Causes", typ: "Cause"},
}

const usage = "usage: go run ./internal/tools/newrule check ID DIMENSION | cause ID GROUP"

var (
	idPattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	module    = regexp.MustCompile(`(?m)^module (\S+)$`)
)

// newRule is what the templates are given.
type newRule struct {
	ID, Name, File, Group, Dir, Module string
	Dimension                          string // the constant's name, of a check
	Stage                              string // the constant's name, of a cause
	kind                               kind
}

// run starts the rule that words ask for, in the repository at root.
func run(root string, words []string, out io.Writer) error {
	if len(words) != 3 {
		return errors.New(usage)
	}
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.word == words[0] })
	if i < 0 {
		return fmt.Errorf("neither check nor cause: %q\n%s", words[0], usage)
	}
	r := newRule{ID: words[1], Group: words[2], kind: kinds[i], Dir: path.Join(kinds[i].dir, words[2])}
	if !idPattern.MatchString(r.ID) {
		return fmt.Errorf("%q: the name is to be words of lower-case letters and digits, joined by dashes, that name the bad thing: emptydir-no-limit", r.ID)
	}
	r.Name, r.File = goName(r.ID), strings.ReplaceAll(r.ID, "-", "_")
	r.Dimension, r.Stage = dimensionOf(r.Group), stageOf(r.Group)
	if strings.HasSuffix(r.File, "_test") {
		return fmt.Errorf("%q: its file would be taken for a test: choose a name that does not end in -test", r.ID)
	}
	if err := r.free(root); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return fmt.Errorf("run it in the root of the repository: %w", err)
	}
	if m := module.FindSubmatch(data); m != nil {
		r.Module = string(m[1])
	}
	written, err := r.write(root)
	if err != nil {
		return err
	}
	for _, name := range written {
		fmt.Fprintln(out, "wrote", name)
	}
	return r.execute("next-"+r.kind.word+".txt", out)
}

// free makes sure that the package is there and that nothing of the name is.
func (r newRule) free(root string) error {
	groups, err := subfolders(filepath.Join(root, r.kind.dir))
	if err != nil {
		return fmt.Errorf("run it in the root of the repository: %w", err)
	}
	if !slices.Contains(groups, r.Group) {
		text := fmt.Sprintf("no %s %q", r.kind.group, r.Group)
		if near := knowledge.Nearest(r.Group, groups); near != "" {
			return fmt.Errorf("%s; did you mean %q?", text, near)
		}
		return fmt.Errorf("%s; there are: %s. A new one starts with a package that has an empty list, which %s.go takes in",
			text, strings.Join(groups, ", "), path.Join(r.kind.dir, path.Base(r.kind.dir)))
	}
	for _, k := range kinds {
		groups, err := subfolders(filepath.Join(root, k.dir))
		if err != nil {
			return err
		}
		for _, group := range groups {
			p, err := parsePackage(filepath.Join(root, k.dir, group))
			if err != nil {
				return err
			}
			for name, id := range p.ids {
				if id == r.ID {
					return fmt.Errorf("there is a %s %q: %s.%s", k.word, r.ID, group, name)
				}
			}
			if k == r.kind && group == r.Group && p.declares[r.Name] {
				return fmt.Errorf("%s declares %s, which the rule would be called: choose another name", r.Dir, r.Name)
			}
		}
	}
	for _, name := range []string{r.File + ".go", r.File + ".md", filepath.Join("testdata", r.ID)} {
		file := filepath.Join(root, r.Dir, name)
		if _, err := os.Stat(file); err == nil {
			return fmt.Errorf("%s is there already", file)
		}
	}
	return nil
}

// write makes the files and the entry in the package's list; it tells which it wrote.
func (r newRule) write(root string) ([]string, error) {
	list := path.Join(r.Dir, r.Group+".go")
	entry, err := r.enlist(filepath.Join(root, list))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{list: entry}
	add := func(name, from string) {
		var b bytes.Buffer
		if err == nil {
			err = r.execute(from, &b)
		}
		files[path.Join(r.Dir, name)] = b.Bytes()
	}
	add(r.File+".go", r.kind.word+".go.txt")
	add(r.File+".md", r.kind.word+".md")
	if r.kind.word == "check" {
		for _, fixture := range []string{"fires", "silent", "lookalike"} {
			add(path.Join("testdata", r.ID, fixture+".yaml"), fixture+".yaml")
		}
		if !runsFixtures(filepath.Join(root, r.Dir)) {
			add(r.Group+"_test.go", "check_test.go.txt")
		}
	}
	if err != nil {
		return nil, err
	}
	var written []string
	for name, data := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return nil, err
		}
		written = append(written, name)
	}
	slices.Sort(written)
	return written, nil
}

func (r newRule) execute(name string, w io.Writer) error {
	text, err := fs.ReadFile(templates, "templates/"+name)
	if err != nil {
		return err
	}
	// A template with other delimiters can hold YAML's own braces.
	t, err := template.New(name).Delims("«", "»").Parse(string(text))
	if err != nil {
		return err
	}
	return t.Execute(w, r)
}

// runsFixtures tells whether a test of the package runs its fixtures.
func runsFixtures(dir string) bool {
	tests, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(tests, func(file string) bool {
		data, err := os.ReadFile(file)
		return err == nil && bytes.Contains(data, []byte("ruletest.Run("))
	})
}

func subfolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "testdata" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// initialisms are words that Go names in capitals.
var initialisms = []string{
	"api", "cidr", "cni", "cpu", "crd", "cri", "csi", "dns", "gid", "gpu", "hpa", "http", "https", "id", "ip", "oom", "os", "pdb", "pid", "pv", "pvc",
	"qos", "rbac", "ssh", "tcp", "tls", "ttl", "udp", "uid", "uri", "url", "vpa",
}

// goName is what Go calls the rule: OOMOwnLimit for oom-own-limit.
func goName(id string) string {
	name := ""
	for word := range strings.SplitSeq(id, "-") {
		if slices.Contains(initialisms, word) {
			name += strings.ToUpper(word)
			continue
		}
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name
}

// dimensionOf is the dimension that most checks of a group belong to.
func dimensionOf(group string) string {
	switch group {
	case "access":
		return goName("security")
	case "network":
		return goName("reliability")
	}
	return goName(group)
}

// stageOf is where causes of a group strike most often.
func stageOf(group string) string {
	stages := map[string]string{
		"config": "StageContainerConfig", "controllers": "StageController", "images": "StageImage", "network": "StageRoute", "nodes": "StageNodeLost",
		"probes": "StageProbeKill", "scheduling": "StageNotScheduled", "storage": "StageVolume", "lifecycle": "StageStuckDeletion",
	}
	if s, ok := stages[group]; ok {
		return s
	}
	return "StageExit"
}
