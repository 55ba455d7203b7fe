package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	kustomize "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// kustomization reads what a folder with a kustomization.yaml renders, as kubectl -k does: without plugins, and
// here without a network.
func (f *files) kustomization(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil && remote(dir):
		return fmt.Errorf("%s: with -k nothing is read from the network; clone it first", dir)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the path %q does not exist", dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%q is a file: -k takes a folder with a kustomization.yaml", dir)
	}
	root, err := filepath.EvalSymlinks(dir)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return err
	}
	disk := &kustomizeDisk{FileSystem: filesys.MakeFsOnDisk(), dir: dir, root: root}
	rendered, err := render(disk)
	switch {
	case disk.complaint != nil:
		return disk.complaint
	case err != nil:
		return fmt.Errorf("%s: %s", dir, strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), root+string(filepath.Separator), "")), " "))
	}
	return f.rendered(disk, rendered)
}

// render runs kustomize. A panic of it on odd input must not take the program down.
func render(disk *kustomizeDisk) (rendered resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize failed: %v", r)
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified          // what the kustomization says, or else kubectl's own order
	return krusty.MakeKustomizer(options).Run(disk, disk.root) // a path that is absolute is never taken for a host
}

// rendered takes in what kustomize made. Where an object comes from is told by annotations, which are read and
// taken off.
func (f *files) rendered(disk *kustomizeDisk, rendered resmap.ResMap) error {
	resources := rendered.Resources()
	origins := make([]*resource.Origin, len(resources))
	for i, r := range resources {
		origins[i], _ = r.GetOrigin() // what cannot be read names no file
	}
	if !disk.annotated {
		if err := rendered.RemoveOriginAnnotations(); err != nil {
			return err
		}
	}
	text, err := rendered.AsYaml()
	if err != nil {
		return err
	}
	name := "kustomize " + disk.dir // and the line is that of what kubectl kustomize prints
	docs, _ := source.Parse(name, text)
	p := parser{options: f.options, types: &f.types, charts: &f.charts, origins: map[*source.Document]*snapshot.Origin{}}
	for i, doc := range docs {
		if len(docs) == len(resources) {
			p.origins[doc] = disk.origin(doc, origins[i], resources[i])
		}
	}
	p.documents(docs)
	f.take(p.parsed)
	f.problems = append(f.problems, p.others...)
	return nil
}

// kustomizeDisk is the disk as kustomize sees it: it may read, and reads nothing that leads into a network.
type kustomizeDisk struct {
	filesys.FileSystem
	dir, root string // as the user named it, and without symbolic links
	annotated bool   // the kustomization wants to see the annotations of origins itself
	complaint error  // in words for people, and before those of kustomize
	reads     []kustomizeRead
	written   []handWritten // the documents of reads
	byName    map[object][]int
	byPath    map[string][]int
}

// kustomizeRead is a file that kustomize asked for.
type kustomizeRead struct {
	path string
	data []byte
}

// ReadFile implements filesys.FileSystem. The root kustomization is told to say where objects come from.
func (d *kustomizeDisk) ReadFile(path string) ([]byte, error) {
	data, err := d.FileSystem.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(path)) {
		if bytes.Contains(data, []byte("apiVersion: builtin")) { // the configuration of a generator or transformer
			if err := d.local(path, data); err != nil {
				return nil, err
			}
		}
		d.reads = append(d.reads, kustomizeRead{path: path, data: data})
		return data, nil
	}
	if err := d.local(path, data); err != nil {
		return nil, err
	}
	if filepath.Dir(path) == d.root {
		data = d.asking(data)
	}
	return data, nil
}

// asking adds to a kustomization the wish for annotations that name the origin of each object.
func (d *kustomizeDisk) asking(data []byte) []byte {
	var doc yamlv3.Node
	if yamlv3.Unmarshal(data, &doc) != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yamlv3.MappingNode {
		return data
	}
	wish := &yamlv3.Node{Kind: yamlv3.ScalarNode, Value: kustomize.OriginAnnotations}
	top := doc.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value != "buildMetadata" {
			continue
		}
		list := top.Content[i+1]
		if list.Kind != yamlv3.SequenceNode {
			return data
		}
		if slices.ContainsFunc(list.Content, func(n *yamlv3.Node) bool { return n.Value == wish.Value }) {
			d.annotated = true
			return data
		}
		list.Content = append(list.Content, wish)
		return remarshalled(&doc, data)
	}
	top.Content = append(top.Content, &yamlv3.Node{Kind: yamlv3.ScalarNode, Value: "buildMetadata"},
		&yamlv3.Node{Kind: yamlv3.SequenceNode, Style: yamlv3.FlowStyle, Content: []*yamlv3.Node{wish}})
	return remarshalled(&doc, data)
}

func remarshalled(doc *yamlv3.Node, otherwise []byte) []byte {
	out, err := yamlv3.Marshal(doc)
	if err != nil {
		return otherwise
	}
	return out
}

// pathKeys are the fields of kustomizations and of what configures generators and transformers that hold paths.
var pathKeys = map[string]bool{
	"resources": true, "bases": true, "components": true, "crds": true, "configurations": true, "generators": true, "transformers": true,
	"validators": true, "patchesStrategicMerge": true, "path": true, "paths": true, "targetFilePath": true, "files": true, "envs": true, "env": true,
	"additionalValuesFiles": true, "valuesFile": true,
}

// mustExist are those of them whose entries nothing else explains when they are missing.
var mustExist = map[string]bool{"resources": true, "bases": true, "components": true, "crds": true, "configurations": true}

// local refuses a kustomization that names something to fetch, before kustomize fetches it.
func (d *kustomizeDisk) local(path string, data []byte) error {
	var content any
	if yamlv3.Unmarshal(data, &content) != nil {
		return nil // which kustomize words
	}
	d.look(path, "", content)
	return d.complaint
}

func (d *kustomizeDisk) look(file, key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if k == "helmCharts" || k == "helmChartInflationGenerator" {
				d.complain("%s: %s runs helm, which is left to you: kustomize build --enable-helm %s | kubectl maturity check -f -", d.shown(file), k, d.dir)
			}
			d.look(file, k, v[k])
		}
	case []any:
		for _, item := range v {
			d.look(file, key, item)
		}
	case string:
		if !pathKeys[key] {
			return
		}
		if strings.Contains(v, "\n") { // written in place instead of a path
			var inline any
			if yamlv3.Unmarshal([]byte(v), &inline) == nil {
				if _, text := inline.(string); !text {
					d.look(file, "", inline)
				}
			}
			return
		}
		if key == "files" || key == "envs" || key == "env" { // KEY=PATH
			if _, after, ok := strings.Cut(v, "="); ok && !remote(v) {
				v = after
			}
		}
		local := filepath.Join(filepath.Dir(file), v)
		if info, err := os.Stat(local); err == nil && !info.IsDir() && !strings.Contains(v, "://") {
			return // which comes before a host of that name
		}
		switch {
		case remote(v):
			d.complain("%s: %s: with -k nothing is read from the network; render it where there is one: kubectl kustomize %s | kubectl maturity check -f -", d.shown(file), v, d.dir)
		case mustExist[key] && !filepath.IsAbs(v) && !exists(local):
			d.complain("%s: %s names %q, which does not exist", d.shown(file), key, v)
		}
	}
}

func (d *kustomizeDisk) complain(format string, args ...any) {
	if d.complaint == nil {
		d.complaint = fmt.Errorf(format, args...)
	}
}

var (
	remoteScheme = regexp.MustCompile(`(?i)^(git::|ssh://|https?:|file://|github\.com[/:])`)
	remoteUser   = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@[^/]*[:/]`)
)

// remote tells whether kustomize would fetch what a path names. Source: extractHost and IsRemoteFile of
// sigs.k8s.io/kustomize/api.
func remote(path string) bool { return remoteScheme.MatchString(path) || remoteUser.MatchString(path) }

// shown is a path as the user would write it.
func (d *kustomizeDisk) shown(path string) string {
	relative, err := filepath.Rel(d.root, path)
	if err != nil {
		return path
	}
	return filepath.Join(d.dir, relative)
}

// origin is where an object that kustomize rendered was written: in a file that the kustomization names, and in
// the patches that it lays over that.
func (d *kustomizeDisk) origin(doc *source.Document, from *resource.Origin, r *resource.Resource) *snapshot.Origin {
	o := &snapshot.Origin{Document: doc}
	switch {
	case from == nil:
		return o
	case from.Path == "":
		o.Source = filepath.Join(d.dir, from.ConfiguredIn) // made by a generator
		return o
	}
	o.Source = filepath.Join(d.dir, from.Path)
	at := filepath.Join(d.root, from.Path)
	if resolved, err := filepath.EvalSymlinks(at); err == nil {
		at = resolved
	}
	id := r.CurId()
	var own []handWritten
	d.index()
	for _, i := range d.byPath[at] {
		w := d.written[i]
		// A prefix or a suffix may have been put on the name.
		if w.path == at && w.kind == id.Kind && w.name != "" && strings.Contains(id.Name, w.name) {
			own = append(own, w)
		}
	}
	if exact := slices.IndexFunc(own, func(w handWritten) bool { return w.name == id.Name }); exact >= 0 {
		own = own[exact : exact+1]
	}
	if len(own) != 1 {
		return o // an item of a List, or two alike
	}
	o.Written = append(o.Written, own[0].doc)
	for _, i := range d.byName[own[0].object] {
		if w := d.written[i]; w.path != at {
			o.Written = append(o.Written, w.doc)
		}
	}
	return o
}

// handWritten is a document of a file that kustomize asked for.
type handWritten struct {
	object
	path string
	doc  *source.Document
}

type object struct{ kind, name string }

// index parses the files that were read, once.
func (d *kustomizeDisk) index() {
	if d.byName != nil {
		return
	}
	d.byName, d.byPath = map[object][]int{}, map[string][]int{}
	for _, read := range d.reads {
		docs, _ := source.Parse(d.shown(read.path), read.data)
		for _, doc := range docs {
			kind, _ := doc.Value(source.Path{{Key: "kind", Index: -1}})
			name, _ := doc.Value(source.Path{{Key: "metadata", Index: -1}, {Key: "name", Index: -1}})
			w := handWritten{path: read.path, doc: doc}
			w.kind, _ = kind.(string)
			w.name, _ = name.(string)
			d.byName[w.object] = append(d.byName[w.object], len(d.written))
			d.byPath[w.path] = append(d.byPath[w.path], len(d.written))
			d.written = append(d.written, w)
		}
	}
}
