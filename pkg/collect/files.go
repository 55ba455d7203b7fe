package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// maxFile is the largest file that is read as manifests, in bytes. The API server takes no object
// over 3 MB, so a file of this size holds something else.
const maxFile = 50 << 20

// ownGroup is the API group of what this program itself reads and writes.
const ownGroup = "kubectl-maturity"

// FileOptions say what to read as manifests.
type FileOptions struct {
	Paths     []string // files, folders, "-" for In
	Recursive bool
	Kustomize string // a folder with a kustomization.yaml, in the place of Paths
	In        io.Reader
	Namespace string // for objects that name none
	Closed    bool   // the input is complete
	Now       time.Time
	Size      func(bytes int64) // is told how much there is before it is read; may be nil

	// Skip leaves out files of folders, by their path; nil reads all. What is named itself is read.
	Skip func(path string) bool
}

// Files reads manifests. Nothing is asked of a cluster. Parts that cannot be used are problems; an
// error is returned only where nothing at all could be read.
func Files(o FileOptions) (*snapshot.Snapshot, []Problem, error) {
	f := &files{options: o, snapshot: snapshot.New(o.Now)}
	f.snapshot.Files, f.snapshot.Closed = true, o.Closed
	var missing []error
	if o.Kustomize != "" {
		if err := f.kustomization(o.Kustomize); err != nil {
			return nil, nil, err
		}
	}
	for _, p := range o.Paths {
		if err := f.path(p); err != nil {
			missing = append(missing, err)
		}
	}
	if o.Size != nil {
		o.Size(f.size())
	}
	f.readAll()
	f.place()
	f.unrendered()
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
		if f.options.Kustomize != "" {
			names = []string{f.options.Kustomize}
		}
		for i, p := range names {
			if p == "-" {
				names[i] = "standard input"
			}
		}
		return fmt.Errorf("no objects in %s%s", strings.Join(names, ", "), f.instead())
	}
	return utilerrors.NewAggregate(errs)
}

type files struct {
	options    FileOptions
	snapshot   *snapshot.Snapshot
	problems   []Problem
	objects    int
	unplaced   []part // custom resources that name no namespace, until all definitions are read
	inputs     []input
	below      bool           // a folder that was named holds folders
	at         map[string]int // indexes into inputs, by the path without symbolic links
	charts     charts
	charted    map[string]*chartFiles
	chartNames []string // of charted, as they were found
	types      source.Filler
}

// input is a file, or standard input.
type input struct {
	name  string
	at    string // the same without symbolic links, empty where that is not known yet
	data  []byte // of standard input; a file is read when its turn comes
	file  bool
	found bool // in a folder, where what is no manifest may lie beside those
	size  int64
}

// part is a document or an item of a list, as an object.
type part struct {
	origin  *snapshot.Origin
	decoded decoded
}

// parsed is what an input holds: parts, and what is wrong with it.
type parsed struct {
	parts    []part
	problems []Problem
	others   []Problem // of what is no object of Kubernetes
	chart    string    // the file belongs to this Helm chart

	unrendered bool // it is a template of the chart, wherever it lies
}

// path reads one argument of -f.
func (f *files) path(p string) error {
	switch {
	case p == "-":
		if _, again := f.at["-"]; again {
			return nil
		}
		data, err := io.ReadAll(io.LimitReader(f.options.In, maxFile+1))
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		f.input(input{name: "standard input", at: "-", data: data})
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
		f.input(input{name: p, file: true, size: info.Size()})
		return nil
	}
	return f.folder(p)
}

// size is how many bytes there are to read.
func (f *files) size() int64 {
	total := int64(0)
	for _, in := range f.inputs {
		total += max(in.size, int64(len(in.data)))
	}
	return total
}

// readAll reads and parses the inputs on all CPUs, and takes in what they hold in their order.
func (f *files) readAll() {
	workers := min(len(f.inputs), runtime.GOMAXPROCS(0))
	atOnce := max(1, min(filesTogether, len(f.inputs)/max(1, 4*workers)))
	batches := slices.Collect(slices.Chunk(f.inputs, atOnce))
	results := make([]chan []parser, len(batches))
	for i := range results {
		results[i] = make(chan []parser, 1)
	}
	var next atomic.Int64
	for range workers {
		go func() {
			var text bytes.Buffer
			for i := next.Add(1) - 1; i < int64(len(batches)); i = next.Add(1) - 1 {
				parsers := make([]parser, len(batches[i]))
				for k, in := range batches[i] {
					parsers[k] = parser{options: f.options, types: &f.types, charts: &f.charts, text: &text, found: in.found}
					parsers[k].read(in)
				}
				parse(parsers)
				results[i] <- parsers
			}
		}()
	}
	for i, result := range results {
		for k, p := range <-result {
			f.took(batches[i][k], p.parsed)
		}
	}
}

// took takes in what an input holds.
func (f *files) took(in input, p parsed) {
	f.take(p)
	switch {
	case p.chart != "":
		f.template(p.chart, in.found)
	case in.found && len(p.parts) == 0 && len(p.problems) == 0:
		f.problems = append(f.problems, Problem{File: in.name, Reason: ReasonOther})
	default:
		f.problems = append(f.problems, p.others...)
	}
}

func (f *files) take(p parsed) {
	f.problems = append(f.problems, p.problems...)
	for i := range p.parts {
		f.add(p.parts[i])
	}
}

// template counts a template of a chart.
func (f *files) template(chart string, found bool) {
	c := f.charted[chart]
	if c == nil {
		if f.charted == nil {
			f.charted = map[string]*chartFiles{}
		}
		c = &chartFiles{}
		f.charted[chart] = c
		f.chartNames = append(f.chartNames, chart)
	}
	c.files++
	c.named = c.named || !found
}

// filesTogether is how many files of many are parsed in one go.
const filesTogether = 32

// parse makes objects of what several inputs hold.
func parse(parsers []parser) {
	var docs []*source.Document
	var of []*parser
	for i := range parsers {
		p := &parsers[i]
		if len(p.docs) > together {
			p.documents(p.docs)
			continue
		}
		docs = append(docs, p.docs...)
		for range p.docs {
			of = append(of, p)
		}
	}
	i := 0
	for doc, tree := range source.Trees(docs) {
		of[i].document(doc, tree)
		i++
	}
	for i := range parsers {
		if p := &parsers[i]; !p.template && !p.unrendered {
			p.chart = ""
		}
	}
}

// parser makes objects of one input.
type parser struct {
	options FileOptions
	types   *source.Filler
	charts  *charts
	text    *bytes.Buffer                         // of a small file, until the next is read
	found   bool                                  // the file was found in a folder
	origins map[*source.Document]*snapshot.Origin // of what was rendered here; nil for what was read

	docs     []*source.Document // are not parsed yet
	template bool               // the file lies where its chart has templates
	parsed
}

func (f *parser) read(in input) {
	if !in.file {
		f.data(in.name, in.data)
		return
	}
	if in.size > maxFile {
		f.problem(in.name, fmt.Sprintf("%d MB: files over %d MB are not read", in.size>>20, maxFile>>20))
		return
	}
	text := f.text
	if in.size > smallFile {
		text = new(bytes.Buffer) // is not kept while its documents are parsed
	}
	data, err := readFile(in.name, text)
	if err != nil {
		f.problems = append(f.problems, unread(in.name, err))
		return
	}
	if bytes.Contains(data, []byte("{{")) {
		if chart, template := f.charts.of(in.name); chart != "" {
			f.chart, f.template = chart, template
			if template {
				return
			}
		}
	}
	if !f.found || !traceless(data) {
		f.data(in.name, data)
	}
}

// smallFile is up to which size files are read into the same memory, in bytes: a repository has thousands.
const smallFile = 64 << 10

// readFile reads a file, or a pipe, that may change or go on for ever. What it returns lies in text.
func readFile(name string, text *bytes.Buffer) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text.Reset()
	_, err = text.ReadFrom(io.LimitReader(file, maxFile+1))
	return text.Bytes(), err
}

func (f *parser) problem(file, message string) {
	f.problems = append(f.problems, Problem{File: file, Reason: "broken", Message: message, Fatal: true})
}

// placeIn is a place in a document for people. What a tool rendered is named by the file that people edit, too.
func (f *parser) placeIn(doc *source.Document, at ...int) string {
	place := doc.Name
	for _, n := range at {
		if n > 0 {
			place += fmt.Sprintf(":%d", n)
		}
	}
	if from := f.origin(doc, nil).Source; from != "" {
		return from + " (" + place + ")"
	}
	return place
}

// origin is where an object of a document was written.
func (f *parser) origin(doc *source.Document, prefix source.Path) *snapshot.Origin {
	if o := f.origins[doc]; o != nil {
		return o
	}
	return &snapshot.Origin{Document: doc, Prefix: prefix, Source: templateOf(doc)}
}

// data splits what an input holds into documents.
func (f *parser) data(name string, data []byte) {
	if len(data) > maxFile {
		f.problem(name, fmt.Sprintf("over %d MB: not read", maxFile>>20))
		return
	}
	if utf16(data) {
		f.problem(name, "utf-16: save it as utf-8")
		return
	}
	docs, errs := source.Parse(name, data)
	for _, e := range errs {
		f.problem(name, e.Message)
	}
	if len(docs) == 0 && len(errs) == 0 && !f.found {
		f.problems = append(f.problems, Problem{File: name, Reason: "empty", Message: "no objects in it"})
	}
	f.docs = docs
}

// together is how many documents of a file are parsed in one go, where it has many.
const together = 64

// documents takes in documents, those of a large file on all CPUs.
func (f *parser) documents(docs []*source.Document) {
	if len(docs) <= together {
		for doc, tree := range source.Trees(docs) {
			f.document(doc, tree)
		}
		return
	}
	chunks := slices.Collect(slices.Chunk(docs, together))
	results := make([]parsed, len(chunks))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(len(chunks), runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(chunks)); i = next.Add(1) - 1 {
				p := *f
				p.parsed = parsed{chart: f.chart}
				p.documents(chunks[i])
				results[i] = p.parsed
			}
		})
	}
	all.Wait()
	for _, r := range results {
		f.parts, f.problems, f.others = append(f.parts, r.parts...), append(f.problems, r.problems...), append(f.others, r.others...)
		f.unrendered = f.unrendered || r.unrendered
	}
}

func (f *parser) document(doc *source.Document, tree *source.Tree) {
	if d, ok := decodePlain(tree, f.types); ok {
		f.object(doc, nil, d)
		return
	}
	value, err := tree.Decode()
	if err != nil {
		f.undecoded(doc, err)
		return
	}
	f.value(doc, nil, value)
}

// undecoded takes in a document that cannot be read.
func (f *parser) undecoded(doc *source.Document, err error) {
	place, message := f.placeIn(doc, doc.Line), err.Error()
	var e *source.Error
	if errors.As(err, &e) {
		place, message = f.placeIn(doc, e.Line, e.Column), e.Message
	}
	f.unrendered = f.chart != ""
	if f.unrendered || f.found && !meant.MatchString(doc.Text()) {
		f.others = append(f.others, Problem{File: place, Reason: "skipped", Message: message})
		return
	}
	f.problem(place, message)
}

// value takes in one document or one item of a list.
func (f *parser) value(doc *source.Document, prefix source.Path, value any) {
	content, ok := value.(map[string]any)
	if !ok {
		if list, isList := value.([]any); isList && len(prefix) == 0 && slices.ContainsFunc(list, saysKind) {
			f.items(doc, nil, list, "", "")
			return
		}
		if value == nil && len(prefix) == 0 {
			return
		}
		f.otherwise(doc, prefix, "not a Kubernetes object")
		return
	}
	kind, _ := content["kind"].(string)
	if items, ok := content["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		apiVersion, _ := content["apiVersion"].(string)
		at := append(append(source.Path{}, prefix...), source.Step{Key: "items", Index: -1})
		f.items(doc, at, items, apiVersion, strings.TrimSuffix(kind, "List"))
		return
	}
	d, err := decode(content, f.types)
	if err != nil {
		if message := mistaken(content); message != "" {
			f.problem(f.placeIn(doc, doc.Locate(prefix).Line), message)
			return
		}
		f.otherwise(doc, prefix, err.Error()+": not a Kubernetes object")
		return
	}
	if of := configOf(d.gvk, content); of != "" {
		f.otherwise(doc, prefix, of)
		return
	}
	if d.mismatch != nil {
		f.mismatch(doc, prefix, content, d)
	}
	if d.mismatch == nil && !scheme.Scheme.Recognizes(d.gvk) && !ofCluster(d.gvk.GroupKind()) {
		apiVersion, _ := content["apiVersion"].(string)
		odd := strangeKind(d.gvk, apiVersion, hasTemplate(content))
		switch {
		case odd.other && (f.found || odd.reason == ""):
			f.otherwise(doc, prefix, apiVersion+" is no version of an API of Kubernetes")
			return
		case odd.reason != "":
			at := doc.Locate(append(append(source.Path{}, prefix...), source.Step{Key: "apiVersion", Index: -1}))
			f.problems = append(f.problems, Problem{File: f.placeIn(doc, at.Line, at.Column), Reason: odd.reason, Message: odd.message, Fatal: true})
			d.unknownVersion = true
		}
	}
	f.object(doc, prefix, d)
}

// saysKind tells whether a value says which kind it is.
func saysKind(value any) bool {
	m, _ := value.(map[string]any)
	kind, _ := m["kind"].(string)
	return kind != ""
}

// items takes in the items of a list. Those of the list of one kind need not say what they are.
func (f *parser) items(doc *source.Document, at source.Path, items []any, apiVersion, kind string) {
	for i, item := range items {
		if m, ok := item.(map[string]any); ok && kind != "" && m["apiVersion"] == nil && m["kind"] == nil {
			m["apiVersion"], m["kind"] = apiVersion, kind
		}
		f.value(doc, append(append(source.Path{}, at...), source.Step{Index: i}), item)
	}
}

// object takes in one object. A configuration or a baseline of this program lies beside manifests, and is none.
func (f *parser) object(doc *source.Document, prefix source.Path, d decoded) {
	if d.gvk.Group == ownGroup && !ofCluster(d.gvk.GroupKind()) {
		return
	}
	if d.mismatch == nil && !d.unknownVersion && imageless(d) {
		f.skipped(doc, prefix, "no container of this "+d.gvk.Kind+" has an image: a patch of kustomize? Check what it renders: kubectl maturity check -k DIR")
		return
	}
	m, ok := metaOf(d.object)
	if !ok {
		f.otherwise(doc, prefix, d.gvk.Kind+" is an answer of an API server, and no object")
		return
	}
	d.placed = m.GetNamespace() != ""
	if !d.placed && !clusterScoped(schema.GroupKind{Group: d.gvk.Group, Kind: d.gvk.Kind}) {
		m.SetNamespace(f.options.Namespace)
	}
	f.parts = append(f.parts, part{f.origin(doc, prefix), d})
}

func (f *parser) skipped(doc *source.Document, prefix source.Path, why string) {
	line := doc.Locate(prefix).Line
	f.problems = append(f.problems, Problem{File: f.placeIn(doc, line), Reason: "skipped", Message: why})
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
	f.problems = append(f.problems, Problem{File: f.placeIn(doc, span.Line, span.Column), Reason: "broken", Message: message, Fatal: true})
}

func (f *files) add(p part) {
	if ofOthersUnplaced(p.decoded) {
		f.unplaced = append(f.unplaced, p)
		return
	}
	f.insert(p)
}

func (f *files) insert(p part) {
	o, err := f.snapshot.Add(p.decoded.gvk, p.decoded.object, p.origin)
	if err != nil {
		f.problems = append(f.problems, Problem{File: p.origin.Document.Name, Reason: "broken", Message: err.Error(), Fatal: true})
		return
	}
	if o != nil {
		o.UnknownFields, o.Unfit = p.decoded.unknownFields, p.decoded.mismatch != nil || p.decoded.unknownVersion
		o.Written, o.Placed = p.decoded.written, p.decoded.placed
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
