package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// ReasonOther marks a file of a folder that is YAML or JSON and holds no object of Kubernetes. It is no trouble.
const ReasonOther = "other file"

// entered tells whether folders below the one that was named are looked into: hidden ones belong to tools, and
// what packages bring along is not one's own.
func entered(name string) bool {
	return !strings.HasPrefix(name, ".") && name != "node_modules" && name != "vendor"
}

// walk finds the manifests of a folder.
type walk struct {
	files   *files
	root    string          // without symbolic links
	known   map[string]bool // folders that were entered, without symbolic links
	links   []string        // symbolic links to folders, which are followed last
	found   []input
	folders int
	skipped int // files that the configuration leaves out
}

// folder reads the manifests of a folder, by name.
func (f *files) folder(dir string) error {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	w := &walk{files: f, root: root, known: map[string]bool{}}
	w.enter(dir, root)
	// A folder that lies in the tree itself keeps its own name; one that is entered once ends every loop.
	for len(w.links) > 0 {
		link := w.links[0]
		w.links = w.links[1:]
		realPath, err := filepath.EvalSymlinks(link)
		if err == nil && !within(root, realPath) {
			w.enter(link, realPath)
		}
	}
	f.below = f.below || w.folders > 0
	switch extensions := "recognized file extensions are [.json .yaml .yml]"; {
	case len(w.found) > 0:
	case w.skipped > 0:
		return fmt.Errorf("error reading [%s]: the configuration ignores all of its files", dir)
	case w.folders > 0 && !f.options.Recursive:
		return fmt.Errorf("error reading [%s]: %s; -R looks into its folders too", dir, extensions)
	default:
		return fmt.Errorf("error reading [%s]: %s", dir, extensions)
	}
	sort.Slice(w.found, func(i, j int) bool { return w.found[i].name < w.found[j].name })
	for _, in := range w.found {
		f.input(in)
	}
	return nil
}

// within tells whether path lies in dir, or is dir.
func within(path, dir string) bool {
	relative, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(relative)
}

func (w *walk) enter(dir, realPath string) {
	if w.known[realPath] {
		return
	}
	w.known[realPath] = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.files.problems = append(w.files.problems, unread(dir, err))
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		at := filepath.Join(realPath, e.Name())
		info, err := e.Info()
		if err == nil && e.Type()&fs.ModeSymlink != 0 {
			if info, err = os.Stat(path); err == nil {
				at, err = filepath.EvalSymlinks(path)
			}
		}
		switch {
		case err != nil:
			if manifest(path) && !w.ignored(path) {
				w.files.problems = append(w.files.problems, unread(path, err))
			}
		case info.IsDir():
			w.folders++
			switch {
			case !w.files.options.Recursive || !entered(e.Name()):
			case e.Type()&fs.ModeSymlink != 0:
				w.links = append(w.links, path)
			default:
				w.enter(path, at)
			}
		case info.Mode().IsRegular() && manifest(path) && !w.ignored(path): // a pipe would be waited for
			w.found = append(w.found, input{name: path, at: at, file: true, found: true, size: info.Size()})
		}
	}
}

func (w *walk) ignored(path string) bool {
	if w.files.options.Skip == nil || !w.files.options.Skip(path) {
		return false
	}
	w.skipped++
	return true
}

// manifest tells by its name whether a file of a folder is read, as kubectl does.
func manifest(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func unread(name string, err error) Problem {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // which says the name once more
	}
	return Problem{File: name, Reason: "not read", Message: err.Error(), Fatal: true}
}

// input takes in a file, or standard input, once.
func (f *files) input(in input) {
	if in.at == "" {
		in.at = in.name
		if realPath, err := filepath.EvalSymlinks(in.name); err == nil {
			in.at = realPath
		}
	}
	if absolute, err := filepath.Abs(in.at); err == nil && in.file {
		in.at = absolute
	}
	if f.at == nil {
		f.at = map[string]int{}
	}
	if i, again := f.at[in.at]; again {
		f.inputs[i].found = f.inputs[i].found && in.found
		return
	}
	f.at[in.at] = len(f.inputs)
	f.inputs = append(f.inputs, in)
}

// traces are what every object of Kubernetes has, however its author misspelt it.
var traces = [][]byte{[]byte("kind"), []byte("Kind"), []byte("apiVersion"), []byte("apiversion"), []byte("ApiVersion"), []byte("APIVersion")}

// traceless tells of a file of a folder that it holds no manifest, without parsing it: a repository has many.
func traceless(data []byte) bool {
	for _, t := range traces {
		if bytes.Contains(data, t) {
			return false
		}
	}
	return bytes.IndexByte(data, 0) < 0 && utf8.Valid(data) // what is no text may be encrypted
}

// meant tells whether a text that cannot be parsed was to be an object.
var meant = regexp.MustCompile(`(?m)(?:^|[{,])[ \t]*["']?apiVersion["']?[ \t]*:`)

// charts finds the Helm charts that files belong to.
type charts struct {
	mu    sync.Mutex
	known map[string]string // the chart of a folder, "" for none
}

// of is the folder of the chart that a file belongs to and renders nothing without, and whether the file is one
// of its templates. A chart in the folder charts of another is rendered with that one.
func (c *charts) of(file string) (chart string, template bool) {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return "", false
	}
	c.mu.Lock()
	chart = c.find(filepath.Dir(absolute))
	c.mu.Unlock()
	if chart == "" {
		return "", false
	}
	inside, err := filepath.Rel(chart, absolute)
	if err != nil {
		return "", false
	}
	for _, folder := range strings.Split(filepath.Dir(inside), string(filepath.Separator)) {
		template = template || folder == "templates"
	}
	if !filepath.IsAbs(file) {
		if here, err := filepath.Abs("."); err == nil {
			if relative, err := filepath.Rel(here, chart); err == nil {
				chart = relative
			}
		}
	}
	return chart, template
}

func (c *charts) find(dir string) string {
	if chart, ok := c.known[dir]; ok {
		return chart
	}
	if c.known == nil {
		c.known = map[string]string{}
	}
	chart, above := "", filepath.Dir(dir)
	switch {
	case exists(filepath.Join(dir, "Chart.yaml")):
		chart = dir
		if filepath.Base(above) == "charts" && exists(filepath.Join(filepath.Dir(above), "Chart.yaml")) {
			chart = c.find(filepath.Dir(above))
		}
	case above != dir && !exists(filepath.Join(dir, ".git")):
		chart = c.find(above)
	}
	c.known[dir] = chart
	return chart
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// unrendered says of each chart once that its templates are no manifests yet. Templates that were named
// themselves, and not found in a folder, were to be judged.
func (f *files) unrendered() {
	for _, chart := range f.chartNames {
		c := f.charted[chart]
		name := chart
		if strings.ContainsAny(name, " \t'\"$&;()<>|*?\\") {
			name = "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
		}
		what := "1 template"
		if c.files > 1 {
			what = fmt.Sprintf("%d templates", c.files)
		}
		f.problems = append(f.problems, Problem{
			File: chart, Reason: "skipped", Fatal: c.named,
			Message: "a Helm chart with " + what + " to render first: helm template " + name + " | kubectl maturity check -f -",
		})
	}
}

// instead is what to do with folders that hold no manifest themselves.
func (f *files) instead() string {
	for _, p := range f.options.Paths {
		switch {
		case exists(filepath.Join(p, "Chart.yaml")):
			return "; it is a Helm chart, to render first: helm template " + p + " | kubectl maturity check -f -"
		case exists(filepath.Join(p, "kustomization.yaml")):
			return "; it has a kustomization.yaml: kubectl maturity check -k " + p
		}
	}
	if !f.options.Recursive && f.below {
		return "; -R looks into its folders too"
	}
	return ""
}

// chartFiles counts the templates of a chart that were left out.
type chartFiles struct {
	files int
	named bool
}

// utf16 are the marks that some editors and shells of Windows start a file with.
func utf16(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff})
}

// otherwise takes in a document or an item that is none of Kubernetes. Of a file in a folder nothing is said but
// that there is one, unless it holds objects too.
func (f *parser) otherwise(doc *source.Document, prefix source.Path, why string) {
	f.others = append(f.others, Problem{File: f.placeIn(doc, doc.Locate(prefix).Line), Reason: "skipped", Message: why})
}
