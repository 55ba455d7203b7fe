package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The sources of waivers; the annotations of another tool have its name.
const (
	FromAnnotation = "annotation"
	FromConfig     = "config"
)

// WaiverState is what became of a waiver.
type WaiverState string

// The states of waivers.
const (
	WaiverActive  WaiverState = "active"
	WaiverExpired WaiverState = "expired"
	WaiverUnused  WaiverState = "unused"  // what it speaks of was judged, and is well
	WaiverInvalid WaiverState = "invalid" // Problem says why
	WaiverUnknown WaiverState = "unknown" // what it speaks of was not judged here
)

// Waiver is a decision to live with what checks find, and what became of it.
type Waiver struct {
	Source   string
	Rule     string           // as it stands there: an id, a pattern, or an annotation of another tool
	Object   *snapshot.Object // that carries the annotation; nil for an exemption of the configuration
	Path     *field.Path      // of the annotation in Object
	Line     int              // in the configuration
	For      string           // which objects an exemption of the configuration speaks of, in words
	Reason   string
	Until    string // the last day; "" where there is none
	State    WaiverState
	Problem  string
	Findings []*rule.Finding // that it hides

	exemption config.Exemption
	peer      *config.Peer
	critical  bool // it met findings that only a name waives
	elsewhere bool // it met findings, but of no container that it speaks of
}

// Waivers say what to waive.
type Waivers struct {
	Config *config.Config // nil: none
	Known  config.Known
	Honour []string                    // tools whose own annotations count
	Keep   func(*snapshot.Object) bool // what was judged; nil: everything
	// Complete says that all there is was judged: what is not among it is nowhere.
	Complete bool
}

// Waive takes the findings out of a result that somebody decided to live with, and counts the objects as
// waived that have no others. What is broken now comes from causes, and is never in it.
func (e *Engine) Waive(s *snapshot.Snapshot, res *Result, w Waivers) []Waiver {
	run := waiving{engine: e, snapshot: s, Waivers: w, on: map[*snapshot.Object][]*Waiver{}, checks: map[string]*rule.Check{}}
	for _, c := range e.Checks {
		run.checks[c.ID] = c
	}
	run.collect()
	if len(run.all) == 0 {
		return nil
	}
	var left, waived []*rule.Finding
	for _, f := range res.Findings {
		if run.waives(f) {
			waived = append(waived, f)
		} else {
			left = append(left, f)
		}
	}
	res.Findings = left
	recount(res.Tallies, left, waived)
	return run.states(res)
}

type waiving struct {
	Waivers
	engine   *Engine
	snapshot *snapshot.Snapshot
	checks   map[string]*rule.Check
	all      []*Waiver
	on       map[*snapshot.Object][]*Waiver
}

func (r *waiving) collect() {
	if r.Config != nil {
		for _, x := range r.Config.Exemptions {
			r.all = append(r.all, &Waiver{Source: FromConfig, Rule: x.Rule, Line: x.Line, For: x.For(), exemption: x})
		}
	}
	for _, o := range r.snapshot.All() {
		if annotations := o.Meta.GetAnnotations(); len(annotations) > 0 {
			r.annotated(o, annotations, field.NewPath("metadata", "annotations"), false)
		}
		for _, t := range o.Templates {
			if t.Path != nil && len(t.Annotations) > 0 { // a Pod is its own template
				r.annotated(o, t.Annotations, t.Path.Child("metadata", "annotations"), true)
			}
		}
	}
}

func (r *waiving) annotated(o *snapshot.Object, annotations map[string]string, path *field.Path, template bool) {
	add := func(w *Waiver) {
		w.Object = o
		r.all = append(r.all, w)
		r.on[o] = append(r.on[o], w)
	}
	if value, ok := annotations[config.Annotation]; ok {
		for _, entry := range config.ParseAnnotation(value, r.Known) {
			w := &Waiver{Source: FromAnnotation, Rule: entry.Rule, Path: path.Key(config.Annotation), Problem: entry.Problem, exemption: entry.Exemption}
			if entry.Problem != "" {
				w.State = WaiverInvalid
			}
			add(w)
		}
	}
	var mistyped []string // it would waive nothing, in silence
	for key := range annotations {
		if strings.HasPrefix(key, config.AnnotationGroup) && key != config.Annotation {
			mistyped = append(mistyped, key)
		}
	}
	slices.Sort(mistyped)
	for _, key := range mistyped {
		add(&Waiver{Source: FromAnnotation, Rule: key, Path: path.Key(key), State: WaiverInvalid, Problem: "no such annotation; did you mean " + config.Annotation + "?"})
	}
	if len(r.Honour) == 0 {
		return
	}
	for _, peer := range config.ParsePeers(annotations, r.Honour, template) {
		add(&Waiver{Source: peer.Tool, Rule: peer.ID, Path: path.Key(peer.Annotation), peer: &peer, exemption: config.Exemption{Reason: peer.Reason}})
	}
}

// waives tells whether a finding is waived. All waivers that speak of it are in use, not the first alone.
func (r *waiving) waives(f *rule.Finding) bool {
	waived := false
	for _, w := range r.about(f) {
		switch {
		case w.State == WaiverInvalid || !r.covers(w, f.Rule):
		case !w.exemption.CoversContainer(containerOf(f)):
			w.elsewhere = true
		case w.exemption.Expired(r.snapshot.Now):
		case f.Severity == rule.Critical && !w.byName():
			w.critical = true
		default:
			w.Findings = append(w.Findings, f)
			waived = true
		}
	}
	return waived
}

// about are the waivers on what a finding speaks of: the object that was judged, the one to change, and who
// owns it.
func (r *waiving) about(f *rule.Finding) []*Waiver {
	objects := []*snapshot.Object{}
	if f.Judged != nil {
		objects = append(objects, f.Judged)
		if top := r.snapshot.TopOwner(f.Judged); top != nil && top != f.Judged {
			objects = append(objects, top)
		}
	}
	if f.Judged == nil || !f.Judged.Same(f.Object) {
		if o, _ := r.snapshot.Lookup(f.Object.GroupKind(), f.Object.Namespace, f.Object.Name); o != nil && !slices.Contains(objects, o) {
			objects = append(objects, o)
		}
	}
	var list []*Waiver
	for _, o := range objects {
		list = append(list, r.on[o]...)
	}
	for _, w := range r.all {
		if w.Source == FromConfig && (w.speaksOf(f.Object) || slices.ContainsFunc(objects, func(o *snapshot.Object) bool { return w.speaksOf(o.Ref) })) {
			list = append(list, w)
		}
	}
	return list
}

// speaksOf tells whether an exemption of the configuration speaks of an object. The group of a foreign kind may
// be left out.
func (w *Waiver) speaksOf(r snapshot.Ref) bool {
	return w.exemption.CoversObject(r.Namespace, r.String()) || w.exemption.CoversObject(r.Namespace, strings.ToLower(r.Kind)+"/"+r.Name)
}

// covers tells whether a waiver speaks of a rule.
func (r *waiving) covers(w *Waiver, id string) bool {
	if w.peer == nil {
		return w.exemption.CoversRule(id)
	}
	check := r.checks[id]
	if check == nil {
		return false
	}
	ids := check.Peers[w.peer.Tool]
	return w.peer.ID == "" && len(ids) > 0 || slices.Contains(ids, w.peer.ID)
}

func (w *Waiver) byName() bool {
	if w.peer != nil {
		return w.peer.ID != ""
	}
	return w.exemption.ByName()
}

// containerOf is the container that a finding speaks of, "" where it is the pod or something else.
func containerOf(f *rule.Finding) string {
	if f.Seen.Container != "" || f.Field == nil || f.Judged == nil {
		return f.Seen.Container
	}
	at := f.Field.String()
	for _, t := range f.Judged.Templates {
		for _, c := range t.Containers() {
			if path := c.Path.String(); at == path || strings.HasPrefix(at, path+".") {
				return c.Name
			}
		}
	}
	return ""
}

// recount moves the objects of which all findings are waived.
func recount(tallies []*Tally, left, waived []*rule.Finding) {
	type verdict struct {
		rule   string
		object snapshot.Ref
	}
	type judged struct {
		verdict
		origin *snapshot.Origin // two files may hold objects of one name
	}
	of := func(f *rule.Finding) []judged {
		var list []judged
		if f.Judged != nil {
			list = append(list, judged{verdict{f.Rule, f.Judged.Key()}, f.Judged.Origin})
		}
		for _, pod := range f.Pods { // of which one finding was made
			if f.Judged == nil || !pod.Same(f.Judged.Ref) {
				list = append(list, judged{verdict: verdict{f.Rule, pod.Key()}})
			}
		}
		return list
	}
	fail, done, moves := map[judged]bool{}, map[judged]bool{}, map[verdict]int{}
	for _, f := range left {
		for _, j := range of(f) {
			fail[j] = true
		}
	}
	for _, f := range waived {
		for _, j := range of(f) {
			if !fail[j] && !done[j] {
				done[j] = true
				moves[j.verdict]++
			}
		}
	}
	for _, t := range tallies {
		var failed []*snapshot.Object
		for _, o := range t.Fail {
			key := verdict{t.Rule, o.Key()}
			if moves[key] > 0 {
				moves[key]--
				t.Waived = append(t.Waived, o)
			} else {
				failed = append(failed, o)
			}
		}
		t.Fail = failed
		sortObjects(t.Waived)
	}
}

// states says what became of the waivers, and leaves out those of which there is nothing to say.
func (r *waiving) states(res *Result) []Waiver {
	var list []Waiver
	for _, w := range r.all {
		w.Reason, w.Until = w.exemption.Reason, w.exemption.End()
		switch {
		case len(w.Findings) > 0:
			w.State = WaiverActive
		case w.peer != nil:
			continue // what another tool finds is not ours to judge
		case w.Object != nil && (r.copied(w.Object) || r.Keep != nil && !r.Keep(w.Object)):
			continue // what stands on the owner tells, or nobody asked
		case w.State == WaiverInvalid:
		case w.exemption.Expired(r.snapshot.Now):
			w.State = WaiverExpired
		case w.critical:
			w.State, w.Problem = WaiverUnused, "critical findings are waived by the name of their rule alone"
		case w.elsewhere:
			w.State, w.Problem = WaiverUnused, fmt.Sprintf("what is found is not in container %s", w.exemption.Container)
		default:
			w.State = r.idle(w, res)
		}
		list = append(list, *w)
	}
	slices.SortStableFunc(list, func(a, b Waiver) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(carrier(a), carrier(b)))
	})
	return list
}

// copied tells whether an object has its annotations from the template of what controls it.
func (r *waiving) copied(o *snapshot.Object) bool {
	if r.snapshot.Owner(o) != nil {
		return true
	}
	_, owned := o.OwnerRef()
	return owned && slices.Contains([]schema.GroupKind{snapshot.PodKind, snapshot.ReplicaSetKind, snapshot.JobKind}, o.GroupKind())
}

func carrier(w Waiver) string {
	if w.Object == nil {
		return ""
	}
	return w.Object.Namespace + "/" + w.Object.String()
}

// idle tells of a waiver that hides nothing whether there is nothing to hide.
func (r *waiving) idle(w *Waiver, res *Result) WaiverState {
	runs := slices.ContainsFunc(r.engine.Checks, func(c *rule.Check) bool { return !c.Off && r.covers(w, c.ID) })
	if !runs {
		return WaiverUnknown
	}
	about := func(ref snapshot.Ref) bool {
		if w.Object != nil {
			return w.Object.Same(ref)
		}
		return w.speaksOf(ref)
	}
	for _, t := range res.Tallies {
		if r.covers(w, t.Rule) && slices.ContainsFunc(t.Unknown, func(u Unjudged) bool { return about(u.Object) }) {
			return WaiverUnknown
		}
	}
	if w.Object != nil || r.Complete {
		return WaiverUnused
	}
	for _, o := range r.snapshot.All() {
		if about(o.Ref) && (r.Keep == nil || r.Keep(o)) {
			return WaiverUnused
		}
	}
	return WaiverUnknown
}

// Stale tells whether somebody should look at the waiver again.
func (w *Waiver) Stale() bool {
	return w.State == WaiverExpired || w.State == WaiverUnused || w.State == WaiverInvalid
}
