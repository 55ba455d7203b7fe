package report

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// Builder turns what the engine found into a report.
type Builder struct {
	Snapshot *snapshot.Snapshot
	Titles   map[string]string // of rules, by ID
	Report   *Report
	known    []schema.GroupKind // of which rules know

	// Listing keeps what checks found until it is asked for: see Report.Settings. Formats that print everything
	// ask with Complete.
	Listing bool

	// Overview is set where lists tell what there is to judge: one that the server failed to give leaves
	// objects unjudged that nobody knows of.
	Overview bool
}

// NewBuilder starts the report of a command.
func NewBuilder(command string, s *snapshot.Snapshot, e *engine.Engine) *Builder {
	titles := map[string]string{}
	for _, c := range e.Causes {
		titles[c.ID] = c.Title
	}
	for _, c := range e.Checks {
		titles[c.ID] = c.Title
	}
	return &Builder{Snapshot: s, Titles: titles, Report: New(command, s), known: e.Kinds()}
}

// Explain adds diagnoses. The same finding under several targets is kept once; what is over for one of them
// and goes on for another is not the same.
func (b *Builder) Explain(diagnoses []engine.Diagnosis, failed []engine.NotEvaluated) {
	type same struct {
		fingerprint string
		history     bool
	}
	at := map[same]int{}
	for _, d := range diagnoses {
		e := Explained{Object: d.Target, State: string(d.Health.State), Text: knowledge.Mask(d.Health.Text), Findings: []int{}, Unread: []string{}, Path: d.Path, Pods: d.Pods}
		for _, f := range d.Findings {
			out := b.finding(f)
			key := same{out.Fingerprint, out.History}
			i, ok := at[key]
			if !ok {
				i = len(b.Report.Findings)
				at[key] = i
				b.Report.Findings = append(b.Report.Findings, out)
			}
			e.Findings = append(e.Findings, i)
		}
		e.Changed = b.changed(d)
		e.Warning = b.warning(d)
		e.Controller = b.controller(d.Target)
		for _, u := range d.Unexplained {
			e.Unexplained = append(e.Unexplained, u.Object.String()+": "+knowledge.Mask(u.Text))
		}
		for _, w := range d.Blind {
			out, _ := b.Snapshot.Outcome(w)
			text := w.String()
			if out.Reason != snapshot.ReasonUnread { // "not read" is what the list is called
				text += ": " + out.Reason
			}
			e.Unread = append(e.Unread, text)
		}
		b.Report.Explained = append(b.Report.Explained, e)
	}
	b.Failed(failed)
	b.blindSpots()
}

// Check adds what checks found, and the summary of their verdicts.
func (b *Builder) Check(res engine.Result) {
	b.Report.waiting, b.Report.builder = res.Findings, b
	if !b.Listing {
		b.Report.convert()
	}
	for _, u := range res.Unresolved {
		b.Report.Unresolved = append(b.Report.Unresolved, Unresolved{Object: u.Object, Field: u.Field.String(), Target: u.To, Reason: b.whyUnresolved(u.To)})
	}
	b.Report.Summary.Objects = res.Objects
	for _, t := range res.Tallies {
		c := b.Report.Summary.ByDimension[string(t.Dimension)]
		c.Pass += t.Pass
		c.Fail += len(t.Fail)
		c.Waived += len(t.Waived)
		c.Unknown += len(t.Unknown)
		c.NotApplicable += t.NotApplicable
		b.Report.Summary.ByDimension[string(t.Dimension)] = c
	}
	b.Failed(res.NotEvaluated)
	b.blindSpots()
}

// whyUnresolved is why a cluster did not tell of a name, "" where none was asked.
func (b *Builder) whyUnresolved(r snapshot.Ref) string {
	if !b.Snapshot.Beside {
		return ""
	}
	_, out := b.Snapshot.Lookup(r.GroupKind(), r.Namespace, r.Name)
	return out.Reason
}

// Broken adds what is broken now, before what checks found.
func (b *Builder) Broken(findings []*rule.Finding, failed []engine.NotEvaluated) {
	for _, f := range findings {
		b.Report.Findings = append(b.Report.Findings, b.finding(f))
	}
	b.Failed(failed)
}

// Failed adds verdicts that rules could not reach.
func (b *Builder) Failed(list []engine.NotEvaluated) {
	for _, n := range list {
		out := NotEvaluated{Rule: n.Rule, Resource: n.Resource, File: n.File, Reason: n.Reason, Detail: n.Detail, Fatal: n.Reason == snapshot.ReasonFailed}
		if !n.Object.IsZero() {
			ref := n.Object
			out.Object = &ref
		}
		b.Report.NotEvaluated = append(b.Report.NotEvaluated, out)
	}
}

// NotEvaluated adds what could not be read.
func (b *Builder) NotEvaluated(list ...NotEvaluated) {
	b.Report.NotEvaluated = append(b.Report.NotEvaluated, list...)
}

// Unread adds what could not be read of what was asked for.
func (b *Builder) Unread() { b.blindSpots() }

func (b *Builder) blindSpots() {
	have := map[string]bool{}
	for _, n := range b.Report.NotEvaluated {
		have[n.Resource] = true
	}
	for _, n := range Unread(b.Snapshot) {
		if !have[n.Resource] {
			n.Fatal = n.Fatal && b.Overview || b.Snapshot.Beside && (n.Reason == snapshot.ReasonFailed || n.Reason == snapshot.ReasonTimeout)
			b.Report.NotEvaluated = append(b.Report.NotEvaluated, n)
		}
	}
}

// Unread are what could not be read of what was asked for; Fatal are those without which nobody knows
// what there is. A snapshot that never held it, or a log that the kubelet has dropped, is not among them:
// each target says so itself.
func Unread(s *snapshot.Snapshot) []NotEvaluated {
	var list []NotEvaluated
	for _, w := range s.BlindSpots() {
		out, _ := s.Outcome(w)
		if out.Reason != snapshot.ReasonUnread && out.Reason != snapshot.ReasonUnavailable {
			list = append(list, NotEvaluated{Resource: w.String(), Reason: out.Reason, Detail: out.Message, Fatal: lost(w, out)})
		}
	}
	return list
}

// lost tells whether all objects of a kind are unknown because a server failed, or did not answer. What it
// refuses is as its rights are, and will be so the next time.
func lost(w snapshot.Want, out snapshot.Outcome) bool {
	whole := w.Verb == snapshot.List && w.Selector == "" && w.Fields == "" && w.GroupKind() != snapshot.APIGroupKind
	return whole && (out.Reason == snapshot.ReasonFailed || out.Reason == snapshot.ReasonTimeout)
}

func (b *Builder) finding(f *rule.Finding) Finding {
	out := Finding{
		Rule: f.Rule, Title: b.Titles[f.Rule], Severity: string(f.Severity), Certainty: string(f.Certainty), Dimension: string(f.Dimension),
		Stage: f.Stage.String(), History: f.History, Object: f.Object, Seen: f.Seen, Because: f.Because, NoField: f.NoField, Value: f.Value,
		Message: f.Message, Evidence: []Evidence{}, RuledOut: []string{}, Count: max(1, len(f.Pods)), Deferred: f.Deferred,
	}
	out.Object.Container = ""
	if len(f.Pods) > 1 {
		out.Pods = f.Pods
	}
	if f.Field != nil {
		out.Field = f.Field.String()
	}
	for _, e := range f.Evidence {
		item := Evidence{Source: string(e.Source), Object: e.Object, Field: e.Field, Text: knowledge.Mask(e.Text)}
		if !e.Time.IsZero() {
			t := metav1.NewTime(e.Time)
			item.Time = &t
		}
		out.Evidence = append(out.Evidence, item)
	}
	out.RuledOut = append(out.RuledOut, f.RuledOut...)
	out.Fingerprint = b.identity(f, out.Field)
	out.late = func(out *Finding) { b.complete(f, out) }
	if b.Report.Command != "check" {
		out.Complete()
		return out
	}
	if file, line, source := b.written(f); file != "" {
		out.Position, out.Start = &Position{File: file, Source: source}, line
	}
	return out
}

// written is the file in which the object of a finding was written, the line on which its document starts, and
// what that was made from; file is "" for an object of a cluster.
func (b *Builder) written(f *rule.Finding) (file string, line int, source string) {
	object, _ := b.drawn(f)
	if object == nil || object.Origin == nil {
		return "", 0, ""
	}
	doc, _ := object.Document()
	if doc == nil || doc.Name == "" {
		return "", 0, ""
	}
	if len(object.Origin.Written) > 0 && doc == object.Origin.Document {
		doc = object.Origin.Written[0]
	}
	return doc.Name, doc.Line, sourceOf(object.Origin, doc)
}

// complete is the part of a finding that Finding.Complete waits for.
func (b *Builder) complete(f *rule.Finding, out *Finding) {
	object, prefix := b.drawn(f)
	out.FieldName = out.Field
	if object != nil {
		out.FieldName = named(object, strings.TrimPrefix(out.Field, prefix))
		if prefix != "" {
			out.FieldName = prefix + out.FieldName
		}
		out.Picture, out.Position = b.picture(object, prefix, f)
		if f.Fix != nil && b.stale(f) {
			out.Picture = nil // what stands there now is not what the pod has
		}
	}
	if o, _ := b.Snapshot.Lookup(f.Object.GroupKind(), f.Object.Namespace, f.Object.Name); o != nil {
		out.ManagedBy = keeperOf(o).Tool
		if b.Report.Command == "explain" { // reading who wrote what takes time, and of hundreds nobody asks
			out.SetBy = setBy(o, out.Field)
		}
	}
	out.Owner = b.owner(f)
	out.Fix = b.fix(f)
}

// owner is the controller of the pod where a finding shows. The object to change may be another: a
// ConfigMap, a claim, a node.
func (b *Builder) owner(f *rule.Finding) *snapshot.Ref { return b.controller(f.Seen) }

// controller is the controller of a pod, the one furthest up; nil for what has none.
func (b *Builder) controller(r snapshot.Ref) *snapshot.Ref {
	pod, _ := b.Snapshot.Lookup(r.GroupKind(), r.Namespace, r.Name)
	if pod == nil || pod.Pod() == nil {
		return nil
	}
	if ref := rule.NewPass(b.Snapshot, pod, nil, nil, rule.Sink{}).PodSpec().Object; !ref.Same(pod.Ref) {
		return &ref
	}
	return nil
}

// drawn is the object whose text shows the finding: the one to change or, where that could not be
// read, the pod, in which the field is found without the template's prefix.
func (b *Builder) drawn(f *rule.Finding) (object *snapshot.Object, prefix string) {
	if f.Field == nil {
		return nil, ""
	}
	if f.Judged != nil && f.Judged.Same(f.Object) {
		return f.Judged, ""
	}
	if o, _ := b.Snapshot.Lookup(f.Object.GroupKind(), f.Object.Namespace, f.Object.Name); o != nil {
		return o, ""
	}
	o, _ := b.Snapshot.Lookup(f.Seen.GroupKind(), f.Seen.Namespace, f.Seen.Name)
	if o == nil || o.Pod() == nil {
		return nil, ""
	}
	for _, p := range []string{"spec.jobTemplate.spec.template.", "spec.template."} {
		if strings.HasPrefix(f.Field.String(), p) {
			return o, p
		}
	}
	return nil, ""
}

// named is the path with list items by name instead of number: containers[app].
func named(o *snapshot.Object, path string) string {
	steps := source.ParsePath(path)
	keys := make([]string, 0, len(steps)+1)
	out := make(source.Path, 0, len(steps))
	for _, s := range steps {
		keys = append(keys, s.Key)
		if s.Index >= 0 {
			if name, ok := o.At(append(keys, "name")...); ok {
				if name, ok := name.(string); ok && name != "" {
					s = source.Step{Key: name, Index: -1, Bracket: true}
				}
			}
		}
		out = append(out, s)
	}
	return out.String()
}

// UnknownKinds counts the objects of kinds that no rule knows: they are no error, and no pass. What
// does not fit its kind is an error, and named as such.
func (b *Builder) UnknownKinds(s *snapshot.Snapshot) {
	for _, o := range s.All() {
		if s.Beside && o.Origin == nil {
			continue // it only answered a question
		}
		if o.Typed == nil && len(o.Templates) == 0 && !o.Unfit && !slices.Contains(b.known, o.GroupKind()) {
			if b.Report.Summary.Unknown == nil {
				b.Report.Summary.Unknown = map[string]int{}
			}
			b.Report.Summary.Unknown[o.Type()]++
		}
	}
}
