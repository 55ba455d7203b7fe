package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The verdicts of gates, and of their objects.
const (
	VerdictPass          = string(model.Pass)
	VerdictFail          = string(model.Fail)
	VerdictUnknown       = string(model.Unknown)
	VerdictNotApplicable = string(model.NotApplicable)
	VerdictWaived        = "waived"

	// NotDeclared is the reason of a gate that only people can answer, and nobody has.
	NotDeclared = model.NotDeclared
)

// Level is where a cluster or a namespace stands on the maturity model. Its JSON Schema is level.schema.json, beside
// this file.
type Level struct {
	metav1.TypeMeta `json:",inline"`

	At            metav1.Time      `json:"at"` // the clock of the snapshot
	Context       string           `json:"context,omitempty"`
	Namespace     string           `json:"namespace,omitempty"` // "" is the whole cluster
	ClusterUID    string           `json:"clusterUID,omitempty"`
	ServerVersion string           `json:"serverVersion,omitempty"`
	Model         LevelModel       `json:"model"`
	Phase         LevelSpan        `json:"phase"`
	HeldBackBy    string           `json:"heldBackBy,omitempty"` // the gate in the way of the next phase
	Cap           *LevelCap        `json:"cap,omitempty"`
	Dimensions    []LevelDimension `json:"dimensions"`
	Next          []string         `json:"next"` // gates, the best first step first
	Lists         []LevelList      `json:"lists,omitempty"`
	NotEvaluated  []NotEvaluated   `json:"notEvaluated"`
	Waivers       []Waiver         `json:"waivers,omitempty"`
	Config        string           `json:"config,omitempty"`
	Phases        []LevelPhase     `json:"-"`
}

// LevelPhase is a phase of the model.
type LevelPhase = model.Phase

// LevelModel says by which model and checks it was judged: others may place the same cluster otherwise.
type LevelModel struct {
	Version string `json:"version"`
	Checks  string `json:"checks"`         // hash of the ids and thresholds of the gates
	File    string `json:"file,omitempty"` // where it is not the one of the program
}

// LevelSpan is from the phase that is proven to the one that is possible.
type LevelSpan struct {
	Lo string `json:"lo"`
	Hi string `json:"hi"`
}

// String is one word where both meet.
func (s LevelSpan) String() string {
	if s.Lo == s.Hi {
		return s.Lo
	}
	return s.Lo + ".." + s.Hi
}

// LevelCap says why the phase shown goes no further than the gates would allow.
type LevelCap struct {
	Phase   string         `json:"phase"`
	Rules   []string       `json:"rules"`
	Objects []snapshot.Ref `json:"objects"`
}

// LevelDimension is the place of a dimension.
type LevelDimension struct {
	Name       string `json:"name"`
	LevelSpan  `json:",inline"`
	Applies    bool        `json:"applies"` // false where there is nothing to place
	HeldBackBy string      `json:"heldBackBy,omitempty"`
	Narrow     string      `json:"narrow,omitempty"` // the gate whose answer is the cheapest to find out
	Gates      []LevelGate `json:"gates"`
}

// LevelGate is a gate and its verdict.
type LevelGate struct {
	ID        string          `json:"id"`
	Phase     string          `json:"phase"`
	Asks      string          `json:"asks"`
	Verdict   string          `json:"verdict"` // pass | fail | unknown | notApplicable
	K         int             `json:"k"`       // of N objects so many pass
	N         int             `json:"n"`
	Waived    int             `json:"waived,omitempty"`
	Needed    int             `json:"needed"`           // per cent
	Missing   int             `json:"missing"`          // how many more must pass
	System    *LevelCount     `json:"system,omitempty"` // what is in the system's own namespaces, and not counted
	Reason    string          `json:"reason,omitempty"` // of what is unknown or does not apply
	Indirect  bool            `json:"indirect,omitempty"`
	Checks    []string        `json:"checks,omitempty"`
	Evidence  []LevelEvidence `json:"evidence"`
	Declared  *Declared       `json:"declared,omitempty"` // the verdict rests on somebody's word
	Refuted   *Declared       `json:"refuted,omitempty"`  // somebody's word, which measurement contradicts
	Step      string          `json:"step,omitempty"`     // what closes it
	Coverage  string          `json:"-"`                  // k of n in words
	Dimension string          `json:"-"`
	Note      string          `json:"note,omitempty"` // what it cannot know
}

// LevelList is what a check lists beside the gates, and that holds nothing back.
type LevelList struct {
	ID     string          `json:"id"`
	Title  string          `json:"title"`
	Items  []LevelEvidence `json:"items"`
	Reason string          `json:"reason,omitempty"` // why it is not known to be complete
}

// LevelCount is a count of objects.
type LevelCount struct {
	K int `json:"k"`
	N int `json:"n"`
}

// LevelEvidence is an object that does not simply pass.
type LevelEvidence struct {
	Object  snapshot.Ref `json:"object"`
	Verdict string       `json:"verdict"`          // fail | unknown | waived
	Reason  string       `json:"reason,omitempty"` // what was found, or why nothing could be
}

// Declared is what somebody said of a gate.
type Declared struct {
	Answer   bool   `json:"answer"`
	By       string `json:"by"`
	On       string `json:"on"`
	Until    string `json:"until"`
	Evidence string `json:"evidence,omitempty"`
}

// NewLevel words a placement.
func NewLevel(s *snapshot.Snapshot, m *model.Model, p *model.Placement, namespace string) *Level {
	l := &Level{
		TypeMeta: metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: "Level"},
		At:       metav1.NewTime(s.Now), Context: s.Context, Namespace: namespace,
		Model: LevelModel{Version: m.Version, Checks: hash(m)}, Phase: LevelSpan(p.Span),
		Dimensions: []LevelDimension{}, Next: []string{}, NotEvaluated: []NotEvaluated{}, Phases: m.Phases,
	}
	if o, _ := s.Lookup(snapshot.NamespaceKind, "", metav1.NamespaceSystem); o != nil {
		l.ClusterUID = string(o.Meta.GetUID())
	}
	if c := s.Itself(); c != nil {
		l.ServerVersion = c.Version
	}
	if p.HeldBackBy != nil {
		l.HeldBackBy = p.HeldBackBy.ID
	}
	if len(p.Cap) > 0 {
		l.Cap = &LevelCap{Phase: model.CapPhase, Rules: p.Cap, Objects: objectsOf(p.Capped)}
	}
	for _, d := range p.Dimensions {
		out := LevelDimension{Name: d.ID, LevelSpan: LevelSpan(d.Span), Applies: d.Applies, Gates: []LevelGate{}}
		if d.HeldBackBy != nil {
			out.HeldBackBy = d.HeldBackBy.ID
		}
		if d.Narrow != nil {
			out.Narrow = d.Narrow.ID
		}
		for _, j := range d.Gates {
			out.Gates = append(out.Gates, levelGate(j))
		}
		l.Dimensions = append(l.Dimensions, out)
	}
	for _, j := range p.Next {
		l.Next = append(l.Next, j.ID)
	}
	return l
}

func levelGate(j *model.Judged) LevelGate {
	g := LevelGate{
		ID: j.ID, Phase: j.Phase, Dimension: j.Dimension, Asks: j.Asks, Verdict: string(j.Verdict), K: j.Count.K, N: j.Count.N, Waived: j.Count.Waived,
		Needed: j.Needed(), Missing: j.Missing(), Reason: knowledge.Mask(j.Reason), Indirect: j.Indirect, Checks: j.Checks, Evidence: []LevelEvidence{},
		Declared: declared(j.Declaration), Refuted: declared(j.Contradicted), Step: j.Step, Coverage: j.Count.Coverage(), Note: j.Note,
	}
	if j.System.N > 0 {
		g.System = &LevelCount{K: j.System.K + j.System.Waived, N: j.System.N}
	}
	for _, f := range j.Failing {
		g.Evidence = append(g.Evidence, LevelEvidence{Object: f.Object, Verdict: VerdictFail, Reason: knowledge.Mask(f.Reason)})
	}
	for _, u := range j.Unjudged {
		g.Evidence = append(g.Evidence, LevelEvidence{Object: u.Object, Verdict: VerdictUnknown, Reason: knowledge.Mask(u.Reason)})
	}
	for _, ref := range j.WaivedRefs {
		g.Evidence = append(g.Evidence, LevelEvidence{Object: ref, Verdict: VerdictWaived})
	}
	return g
}

func declared(d *config.Declaration) *Declared {
	if d == nil {
		return nil
	}
	return &Declared{Answer: d.Answer, By: d.By, On: d.On, Until: d.Until, Evidence: d.Evidence}
}

func objectsOf(findings []*rule.Finding) []snapshot.Ref {
	list := []snapshot.Ref{}
	for _, f := range findings {
		if !slices.ContainsFunc(list, f.Object.Same) {
			ref := f.Object
			ref.Container = ""
			list = append(list, ref)
		}
	}
	return list
}

// hash tells models apart: the same one asks the same of the same checks.
func hash(m *model.Model) string {
	var b strings.Builder
	for _, p := range m.Phases {
		fmt.Fprintln(&b, p.ID, p.Requires)
	}
	for _, g := range m.Gates {
		fmt.Fprintln(&b, g.ID, g.Dimension, g.Phase, g.Checks, g.Any, g.Kinds, g.Served, g.Needed(), g.Cluster, g.Declared)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:6])
}

// List adds what a check of the model found, which holds nothing back; unread says why that may not be all.
func (l *Level) List(of model.List, res engine.Result, unread string) {
	out := LevelList{ID: of.ID, Title: of.Title, Items: []LevelEvidence{}, Reason: unread}
	for _, t := range res.Tallies {
		if t.Rule == of.Check && len(t.Unknown) > 0 && out.Reason == "" {
			out.Reason = knowledge.Mask(t.Unknown[0].Reason)
		}
	}
	for _, f := range res.Findings {
		if f.Rule == of.Check {
			ref := f.Object
			ref.Container = ""
			out.Items = append(out.Items, LevelEvidence{Object: ref, Verdict: VerdictFail, Reason: knowledge.Mask(f.Message)})
		}
	}
	if len(out.Items) > 0 || out.Reason != "" {
		l.Lists = append(l.Lists, out)
	}
}

// Gate is the gate of a name, or nil.
func (l *Level) Gate(id string) *LevelGate {
	for i := range l.Dimensions {
		for k := range l.Dimensions[i].Gates {
			if g := &l.Dimensions[i].Gates[k]; g.ID == id {
				return g
			}
		}
	}
	return nil
}

// DeepCopyObject implements runtime.Object. Printers change nothing below the first level.
func (l *Level) DeepCopyObject() runtime.Object {
	c := *l
	return &c
}

// Moved is what differs between two placements.
type Moved struct {
	Dimension string // "" is the whole
	From, To  LevelSpan
	Gates     []MovedGate
}

// MovedGate is a gate that has another verdict, or counts otherwise.
type MovedGate struct {
	From, To *LevelGate // nil where the other model had no such gate
	Gone     []snapshot.Ref
	New      []snapshot.Ref
}

// DiffLevels tells what moved since old, and why: the gates whose verdict changed, and of those the objects that fail
// now and no longer.
func DiffLevels(old, now *Level) []Moved {
	var list []Moved
	if old.Phase != now.Phase {
		list = append(list, Moved{From: old.Phase, To: now.Phase})
	}
	for _, d := range now.Dimensions {
		i := slices.IndexFunc(old.Dimensions, func(o LevelDimension) bool { return o.Name == d.Name })
		if i < 0 {
			list = append(list, Moved{Dimension: d.Name, To: d.LevelSpan})
			continue
		}
		before := old.Dimensions[i]
		m := Moved{Dimension: d.Name, From: before.LevelSpan, To: d.LevelSpan}
		for k := range d.Gates {
			g := &d.Gates[k]
			was := old.Gate(g.ID)
			moved := MovedGate{From: was, To: g, Gone: without(was, g), New: without(g, was)}
			if was != nil && was.Verdict == g.Verdict && was.K == g.K && was.N == g.N && was.Waived == g.Waived && len(moved.Gone)+len(moved.New) == 0 {
				continue
			}
			m.Gates = append(m.Gates, moved)
		}
		for k := range before.Gates {
			if g := &before.Gates[k]; now.Gate(g.ID) == nil {
				m.Gates = append(m.Gates, MovedGate{From: g})
			}
		}
		if m.From != m.To || len(m.Gates) > 0 {
			list = append(list, m)
		}
	}
	return list
}

// without are the objects that fail in a and not in b.
func without(a, b *LevelGate) []snapshot.Ref {
	if a == nil || b == nil {
		return nil
	}
	var list []snapshot.Ref
	for _, e := range a.Evidence {
		if e.Verdict == VerdictFail && !slices.ContainsFunc(b.Evidence, func(o LevelEvidence) bool { return o.Verdict == e.Verdict && o.Object.Same(e.Object) }) {
			list = append(list, e.Object)
		}
	}
	return list
}
