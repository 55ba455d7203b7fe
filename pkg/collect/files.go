package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// maxFile is the largest file that is read as manifests, in bytes. The API server takes no object
// over 3 MB, so a file of this size holds something else.
const maxFile = 50 << 20

// FileOptions say what to read as manifests.
type FileOptions struct {
	Paths     []string // files, folders, "-" for In
	Recursive bool
	In        io.Reader
	Namespace string // for objects that name none
	Closed    bool   // the input is complete
	Now       time.Time
}

// Files reads manifests. Nothing is asked of a cluster. Parts that cannot be used are problems; an
// error is returned only where nothing at all could be read.
func Files(o FileOptions) (*snapshot.Snapshot, []Problem, error) {
	f := &files{options: o, snapshot: snapshot.New(o.Now)}
	f.snapshot.Files, f.snapshot.Closed = true, o.Closed
	var missing []error
	for _, p := range o.Paths {
		if err := f.path(p); err != nil {
			missing = append(missing, err)
		}
	}
	f.readAll()
	if f.objects == 0 {
		return nil, nil, f.nothing(missing)
	}
	for _, err := range missing {
		f.problems = append(f.problems, Problem{File: "-f", Reason: "not read", Message: err.Error(), Fatal: true})
	}
	return f.snapshot, f.problems, nil
}

// nothing is the error for input without a single object: all that is wrong with it.
func (f *files) nothing(missing []error) error {
	errs := missing
	for _, p := range f.problems {
		if p.Fatal || p.Reason == "skipped" {
			errs = append(errs, p)
		}
	}
	if len(errs) == 0 {
		names := slices.Clone(f.options.Paths)
		for i, p := range names {
			if p == "-" {
				names[i] = "standard input"
			}
		}
		return fmt.Errorf("no objects in %s", strings.Join(names, ", "))
	}
	return utilerrors.NewAggregate(errs)
}

// NoFetch is the Fetcher of manifests: they hold all there is to see.
type NoFetch struct{}

// Fetch implements Fetcher.
func (NoFetch) Fetch(_ context.Context, s *snapshot.Snapshot, wants []snapshot.Want) error {
	for _, w := range wants {
		s.SetOutcome(w, snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonNotInFiles})
	}
	return nil
}

type files struct {
	options  FileOptions
	snapshot *snapshot.Snapshot
	problems []Problem
	objects  int
	inputs   []input
	types    source.Filler
}

// input is a file, or standard input.
type input struct {
	name string
	data []byte // of standard input; a file is read when its turn comes
	file bool
	size int64
}

// part is a document or an item of a list, as an object.
type part struct {
	doc     *source.Document
	prefix  source.Path
	decoded decoded
}

// parsed is what an input holds: parts, and what is wrong with it.
type parsed struct {
	parts    []part
	problems []Problem
}

// path reads one argument of -f.
func (f *files) path(p string) error {
	switch {
	case p == "-":
		data, err := io.ReadAll(io.LimitReader(f.options.In, maxFile+1))
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		f.inputs = append(f.inputs, input{name: "standard input", data: data})
		return nil
	case strings.HasPrefix(p, "http://") || strings.HasPrefix(p, "https://"):
		return fmt.Errorf("%s: with -f nothing is read from the network; fetch it first: curl -sSL URL | kubectl maturity check -f -", p)
	}
	info, err := os.Stat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the path %q does not exist", p)
	case err != nil:
		return err
	case !info.IsDir():
		f.inputs = append(f.inputs, input{name: p, file: true, size: info.Size()})
		return nil
	}
	return f.folder(p)
}

// folder reads the manifests of a folder, by name. Hidden folders are left out: they belong to tools.
func (f *files) folder(dir string) error {
	var found []input
	folders := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			f.problems = append(f.problems, Problem{File: path, Reason: "not read", Message: err.Error(), Fatal: true})
			return nil
		}
		if d.IsDir() {
			if path != dir {
				folders++
			}
			if path != dir && (!f.options.Recursive || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml", ".json":
			size := int64(0)
			if info, err := d.Info(); err == nil {
				size = info.Size()
			}
			found = append(found, input{name: path, file: true, size: size})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(found) == 0 && folders > 0 && !f.options.Recursive {
		return fmt.Errorf("error reading [%s]: recognized file extensions are [.json .yaml .yml]; -R looks into its folders too", dir)
	}
	if len(found) == 0 {
		return fmt.Errorf("error reading [%s]: recognized file extensions are [.json .yaml .yml]", dir)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].name < found[j].name })
	f.inputs = append(f.inputs, found...)
	return nil
}

// readAll reads and parses the inputs on all CPUs, and takes in what they hold in their order.
func (f *files) readAll() {
	results := make([]chan parsed, len(f.inputs))
	for i := range results {
		results[i] = make(chan parsed, 1)
	}
	var next atomic.Int64
	for range min(len(f.inputs), runtime.GOMAXPROCS(0)) {
		go func() {
			for i := next.Add(1) - 1; i < int64(len(f.inputs)); i = next.Add(1) - 1 {
				p := parser{options: f.options, types: &f.types}
				p.read(f.inputs[i])
				results[i] <- p.parsed
			}
		}()
	}
	for _, result := range results {
		p := <-result
		f.problems = append(f.problems, p.problems...)
		for i := range p.parts {
			f.add(p.parts[i])
		}
	}
}

// parser makes objects of one input.
type parser struct {
	options FileOptions
	types   *source.Filler
	parsed
}

func (f *parser) read(in input) {
	if !in.file {
		f.data(in.name, in.data)
		return
	}
	if in.size > maxFile {
		f.problem(in.name, 0, fmt.Sprintf("%d MB: files over %d MB are not read", in.size>>20, maxFile>>20))
		return
	}
	data, err := os.ReadFile(in.name)
	if err != nil {
		f.problems = append(f.problems, Problem{File: in.name, Reason: "not read", Message: strings.TrimPrefix(err.Error(), "open "+in.name+": "), Fatal: true})
		return
	}
	f.data(in.name, data)
}

func (f *parser) problem(file string, line int, message string) {
	if line > 0 {
		file = fmt.Sprintf("%s:%d", file, line)
	}
	f.problems = append(f.problems, Problem{File: file, Reason: "broken", Message: message, Fatal: true})
}

func (f *parser) data(name string, data []byte) {
	if len(data) > maxFile {
		f.problem(name, 0, fmt.Sprintf("over %d MB: not read", maxFile>>20))
		return
	}
	docs, errs := source.Parse(name, data)
	for _, e := range errs {
		f.sourceError(e)
	}
	if len(docs) == 0 && len(errs) == 0 {
		f.problems = append(f.problems, Problem{File: name, Reason: "empty", Message: "no objects in it"})
	}
	for _, doc := range docs {
		tree := doc.Tree()
		if d, ok := decodePlain(tree, f.types); ok {
			f.object(doc, nil, d)
			continue
		}
		value, err := tree.Decode()
		if err != nil {
			var se *source.Error
			if errors.As(err, &se) {
				f.sourceError(se)
			} else {
				f.problem(name, doc.Line, err.Error())
			}
			continue
		}
		f.value(doc, nil, value)
	}
}

func (f *parser) sourceError(e *source.Error) {
	file := strings.TrimSuffix(strings.TrimSuffix(e.Error(), e.Message), ": ")
	f.problems = append(f.problems, Problem{File: file, Reason: "broken", Message: e.Message, Fatal: true})
}

// value takes in one document or one item of a list.
func (f *parser) value(doc *source.Document, prefix source.Path, value any) {
	content, ok := value.(map[string]any)
	if !ok {
		if value == nil && len(prefix) == 0 {
			return
		}
		f.skipped(doc, prefix, "not a Kubernetes object")
		return
	}
	kind, _ := content["kind"].(string)
	if items, ok := content["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		for i, item := range items {
			at := append(append(source.Path{}, prefix...), source.Step{Key: "items", Index: -1}, source.Step{Index: i})
			f.value(doc, at, item)
		}
		return
	}
	d, err := decode(content, f.types)
	if err != nil {
		f.skipped(doc, prefix, err.Error()+": not a Kubernetes object")
		return
	}
	if d.mismatch != nil {
		f.mismatch(doc, prefix, content, d)
	}
	if d.unknownVersion {
		at := doc.Locate(append(append(source.Path{}, prefix...), source.Step{Key: "apiVersion", Index: -1}))
		reason, message := unknownVersion(d.gvk)
		f.problems = append(f.problems, Problem{File: fmt.Sprintf("%s:%d:%d", doc.Name, at.Line, at.Column), Reason: reason, Message: message, Fatal: true})
	}
	f.object(doc, prefix, d)
}

// object takes in one object.
func (f *parser) object(doc *source.Document, prefix source.Path, d decoded) {
	if d.mismatch == nil && !d.unknownVersion && imageless(d) {
		f.skipped(doc, prefix, "no container of this "+d.gvk.Kind+" has an image: a patch of kustomize? Check what it renders: kubectl kustomize DIR | kubectl maturity check -f -")
		return
	}
	if m, ok := metaOf(d.object); ok && m.GetNamespace() == "" && !clusterScoped(schema.GroupKind{Group: d.gvk.Group, Kind: d.gvk.Kind}) {
		m.SetNamespace(f.options.Namespace)
	}
	f.parts = append(f.parts, part{doc, prefix, d})
}

// unknownVersion says what is not known of a known group: a kind, maybe mistyped, or a version.
func unknownVersion(gvk schema.GroupVersionKind) (reason, message string) {
	if !scheme.Scheme.IsVersionRegistered(gvk.GroupVersion()) {
		return "unknown version", fmt.Sprintf("%s of %s is not known here: only its pod template is judged", gvk.GroupVersion(), gvk.Kind)
	}
	message = fmt.Sprintf("%s has no kind %s", gvk.GroupVersion(), gvk.Kind)
	var near []string
	for known := range scheme.Scheme.AllKnownTypes() {
		if known.Version == "v1" && strings.EqualFold(known.Kind, gvk.Kind) {
			near = append(near, known.Kind+" of "+known.GroupVersion().String())
		}
	}
	if len(near) == 0 {
		var kinds []string
		for kind := range scheme.Scheme.KnownTypes(gvk.GroupVersion()) {
			kinds = append(kinds, kind)
		}
		sort.Strings(kinds)
		if kind := knowledge.Nearest(gvk.Kind, kinds); kind != "" && len(kind) <= len(gvk.Kind)+1 {
			near = append(near, kind)
		}
	}
	if len(near) == 1 {
		message += "; did you mean " + near[0] + "?"
	}
	return "unknown kind", message
}

func (f *parser) skipped(doc *source.Document, prefix source.Path, why string) {
	line := doc.Locate(prefix).Line
	f.problems = append(f.problems, Problem{File: fmt.Sprintf("%s:%d", doc.Name, line), Reason: "skipped", Message: why})
}

// mismatch says which field does not fit its kind, and where. The rest of the object is not judged,
// save for its pod template.
func (f *parser) mismatch(doc *source.Document, prefix source.Path, content map[string]any, d decoded) {
	message, at := d.mismatch.Error(), prefix
	if obj := newTyped(d.gvk); obj != nil {
		if m := findMisfit(reflect.TypeOf(obj), content, nil); m != nil {
			message = strings.TrimPrefix(m.at.String()+" ", " ") + m.why
			at = append(append(source.Path{}, prefix...), m.at...)
		}
	}
	span := doc.Locate(at)
	f.problems = append(f.problems, Problem{File: fmt.Sprintf("%s:%d:%d", doc.Name, span.Line, span.Column), Reason: "broken", Message: message, Fatal: true})
}

func (f *files) add(p part) {
	o, err := f.snapshot.Add(p.decoded.gvk, p.decoded.object, &snapshot.Origin{Document: p.doc, Prefix: p.prefix})
	if err != nil {
		f.problems = append(f.problems, Problem{File: fmt.Sprintf("%s:%d", p.doc.Name, p.doc.Line), Reason: "broken", Message: err.Error(), Fatal: true})
		return
	}
	if o != nil {
		o.UnknownFields, o.Unfit = p.decoded.unknownFields, p.decoded.mismatch != nil || p.decoded.unknownVersion
		f.objects++
	}
}

// imageless tells a part of a workload from a whole one: the API takes no container without an image.
// Pods are left out: nobody patches those.
func imageless(d decoded) bool {
	if d.gvk.GroupKind() == snapshot.PodKind {
		return false
	}
	templates := snapshot.TemplatesOf(d.object)
	for _, t := range templates {
		for _, c := range t.Containers() {
			if c.Image != "" {
				return false
			}
		}
	}
	return len(templates) > 0
}
