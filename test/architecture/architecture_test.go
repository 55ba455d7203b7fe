// Package architecture holds tests of what no compiler holds: who may import whom, what only some
// packages may do, and what no file may mention. ARCHITECTURE.md says why.
package architecture

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/kubectl-maturity/kubectl-maturity"
)

// house is one package, or with a final "*" all packages below it.
type house struct {
	pkg string
	// ours are the packages of this module that it may import, others those of other modules; a
	// final "*" allows everything below.
	ours, others []string
	// pure packages are functions of the snapshot: they touch no machine and no clock.
	pure bool
	// instead says what to do where an import is not allowed.
	instead string
}

const (
	apimachinery = "k8s.io/apimachinery/*"
	api          = "k8s.io/api/*"
	yaml         = "sigs.k8s.io/yaml"
	yamlV3       = "go.yaml.in/yaml/v3"
	anything     = "*"
)

// houses are the rules, the first that matches a package counts. A package that is in none of them
// fails the test, so that a new one is given its place.
var houses = []house{
	{
		pkg: "pkg/source", others: []string{yamlV3}, pure: true,
		instead: "source is text with positions and knows no Kubernetes: put what needs more into the caller",
	},
	{
		pkg: "pkg/snapshot", ours: []string{"pkg/source"}, pure: true,
		others:  []string{apimachinery, api, yaml, yamlV3, "sigs.k8s.io/structured-merge-diff/*"},
		instead: "a snapshot holds what was read and reads nothing: reading belongs into pkg/collect, judging into a rule",
	},
	{
		pkg: "pkg/rule", ours: []string{"pkg/knowledge", "pkg/snapshot", "pkg/source"}, others: []string{apimachinery, api}, pure: true,
		instead: "pkg/rule says what a rule is; a helper that needs more belongs into the package of the rules that use it",
	},
	{
		pkg: "pkg/knowledge", others: []string{apimachinery, api, "github.com/Masterminds/semver/v3", "github.com/robfig/cron/v3"}, pure: true,
		instead: "knowledge is tables of facts, and imports nothing of ours: let the caller pass what is needed",
	},
	{
		pkg: "pkg/checks", ours: []string{"pkg/checks/*", "pkg/rule"}, pure: true,
		instead: "this package only lists the checks",
	},
	{
		pkg: "pkg/causes", ours: []string{"pkg/causes/*", "pkg/rule"}, pure: true,
		instead: "this package only lists the causes",
	},
	{
		pkg: "pkg/checks/*", ours: ruleImports, others: leafLibraries, pure: true,
		instead: "a check sees its Pass and nothing else; what it must read it names in Needs, and shared helpers belong into pkg/rule",
	},
	{
		pkg: "pkg/causes/*", ours: ruleImports, others: leafLibraries, pure: true,
		instead: "a cause sees its Pass and nothing else; what it must read it names in Wants, and shared helpers belong into pkg/rule",
	},
	{
		pkg: "pkg/revision", ours: []string{"pkg/knowledge", "pkg/rule", "pkg/snapshot"}, pure: true,
		others:  []string{apimachinery, api, "sigs.k8s.io/structured-merge-diff/*", "k8s.io/client-go/applyconfigurations", "k8s.io/client-go/kubernetes/scheme"},
		instead: "revision compares what was read; what a change means belongs into pkg/engine",
	},
	{
		pkg: "pkg/config", ours: []string{"pkg/knowledge", "pkg/rule", "pkg/source"}, others: []string{apimachinery, yamlV3}, pure: true,
		instead: "config is what maturity.yaml and annotations say; pkg/cmd reads the file and passes its text",
	},
	{
		pkg: "pkg/engine", ours: []string{"pkg/config", "pkg/knowledge", "pkg/revision", "pkg/rule", "pkg/snapshot"}, others: []string{apimachinery, api}, pure: true,
		instead: "the engine runs rules over a snapshot; reading belongs into pkg/collect, wording into pkg/report",
	},
	{
		pkg: "pkg/model", ours: []string{"pkg/config", "pkg/engine", "pkg/knowledge", "pkg/rule", "pkg/snapshot"}, others: []string{apimachinery, api, yaml}, pure: true,
		instead: "the model judges tallies of the engine; reading belongs into pkg/collect, wording into pkg/report",
	},
	{
		pkg: "pkg/report", ours: []string{"pkg/config", "pkg/engine", "pkg/knowledge", "pkg/model", "pkg/revision", "pkg/rule", "pkg/snapshot", "pkg/source"}, others: []string{apimachinery, api}, pure: true,
		instead: "a report is what every format prints; how it looks belongs into pkg/render",
	},
	{
		pkg: "pkg/render", ours: []string{"pkg/report", "pkg/rule", "pkg/snapshot", "pkg/source"}, pure: true,
		others:  []string{apimachinery, api, yaml, "github.com/fatih/color", "k8s.io/cli-runtime/pkg/printers"},
		instead: "render prints a report to the Writer it is given; what must be looked up belongs into the report, what depends on the terminal into the Theme",
	},
	{
		pkg: "pkg/collect", ours: []string{"pkg/knowledge", "pkg/snapshot", "pkg/source"},
		others:  []string{apimachinery, api, yaml, yamlV3, "k8s.io/cli-runtime/*", "k8s.io/client-go/*", "k8s.io/metrics/*", "k8s.io/utils/*", "sigs.k8s.io/kustomize/*", "golang.org/x/sync/*", "google.golang.org/protobuf/encoding/protowire"},
		instead: "collect fills a snapshot and judges nothing: judging belongs into a rule",
	},
	{
		pkg: "pkg/companion", others: []string{"k8s.io/apimachinery/*", yaml, "sigs.k8s.io/krew/pkg/*"},
		instead: "companion knows tools on this machine and no rule: pkg/cmd brings the two together",
	},
	{
		pkg: "pkg/ruletest", ours: []string{"pkg/checks/*", "pkg/causes/*", "pkg/collect", "pkg/config", "pkg/engine", "pkg/report", "pkg/rule", "pkg/snapshot", "pkg/source"}, others: []string{anything},
		instead: "ruletest runs rules over fixtures, without commands",
	},
	{pkg: "pkg/demo", instead: "demo only carries a snapshot folder: pkg/cmd runs commands on it"},
	{
		pkg: "pkg/cmd", ours: []string{"", "pkg/*"}, others: []string{anything},
		instead: "commands know no rule by name: use checks.All and causes.All",
	},
	{pkg: "", instead: "the root package only embeds files for pkg/cmd"},
	{pkg: "cmd/*", ours: []string{"pkg/cmd"}, others: []string{anything}, instead: "main passes streams and an exit code; everything else belongs into pkg/cmd"},
	{
		pkg: "internal/tools/*", ours: []string{"", "pkg/cmd", "pkg/checks", "pkg/causes", "pkg/companion", "pkg/config", "pkg/knowledge", "pkg/model", "pkg/report", "pkg/rule"}, others: []string{anything},
		instead: "a tool writes what is generated; what it needs of a command belongs into an exported function of pkg/cmd",
	},
	{pkg: "test/*", ours: []string{anything}, others: []string{anything}},
}

var (
	// ruleImports has source for its Path alone: what walks a text by steps needs no copy of it.
	ruleImports = []string{"pkg/knowledge", "pkg/rule", "pkg/snapshot", "pkg/source"}
	// leafLibraries know Kubernetes' types and rules, and talk to nobody.
	leafLibraries = []string{apimachinery, api, "k8s.io/component-helpers/*", "k8s.io/pod-security-admission/*", "k8s.io/utils/*", yaml}
)

// machine are packages of Go's own that reach out of the process.
var machine = []string{"os", "os/*", "net", "net/http", "net/http/*", "syscall", "io/ioutil", "log", "log/*", "flag", "math/rand", "math/rand/*", "crypto/rand", "plugin"}

// pkg is one package: the path of its folder, and its files without tests.
type pkg struct {
	path  string
	fset  *token.FileSet
	files map[string]*ast.File
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		i := slices.IndexFunc(houses, func(h house) bool { return matches(h.pkg, p.path) })
		if i < 0 {
			t.Errorf("%s: nobody said what it may import: give it a line in %s and one in ARCHITECTURE.md", p.path, "test/architecture")
			continue
		}
		h := houses[i]
		for name, file := range p.files {
			for _, spec := range file.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if reason := h.refuses(p.path, imported); reason != "" {
					t.Errorf("%s imports %s: %s. %s", name, imported, reason, capital(h.instead))
				}
			}
		}
	}
}

// refuses tells why the house may not import a package, "" where it may.
func (h house) refuses(from, imported string) string {
	rel, ours := strings.CutPrefix(imported, module)
	rel = strings.TrimPrefix(rel, "/")
	switch {
	case strings.HasPrefix(imported, "k8s.io/kubectl/"):
		return "k8s.io/kubectl brings a third more packages into the binary"
	case ours && (rel == from || slices.ContainsFunc(h.ours, func(p string) bool { return matches(p, rel) })):
		return ""
	case ours:
		return "it may import of this module only " + list(h.ours)
	case !strings.Contains(strings.SplitN(imported, "/", 2)[0], "."): // Go's own
		if h.pure && slices.ContainsFunc(machine, func(p string) bool { return matches(p, imported) }) {
			return "it must not reach out of the process"
		}
		return ""
	case slices.ContainsFunc(h.others, func(p string) bool { return matches(p, imported) }):
		return ""
	}
	return "it may import of other modules only " + list(h.others)
}

// TestForbiddenWords holds what only some packages may do, by the names that do it.
func TestForbiddenWords(t *testing.T) {
	for _, p := range packages(t) {
		i := slices.IndexFunc(houses, func(h house) bool { return matches(h.pkg, p.path) })
		pure := i >= 0 && houses[i].pure
		for name, file := range p.files {
			main := file.Name.Name == "main"
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s has func init: what runs before main runs for every command. Use a package-level value, or a function that is called", name)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, isCall := n.(*ast.CallExpr)
				if isCall {
					if id, ok := call.Fun.(*ast.Ident); ok && (id.Name == "print" || id.Name == "println") {
						t.Errorf("%s calls the built-in %s: print to the Writer that is passed", name, id.Name)
					}
				}
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				id, ok := sel.X.(*ast.Ident)
				if !ok {
					return true
				}
				switch word := importOf(file, id.Name) + "." + sel.Sel.Name; word {
				case "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln":
					if !main {
						t.Errorf("%s uses %s: only a main package ends the process. Return an error; pkg/cmd makes an exit code of it", name, word)
					}
				case "fmt.Print", "fmt.Printf", "fmt.Println", "os.Stdout", "os.Stderr", "os.Stdin":
					if !main {
						t.Errorf("%s uses %s: print to the Writer that is passed, so that tests and pipes see it", name, word)
					}
				case "time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.NewTimer", "time.NewTicker", "time.Tick":
					if pure {
						t.Errorf("%s uses %s: the clock is the snapshot's Now, so that the same objects give the same bytes; waiting belongs into pkg/collect", name, word)
					}
				case "time.LoadLocation", "time.Local":
					if pure {
						t.Errorf("%s uses %s: it asks the machine for its time zones; knowledge.Zone has the same ones everywhere", name, word)
					}
				case "path/filepath.Abs", "path/filepath.EvalSymlinks", "path/filepath.Glob", "path/filepath.Walk", "path/filepath.WalkDir",
					"archive/zip.OpenReader", "mime.TypeByExtension", "text/template.ParseFiles", "text/template.ParseGlob", "html/template.ParseFiles", "html/template.ParseGlob":
					if pure {
						t.Errorf("%s uses %s, which reads the machine's files: what was read is in the snapshot, and pkg/collect reads", name, word)
					}
				}
				return true
			})
		}
	}
}

// importOf is the path that a name in a file is imported from, "" where it is none.
func importOf(file *ast.File, name string) string {
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && path.Base(imported) == name {
			return imported
		}
	}
	return ""
}

// TestNoMutableState holds that no function changes a variable of its package. A name that the
// function declares itself is taken for its own.
func TestNoMutableState(t *testing.T) {
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.path, "pkg/") {
			continue
		}
		global := map[string]bool{}
		for name, file := range p.files {
			for _, spec := range packageVars(file) {
				for _, id := range spec.Names {
					global[id.Name] = true
				}
				if sel, ok := spec.Type.(*ast.SelectorExpr); ok {
					if id, ok := sel.X.(*ast.Ident); ok && (importOf(file, id.Name) == "sync" || importOf(file, id.Name) == "sync/atomic") {
						t.Errorf("%s: var %s is there to be changed: put it into a struct that the caller owns", name, spec.Names[0].Name)
					}
				}
			}
		}
		for name, file := range p.files {
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || f.Body == nil {
					continue
				}
				own := declared(f)
				for _, changed := range assigned(f.Body) {
					if global[changed] && !own[changed] {
						t.Errorf("%s: %s changes the package's variable %s: two commands in one process, and parallel tests, would share it. Put it into a struct that the caller owns", name, f.Name.Name, changed)
					}
				}
			}
		}
	}
}

func packageVars(file *ast.File) []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				specs = append(specs, s.(*ast.ValueSpec))
			}
		}
	}
	return specs
}

// declared are the names that a function declares anywhere in it.
func declared(f *ast.FuncDecl) map[string]bool {
	own := map[string]bool{}
	add := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok {
			own[id.Name] = true
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				own[id.Name] = true
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				own[id.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					add(e)
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key)
				add(n.Value)
			}
		}
		return true
	})
	return own
}

// assigned are the names that statements assign to: whole, an element, or a field.
func assigned(body *ast.BlockStmt) []string {
	var names []string
	add := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.Ident:
				names = append(names, x.Name)
				return
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			default:
				return
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					add(e)
				}
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") && len(n.Args) > 0 {
				add(n.Args[0])
			}
		}
		return true
	})
	return names
}

// notOurs are folders that are not part of the repository.
var notOurs = map[string]bool{".git": true, ".cache": true, "bin": true, "dist": true}

// foreign are words that only mean something on the machine of whoever wrote them. They are put
// together here, so that this file does not hold them itself.
var foreign = regexp.MustCompile(`(?:^|[^A-Za-z0-9_.~-])(?:` + strings.Join([]string{"/wo" + "rk/", "/ro" + "ot/", "/tmp/" + "kc"}, "|") + `)|` + regexp.QuoteMeta("proxy.golang"+".org"))

// TestNothingForeign holds that no file speaks of the machine it was written on.
func TestNothingForeign(t *testing.T) {
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if notOurs[d.Name()] {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 {
			return nil // not text
		}
		for i, line := range strings.Split(string(data), "\n") {
			if m := foreign.FindString(line); m != "" {
				t.Errorf("%s:%d mentions %s, which is there on no other machine: use a path of the repository, $HOME or a temporary folder", rel(file), i+1, strings.TrimSpace(m))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// packages reads all packages of the module, without their tests and without regard to build tags.
func packages(t *testing.T) []pkg {
	t.Helper()
	found := map[string]*pkg{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, nested := os.Stat(filepath.Join(file, "go.mod"))
			if notOurs[d.Name()] || d.Name() == "testdata" || file != root && nested == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(rel(file))
		if dir == "." {
			dir = ""
		}
		if found[dir] == nil {
			found[dir] = &pkg{path: dir, fset: fset, files: map[string]*ast.File{}}
		}
		found[dir].files[rel(file)] = parsed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for _, p := range found {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	if len(all) < 10 {
		t.Fatalf("only %d packages found in %s", len(all), root)
	}
	return all
}

func rel(file string) string {
	r, err := filepath.Rel(root, file)
	if err != nil {
		return file
	}
	return filepath.ToSlash(r)
}

// matches tells whether a package is the one that a pattern names, or with a final "*" below it.
func matches(pattern, name string) bool {
	if below, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, below)
	}
	return name == pattern
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = n
		if n == "" {
			quoted[i] = "the root package"
		}
	}
	return strings.Join(quoted, ", ")
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%s%s.", strings.ToUpper(s[:1]), s[1:])
}
