package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// Index is snapshot.yaml: what a snapshot folder holds besides its lists.
type Index struct {
	APIVersion string        `json:"apiVersion"` // kubectl-maturity/v1alpha1
	Kind       string        `json:"kind"`       // Snapshot
	At         time.Time     `json:"at"`
	Context    string        `json:"context,omitempty"`
	Read       []IndexedRead `json:"read,omitempty"`
	Unread     []Unread      `json:"unread,omitempty"`
	Absent     []IndexedRead `json:"absent,omitempty"`    // what the server said does not exist
	NamesOnly  []IndexedName `json:"namesOnly,omitempty"` // ConfigMaps of whose entries only the names were read
	NoNames    []IndexedName `json:"noNames,omitempty"`   // ConfigMaps of whose entries not even the names are known
}

// IndexedName is one object, whose kind is told by the list that it is in.
type IndexedName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// IndexedRead is a kind that was read, in one namespace or, without one, in all; with a name, one object that
// was asked for.
type IndexedRead struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// Unread is what was wanted and could not be read, and why: a list that is partly there, an object that
// may be.
type Unread struct {
	Verb      snapshot.Verb `json:"verb"`
	Group     string        `json:"group,omitempty"`
	Kind      string        `json:"kind"`
	Namespace string        `json:"namespace,omitempty"`
	Name      string        `json:"name,omitempty"`
	Selector  string        `json:"selector,omitempty"`
	Fields    string        `json:"fields,omitempty"`
	Container string        `json:"container,omitempty"`
	Previous  bool          `json:"previous,omitempty"`
	Reason    string        `json:"reason"`
	Message   string        `json:"message,omitempty"`
}

func (u Unread) want() snapshot.Want {
	return snapshot.Want{
		Verb: u.Verb, Group: u.Group, Kind: u.Kind, Namespace: u.Namespace, Name: u.Name,
		Selector: u.Selector, Fields: u.Fields, Container: u.Container, Previous: u.Previous,
	}
}

// indexFile is the name of the Index in a snapshot folder.
const indexFile = "snapshot.yaml"

// notSnapshot are files that may lie beside a snapshot and are not part of it.
var notSnapshot = map[string]bool{"applied.yaml": true, "kustomization.yaml": true}

// Archive reads a snapshot folder. Everything in it is in the snapshot afterwards; what its Fetcher
// is asked for is present, absent, or was not read.
func Archive(folder fs.FS) (*snapshot.Snapshot, Fetcher, []Problem, error) {
	a := &archive{index: Index{}, byFile: map[string][]decoded{}}
	names, err := fs.Glob(folder, "*")
	if err != nil {
		return nil, nil, nil, err
	}
	found := false
	for _, name := range names {
		if a.file(folder, name) {
			found = true
		}
	}
	if !found {
		return nil, nil, nil, errors.New("no lists of objects in it: a snapshot folder holds pods.yaml and the like, as `kubectl get -o yaml` prints them")
	}
	s := a.fill()
	a.logs(folder, s)
	return s, a, a.problems, nil
}

type archive struct {
	index    Index
	byFile   map[string][]decoded
	newest   time.Time
	problems []Problem
	partial  map[schema.GroupKind]bool // kinds whose file could not be read to its end
	types    source.Filler
}

// Fetch implements Fetcher: all there is was read at once, so what is not there was not read.
func (a *archive) Fetch(_ context.Context, s *snapshot.Snapshot, wants []snapshot.Want) error {
	for _, w := range wants {
		s.SetOutcome(w, snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonUnread, Message: "not in the snapshot"})
	}
	return nil
}

// file reads one file; it tells whether it held objects.
func (a *archive) file(folder fs.FS, name string) bool {
	if ext := path.Ext(name); ext != ".yaml" && ext != ".json" && ext != ".yml" || notSnapshot[name] {
		return false
	}
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		a.problem(name, err)
		return false
	}
	if name == indexFile {
		if err := yaml.UnmarshalStrict(data, &a.index); err != nil {
			a.problem(name, err)
		}
		return false
	}
	docs, errs := source.Parse(name, data)
	for _, e := range errs {
		a.problem(e.Name, e)
	}
	for _, doc := range docs {
		value, err := doc.Decode()
		if err != nil {
			a.problem(name, err)
			a.cut(name)
			continue
		}
		content, ok := value.(map[string]any)
		if !ok {
			a.problem(fmt.Sprintf("%s:%d", name, doc.Line), errors.New("no object"))
			continue
		}
		a.newestIn(content)
		items, isList := content["items"].([]any)
		if !isList {
			a.object(name, doc.Line, content)
			continue
		}
		if _, ok := a.byFile[name]; !ok {
			a.byFile[name] = nil // an empty list was read as well
		}
		if _, ok := content["kind"]; !ok { // kind comes after items: without it the file ends too early
			last := doc.Line + strings.Count(strings.TrimRight(doc.Text(), "\n"), "\n")
			a.problem(fmt.Sprintf("%s:%d", name, last), errors.New("the list is cut off: its objects are used, others are missing"))
			a.cut(name)
		}
		for i, item := range items {
			if c, ok := item.(map[string]any); ok {
				line := doc.Locate(source.Path{{Key: "items", Index: -1}, {Index: i}}).Line
				a.object(name, line, c)
			}
		}
	}
	_, ok := a.byFile[name]
	return ok || len(docs) > 0
}

func (a *archive) problem(file string, err error) {
	var se *source.Error
	if errors.As(err, &se) {
		file = strings.TrimSuffix(se.Error(), ": "+se.Message)
		err = errors.New(se.Message)
	}
	a.problems = append(a.problems, Problem{File: file, Reason: "broken", Message: err.Error(), Fatal: true})
}

// cut remembers that a file's kind is not known to its end, so that nothing is concluded from what
// it lacks.
func (a *archive) cut(name string) {
	if a.partial == nil {
		a.partial = map[schema.GroupKind]bool{}
	}
	if gk, ok := kindOfFile(name); ok {
		a.partial[gk] = true
	}
}

func (a *archive) object(name string, line int, content map[string]any) {
	d, err := decode(content, &a.types)
	if err != nil {
		a.problem(fmt.Sprintf("%s:%d", name, line), err)
		return
	}
	if d.mismatch != nil {
		a.problem(fmt.Sprintf("%s:%d", name, line), d.mismatch)
	}
	a.byFile[name] = append(a.byFile[name], d)
}

// newestIn moves the clock to the newest time stamp inside of v that tells of something past.
func (a *archive) newestIn(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if !toCome.MatchString(key) {
				a.newestIn(item)
			}
		}
	case []any:
		for _, item := range v {
			a.newestIn(item)
		}
	case string:
		if len(v) < len("2006-01-02T15:04:05Z") || len(v) > len("2006-01-02T15:04:05.000000Z") || v[4] != '-' {
			return
		}
		if t, err := time.Parse(time.RFC3339, v); err == nil && t.After(a.newest) {
			a.newest = t
		}
	}
}

// toCome are fields that say when something will be: certificates end, and schedules go on.
var toCome = knowledge.Regexp(`(?i)^(notAfter|renewalTime|expir\w*|next\w*|until|validUntil)$`)

func (a *archive) fill() *snapshot.Snapshot {
	now := a.index.At
	if now.IsZero() {
		now = a.newest
	}
	s := snapshot.New(now)
	s.Context = a.index.Context
	namespaces := map[string]bool{}
	read := map[schema.GroupKind]bool{}
	files := make([]string, 0, len(a.byFile))
	for name := range a.byFile {
		files = append(files, name)
	}
	sort.Strings(files)
	for _, name := range files {
		if gk, ok := kindOfFile(name); ok {
			read[gk] = true
		}
		for _, d := range a.byFile[name] {
			o, err := s.Add(d.gvk, d.object, nil)
			if err != nil {
				a.problem(name, err)
				continue
			}
			if o != nil && o.Namespace != "" {
				namespaces[o.Namespace] = true
			}
			if o != nil && o.GroupKind() == snapshot.NamespaceKind {
				namespaces[o.Name] = true
			}
			if !strings.HasPrefix(path.Base(name), "namespace.") { // one object, not the list of its kind
				read[schema.GroupKind{Group: d.gvk.Group, Kind: d.gvk.Kind}] = true
			}
		}
	}
	for _, n := range a.index.NamesOnly {
		if cm := configMap(s, n); cm != nil {
			cm.Typed.(*corev1.ConfigMap).Data = nil
		}
	}
	for _, n := range a.index.NoNames {
		if cm := configMap(s, n); cm != nil {
			cm.Keys, cm.KeysKnown = nil, false
		}
	}
	present := snapshot.Outcome{State: snapshot.Present}
	for _, r := range a.index.Read {
		s.SetOutcome(snapshot.WantList(schema.GroupKind{Group: r.Group, Kind: r.Kind}, r.Namespace, ""), present)
	}
	for _, r := range a.index.Absent {
		w := snapshot.WantGet(schema.GroupKind{Group: r.Group, Kind: r.Kind}, r.Namespace, r.Name)
		s.SetOutcome(w, snapshot.Outcome{State: snapshot.Absent, Proven: true})
	}
	unread := map[schema.GroupKind]bool{}
	for _, u := range a.index.Unread {
		w := u.want()
		if w.Verb == snapshot.List && w.Selector == "" && w.Fields == "" {
			unread[w.GroupKind()] = true
		}
		s.SetOutcome(w, snapshot.Outcome{State: snapshot.Blind, Reason: u.Reason, Message: u.Message})
	}
	for gk := range read {
		if a.partial[gk] || unread[gk] || len(a.index.Read) > 0 { // a file may hold what there is of it
			continue
		}
		if clusterScoped(gk) {
			s.SetOutcome(snapshot.WantList(gk, "", ""), present)
			continue
		}
		for ns := range namespaces {
			s.SetOutcome(snapshot.WantList(gk, ns, ""), present)
		}
	}
	return s
}

// configMap is a ConfigMap of the folder, or nil.
func configMap(s *snapshot.Snapshot, n IndexedName) *snapshot.Object {
	o, _ := s.Lookup(snapshot.ConfigMapKind, n.Namespace, n.Name)
	if o == nil {
		return nil
	}
	if _, ok := o.Typed.(*corev1.ConfigMap); !ok {
		return nil
	}
	return o
}

// droppedLog is how the kubelet words, as text of the log, that it has dropped it.
const droppedLog = "unable to retrieve container logs for"

// notALog is how kubectl words that there is no log, where it wrote that into the log's file. Programs begin
// a line with "error: " as well: only with kubectl's own words behind it is it kubectl's.
var notALog = regexp.MustCompile(`^(?:Error from server|` + droppedLog + `|Unable to connect to the server|` +
	`error: (?:a container name must be specified for pod |container \S+ is not valid for pod |cannot get the logs from |You must be logged in to the server|` +
	`context "[^"]*" does not exist|expected 'logs |the server doesn't have a resource type |timed out waiting for the condition$|Missing or incomplete configuration info))`)

// logs reads logs/NS/POD/CONTAINER[.previous].txt and log-POD-CONTAINER[-previous].txt, matched
// against the pods that are there.
func (a *archive) logs(folder fs.FS, s *snapshot.Snapshot) {
	for _, o := range s.List(snapshot.PodKind, "") {
		for _, c := range o.PodContainers() {
			for _, previous := range []bool{false, true} {
				nested, flat := ".txt", ".txt"
				if previous {
					nested, flat = ".previous.txt", "-previous.txt"
				}
				w := snapshot.WantLog(o.Namespace, o.Name, c.Name, previous)
				if data, err := fs.ReadFile(folder, path.Join("logs", o.Namespace, o.Name, c.Name+nested)); err == nil {
					setLog(s, w, string(data), nil) // as snapshot writes them: what could not be read has no file
				} else if data, err := fs.ReadFile(folder, "log-"+o.Name+"-"+c.Name+flat); err == nil {
					setLog(s, w, string(data), notALog)
				}
			}
		}
	}
}

// setLog puts a log into the snapshot, unless it is one of the texts that say that there is none.
func setLog(s *snapshot.Snapshot, w snapshot.Want, text string, none *regexp.Regexp) {
	if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, droppedLog) || none != nil && none.MatchString(trimmed) {
		s.SetOutcome(w, snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonUnavailable, Message: trimmed})
		return
	}
	s.SetLog(w.Namespace, w.Name, w.Container, w.Previous, text)
	s.SetOutcome(w, snapshot.Outcome{State: snapshot.Present})
}
