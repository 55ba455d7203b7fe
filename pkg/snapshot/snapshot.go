package snapshot

import (
	"sort"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Snapshot holds everything that rules may see. Fill it from one goroutine; read it from any.
type Snapshot struct {
	Now     time.Time // the clock of every rule
	Context string    // the kubeconfig context, for the commands that are printed; may be empty
	Files   bool      // filled from the user's manifests: selectors are judged within them
	Closed  bool      // the manifests are complete: what they do not contain does not exist
	Beside  bool      // what the manifests do not contain is looked up in a cluster

	objects  map[Ref]*Object
	byUID    map[types.UID]*Object
	byKind   map[schema.GroupKind][]*Object
	owned    map[types.UID][]*Object
	events   map[Ref][]*corev1.Event
	eventIDs map[types.NamespacedName]bool
	logs     map[logKey]string
	outcomes map[Want]Outcome
	sorted   bool

	relationsMu sync.Mutex
	relations   *relations // nil until somebody asks

	questions *questions // nil where nobody listens
}

type logKey struct {
	namespace, pod, container string
	previous                  bool
}

// New makes an empty snapshot that was taken at now.
func New(now time.Time) *Snapshot {
	return &Snapshot{
		Now:      now,
		objects:  map[Ref]*Object{},
		byUID:    map[types.UID]*Object{},
		byKind:   map[schema.GroupKind][]*Object{},
		owned:    map[types.UID][]*Object{},
		events:   map[Ref][]*corev1.Event{},
		eventIDs: map[types.NamespacedName]bool{},
		logs:     map[logKey]string{},
		outcomes: map[Want]Outcome{},
	}
}

// Add trims obj, a typed object or an unstructured one, and keeps it; an object that is there
// already is replaced. Events go to EventsOf. It fails for what has no metadata.
func (s *Snapshot) Add(gvk schema.GroupVersionKind, obj runtime.Object, origin *Origin) (*Object, error) {
	if event, ok := obj.(*corev1.Event); ok {
		s.addEvent(event)
		return nil, nil
	}
	obj, err := typed(gvk.GroupKind(), obj)
	if err != nil {
		return nil, err
	}
	o, err := newObject(gvk, obj, origin)
	if err != nil {
		return nil, err
	}
	key := o.Key()
	if old, ok := s.objects[key]; ok && origin == nil {
		s.replace(old, o)
		return o, nil
	}
	s.objects[key] = o
	s.byKind[o.GroupKind()] = append(s.byKind[o.GroupKind()], o)
	s.index(o)
	s.sorted = false
	return o, nil
}

func (s *Snapshot) index(o *Object) {
	s.forgetRelations()
	if uid := o.Meta.GetUID(); uid != "" {
		s.byUID[uid] = o
	}
	for _, ref := range o.Meta.GetOwnerReferences() {
		if ref.Controller != nil && *ref.Controller {
			s.owned[ref.UID] = append(s.owned[ref.UID], o)
		}
	}
}

func (s *Snapshot) replace(old, o *Object) {
	s.forgetRelations()
	swap := func(list []*Object) {
		for i := range list {
			if list[i] == old {
				list[i] = o
			}
		}
	}
	s.objects[o.Key()] = o
	swap(s.byKind[o.GroupKind()])
	for _, list := range s.owned {
		swap(list)
	}
	if uid := o.Meta.GetUID(); uid != "" {
		s.byUID[uid] = o
	}
}

func (s *Snapshot) addEvent(e *corev1.Event) {
	id := types.NamespacedName{Namespace: e.Namespace, Name: e.Name}
	if s.eventIDs[id] {
		return
	}
	s.eventIDs[id] = true
	e.ManagedFields = nil
	ref := Ref{APIVersion: e.InvolvedObject.APIVersion, Kind: e.InvolvedObject.Kind, Namespace: e.InvolvedObject.Namespace, Name: e.InvolvedObject.Name}.Key()
	list := append(s.events[ref], e)
	sort.SliceStable(list, func(i, j int) bool { return EventTime(list[i]).Before(EventTime(list[j])) })
	s.events[ref] = list
}

// EventTime is when the event was last seen.
func EventTime(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	case !e.FirstTimestamp.IsZero():
		return e.FirstTimestamp.Time
	}
	return e.CreationTimestamp.Time
}

// EventCount is how often the event was seen.
func EventCount(e *corev1.Event) int {
	if e.Series != nil && e.Series.Count > 0 {
		return int(e.Series.Count)
	}
	return max(1, int(e.Count))
}

// EventsOf are the events of an object, oldest first. Events of an earlier object of the same name
// are left out when both carry a UID.
func (s *Snapshot) EventsOf(o *Object) []*corev1.Event {
	var list []*corev1.Event
	for _, e := range s.events[o.Key()] {
		if uid := o.Meta.GetUID(); uid == "" || e.InvolvedObject.UID == "" || e.InvolvedObject.UID == uid || o.GroupKind() == NodeKind {
			list = append(list, e)
		}
	}
	return list
}

// SetLog keeps the end of a container's log.
func (s *Snapshot) SetLog(namespace, pod, container string, previous bool, text string) {
	s.logs[logKey{namespace, pod, container, previous}] = text
}

// LogOf returns the end of a container's log; ok is false when it was not read.
func (s *Snapshot) LogOf(namespace, pod, container string, previous bool) (text string, ok bool) {
	text, ok = s.logs[logKey{namespace, pod, container, previous}]
	return text, ok
}

// SetOutcome records what became of a want.
func (s *Snapshot) SetOutcome(w Want, o Outcome) {
	w.Required = false
	s.outcomes[w] = o
}

// Outcome tells what became of a want that was asked; ok is false when nobody asked.
func (s *Snapshot) Outcome(w Want) (o Outcome, ok bool) {
	w.Required = false
	o, ok = s.outcomes[w]
	return o, ok
}

// BlindSpots are the wants that could not be answered, in a stable order.
func (s *Snapshot) BlindSpots() []Want {
	var blind []Want
	for w, o := range s.outcomes {
		if o.State == Blind {
			blind = append(blind, w)
		}
	}
	sort.Slice(blind, func(i, j int) bool { return blind[i].String() < blind[j].String() })
	return blind
}

// Lookup finds an object by kind, namespace and name. When it is not there the outcome tells
// absent from unknown.
func (s *Snapshot) Lookup(gk schema.GroupKind, namespace, name string) (*Object, Outcome) {
	if o, ok := s.objects[Ref{APIVersion: gk.Group, Kind: gk.Kind, Namespace: namespace, Name: name}]; ok {
		return o, Outcome{State: Present, Proven: true}
	}
	if out, ok := s.Outcome(WantGet(gk, namespace, name)); ok {
		return nil, out
	}
	s.ask(WantGet(gk, namespace, name))
	return nil, s.listed(gk, namespace)
}

// listed tells what a list says of an object that is not in it.
func (s *Snapshot) listed(gk schema.GroupKind, namespace string) Outcome {
	for _, ns := range []string{namespace, ""} {
		if out, ok := s.Outcome(WantList(gk, ns, "")); ok {
			if out.State == Blind {
				return out
			}
			return Outcome{State: Absent}
		}
	}
	switch {
	case s.Closed:
		return Outcome{State: Absent, Proven: true}
	case s.Files:
		return Outcome{State: Blind, Reason: ReasonNotInFiles}
	}
	return Outcome{State: Blind, Reason: ReasonUnread}
}

// ListRead tells whether all objects of the kind in the namespace were read.
func (s *Snapshot) ListRead(gk schema.GroupKind, namespace string) bool {
	for _, ns := range []string{namespace, ""} {
		if out, ok := s.Outcome(WantList(gk, ns, "")); ok && out.State != Blind {
			return true
		}
	}
	return s.Closed || s.Files
}

// List are the objects of a kind, in one namespace or, with "", in all; by namespace and name. The list is
// not changed by who gets it.
func (s *Snapshot) List(gk schema.GroupKind, namespace string) []*Object {
	s.askFor(namespace, gk)
	s.sort()
	all := s.byKind[gk]
	if namespace == "" {
		return all
	}
	from := sort.Search(len(all), func(i int) bool { return all[i].Namespace >= namespace })
	to := from + sort.Search(len(all)-from, func(i int) bool { return all[from+i].Namespace > namespace })
	return all[from:to:to]
}

// All are all objects, by kind, namespace and name.
func (s *Snapshot) All() []*Object {
	s.sort()
	kinds := make([]schema.GroupKind, 0, len(s.byKind))
	for gk := range s.byKind {
		kinds = append(kinds, gk)
	}
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].String() < kinds[j].String() })
	var all []*Object
	for _, gk := range kinds {
		all = append(all, s.byKind[gk]...)
	}
	return all
}

func (s *Snapshot) sort() {
	if s.sorted {
		return
	}
	for _, list := range s.byKind {
		sort.SliceStable(list, func(i, j int) bool {
			if list[i].Namespace != list[j].Namespace {
				return list[i].Namespace < list[j].Namespace
			}
			return list[i].Name < list[j].Name
		})
	}
	s.sorted = true
}

// Namespaces are the namespaces that hold objects, sorted.
func (s *Snapshot) Namespaces() []string {
	seen := map[string]bool{}
	for ref := range s.objects {
		if ref.Namespace != "" {
			seen[ref.Namespace] = true
		}
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Names are the names of the objects of a kind in a namespace: what a "did you mean" picks from.
func (s *Snapshot) Names(gk schema.GroupKind, namespace string) []string {
	var names []string
	for _, o := range s.List(gk, namespace) {
		names = append(names, o.Name)
	}
	return names
}

// Types are the kinds in the snapshot, in lower case.
func (s *Snapshot) Types() []string {
	var names []string
	for gk := range s.byKind {
		names = append(names, strings.ToLower(gk.Kind))
	}
	sort.Strings(names)
	return names
}

// Answered tells whether what w asks for is known already: it was asked before, the object is
// there, or a wider list covers it.
func (s *Snapshot) Answered(w Want) bool {
	if _, ok := s.Outcome(w); ok {
		return true
	}
	covered := func(gk schema.GroupKind) bool {
		for _, ns := range []string{w.Namespace, ""} {
			if _, ok := s.Outcome(WantList(gk, ns, "")); ok {
				return true
			}
		}
		return false
	}
	switch w.Verb {
	case Get:
		if _, ok := s.objects[Ref{APIVersion: w.Group, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}]; ok {
			return true
		}
		return covered(w.GroupKind())
	case List:
		return covered(w.GroupKind())
	case Events:
		return covered(EventKind)
	case Log:
		_, ok := s.LogOf(w.Namespace, w.Name, w.Container, w.Previous)
		return ok
	}
	return false
}

// ListOutcome tells why the objects of a kind in a namespace are not known; it is Present where they are.
func (s *Snapshot) ListOutcome(gk schema.GroupKind, namespace string) Outcome {
	if s.ListRead(gk, namespace) {
		return Outcome{State: Present}
	}
	return s.listed(gk, namespace)
}

// AddMetadata keeps a Secret or ConfigMap of which only the metadata was read. The names of its
// entries are learned from who wrote them, where the server keeps that.
func (s *Snapshot) AddMetadata(gvk schema.GroupVersionKind, m *metav1.PartialObjectMetadata) {
	keys, known := dataKeys(m.ManagedFields)
	var obj runtime.Object
	switch gvk.GroupKind() {
	case SecretKind:
		obj = &corev1.Secret{ObjectMeta: m.ObjectMeta}
	case ConfigMapKind:
		obj = &corev1.ConfigMap{ObjectMeta: m.ObjectMeta}
	default:
		obj = m
	}
	o, err := s.Add(gvk, obj, nil)
	if err != nil || o == nil {
		return
	}
	o.Keys, o.KeysKnown = keys, known
	sortStrings(o.Keys)
}
