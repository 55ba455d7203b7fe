// Package report is the result of a command as a runtime.Object: what every output format prints,
// and the exit code.
package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// GroupVersion is the API group and version of a Report.
var GroupVersion = schema.GroupVersion{Group: "kubectl-maturity", Version: "v1alpha1"}

// Report is what a command found. Its JSON Schema is schema.json, beside this file.
type Report struct {
	metav1.TypeMeta `json:",inline"`

	Command      string         `json:"command"`
	At           metav1.Time    `json:"at"` // the clock of the snapshot
	Context      string         `json:"context,omitempty"`
	Explained    []Explained    `json:"explained,omitempty"` // explain: one entry a target
	Findings     []Finding      `json:"findings"`
	NotEvaluated []NotEvaluated `json:"notEvaluated"`
	Unresolved   []Unresolved   `json:"unresolved,omitempty"`
	Config       string         `json:"config,omitempty"`     // the configuration that was used
	Ignored      []string       `json:"ignored,omitempty"`    // files that it leaves out
	OtherFiles   []string       `json:"otherFiles,omitempty"` // YAML and JSON of folders that is no object of Kubernetes
	Waivers      []Waiver       `json:"waivers,omitempty"`    // what somebody decided to live with
	Baseline     *Compared      `json:"baseline,omitempty"`   // what was known before
	Summary      Summary        `json:"summary"`

	Beside bool `json:"-"` // names that files do not contain were looked up in a cluster

	waiting []*rule.Finding // what checks found, where nobody has asked for it yet
	builder *Builder

	Live bool `json:"-"` // read from a cluster, which may answer better the next time
}

// Explained is the verdict on one target of explain.
type Explained struct {
	Object   snapshot.Ref `json:"object"`
	State    string       `json:"state"` // healthy | unhealthy | starting | finished | idle | unknown
	Text     string       `json:"text"`
	Findings []int        `json:"findings"` // indexes into the report's findings, the verdict first
	Unread   []string     `json:"unread"`   // what its chain needed and could not be read

	// Path is what leads from the object to where the verdict shows, with both ends; empty where it shows on
	// the object itself.
	Path []snapshot.Ref `json:"path,omitempty"`

	Pods int `json:"-"`

	Controller *snapshot.Ref `json:"-"` // of a pod, the one furthest up

	Changed     *Changed `json:"changed,omitempty"`     // what the newest revision changed that has to do with the verdict
	Unexplained []string `json:"unexplained,omitempty"` // what else is not well, and of which no finding speaks

	Warning *Evidence `json:"warning,omitempty"` // the newest event that warns of it, where it is not well and no finding says why
}

// Changed is what a workload's newest revision changed against the last one that has ready pods or, where
// none has, the one before.
type Changed struct {
	Object snapshot.Ref   `json:"object"`
	From   Revision       `json:"from"`
	To     Revision       `json:"to"`
	Fields []ChangedField `json:"fields"`
	Others int            `json:"others,omitempty"` // how many more fields changed, which have nothing to do with it
	Undo   string         `json:"undo,omitempty"`   // the command that goes back; empty where it would be undone, or where the old revision is not known to work
}

// Revision is one revision of a workload.
type Revision struct {
	Number    int64       `json:"number"`
	At        metav1.Time `json:"at"` // when its controller made it
	ReadyPods int         `json:"readyPods"`
}

// ChangedField is one field that differs between two revisions.
type ChangedField struct {
	Field  string `json:"field"`            // with list items by their names
	Before string `json:"before,omitempty"` // "" where the field was absent
	After  string `json:"after,omitempty"`  // "" where it is absent now
	SetBy  *SetBy `json:"setBy,omitempty"`
}

// SetBy is who wrote a field last.
type SetBy struct {
	Manager string       `json:"manager"` // as people know it: kubectl edit, helm, Argo CD
	At      *metav1.Time `json:"at,omitempty"`
}

// Finding is one finding, as formats print it.
type Finding struct {
	Rule        string         `json:"rule"`
	Title       string         `json:"title"`
	Severity    string         `json:"severity"`
	Certainty   string         `json:"certainty"`
	Dimension   string         `json:"dimension,omitempty"`
	Stage       string         `json:"stage,omitempty"`
	History     bool           `json:"history,omitempty"`
	Object      snapshot.Ref   `json:"object"`
	Seen        snapshot.Ref   `json:"seen"`
	Because     *snapshot.Ref  `json:"because,omitempty"`
	Field       string         `json:"field,omitempty"`
	NoField     string         `json:"noField,omitempty"`
	Value       string         `json:"value,omitempty"`
	SetBy       *SetBy         `json:"setBy,omitempty"` // who wrote the field last
	Position    *Position      `json:"position,omitempty"`
	Message     string         `json:"message"`
	Evidence    []Evidence     `json:"evidence"`
	RuledOut    []string       `json:"ruledOut"`
	Fix         *Fix           `json:"fix,omitempty"`
	Count       int            `json:"count"`
	Pods        []snapshot.Ref `json:"pods,omitempty"`
	Deferred    bool           `json:"deferred,omitempty"`
	Fingerprint string         `json:"fingerprint"` // of rule, object, container and field: the same fault keeps it

	FieldName string          `json:"-"` // Field with list items by their names
	Picture   func() *Picture `json:"-"` // draws it, which takes time; nil where there is nothing to draw
	ManagedBy string          `json:"-"`
	Owner     *snapshot.Ref   `json:"-"` // the controller of the pod where it shows
	Start     int             `json:"-"` // the line on which the object's document starts in Position.File

	late func(*Finding)
}

// Complete fills in what takes time to find out, and what an overview of thousands of findings prints of a few:
// line and column of Position, Fix, FieldName, Picture, ManagedBy, SetBy and Owner. It returns the finding.
func (f *Finding) Complete() *Finding {
	if late := f.late; late != nil {
		f.late = nil
		late(f)
	}
	return f
}

// Position is where in the user's files the field is; lines and columns start at 1, columns count
// characters.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`

	// Source is the file that people edit where File was rendered by a tool: a template of a chart.
	Source string `json:"source,omitempty"`
}

// String is the place for people: "deploy.yaml:12:3", or "web/templates/deploy.yaml (standard input:12:3)" where a
// line of what was rendered is no line of its source.
func (p *Position) String() string {
	return p.sourced(fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column))
}

// Short is String without the column.
func (p *Position) Short() string { return p.sourced(fmt.Sprintf("%s:%d", p.File, p.Line)) }

func (p *Position) sourced(at string) string {
	if p.Source != "" {
		return p.Source + " (" + at + ")"
	}
	return at
}

// Edited is the file that people edit.
func (p *Position) Edited() string {
	if p.Source != "" {
		return p.Source
	}
	return p.File
}

// Evidence is a fact that was read.
type Evidence struct {
	Source string       `json:"source"`
	Object snapshot.Ref `json:"object"`
	Field  string       `json:"field,omitempty"`
	Time   *metav1.Time `json:"time,omitempty"`
	Text   string       `json:"text"`
}

// Fix is what to change.
type Fix struct {
	Title         string       `json:"title"`
	Caution       string       `json:"caution,omitempty"`
	Applicability string       `json:"applicability"` // safe | placeholders | needs-thought
	Object        snapshot.Ref `json:"object"`
	Patch         *Patch       `json:"patch,omitempty"`
	Command       string       `json:"command,omitempty"` // for a shell; empty where a command would be undone
	YAML          string       `json:"yaml,omitempty"`
	Notes         []string     `json:"notes,omitempty"`
}

// Patch is a patch as `kubectl patch --type` takes it.
type Patch struct {
	Type string `json:"type"`
	Body any    `json:"body"`
}

// NotEvaluated is what could not be judged; it is never counted as passed.
type NotEvaluated struct {
	Rule     string        `json:"rule,omitempty"`
	Object   *snapshot.Ref `json:"object,omitempty"`
	Resource string        `json:"resource,omitempty"`
	File     string        `json:"file,omitempty"`
	Reason   string        `json:"reason"`
	Detail   string        `json:"detail,omitempty"`
	// Fatal ones make the exit code 3 by themselves: an unreadable document, an unknown version of a
	// known API group. Refused reads do only with --strict.
	Fatal bool `json:"fatal,omitempty"`
}

// Unresolved is a name that the input does not contain and nobody judged.
type Unresolved struct {
	Object snapshot.Ref `json:"object"`
	Field  string       `json:"field"`
	Target snapshot.Ref `json:"target"`
	Reason string       `json:"reason,omitempty"` // why the cluster of --with-cluster did not tell
}

// Summary counts.
type Summary struct {
	Objects     int               `json:"objects"`
	Unknown     map[string]int    `json:"unknownKinds,omitempty"` // kinds that no rule knows, and how many objects
	ByDimension map[string]Counts `json:"byDimension"`
}

// Counts are the verdicts of the checks of one dimension: one for each check and object.
type Counts struct {
	Pass          int `json:"pass"`
	Fail          int `json:"fail"`
	Waived        int `json:"waived"`
	Unknown       int `json:"unknown"`
	NotApplicable int `json:"notApplicable"`
}

// Picture is the part of a text that a finding speaks of.
type Picture struct {
	Title  string // file:line:column, or the object's name
	Lines  []source.Line
	Number bool // lines have numbers that mean something to the reader
}

// New makes an empty report of a command, with the clock and context of s.
func New(command string, s *snapshot.Snapshot) *Report {
	return &Report{
		TypeMeta:     metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: "Report"},
		Command:      command,
		At:           metav1.NewTime(s.Now),
		Context:      s.Context,
		Findings:     []Finding{},
		NotEvaluated: []NotEvaluated{},
		Summary:      Summary{ByDimension: map[string]Counts{}},
		Beside:       s.Beside,
	}
}

// convert makes findings of what waits.
func (r *Report) convert() {
	r.Findings = slices.Grow(r.Findings, len(r.waiting))
	for _, f := range r.waiting {
		r.Findings = append(r.Findings, r.builder.finding(f))
	}
	r.waiting = nil
}

// Complete completes all findings, for formats that print everything. It returns the report.
func (r *Report) Complete() *Report {
	r.convert()
	for i := range r.Findings {
		r.Findings[i].Complete()
	}
	return r
}

// DeepCopyObject implements runtime.Object. Printers change nothing below the first level.
func (r *Report) DeepCopyObject() runtime.Object {
	c := *r
	c.Findings, c.NotEvaluated, c.Explained = slices.Clone(r.Findings), slices.Clone(r.NotEvaluated), slices.Clone(r.Explained)
	return &c
}

func fingerprint(ruleID string, object snapshot.Ref, container, field string) string {
	sum := sha256.Sum256([]byte(ruleID + "\x00" + object.Group() + "\x00" + object.Kind + "\x00" + object.Namespace + "\x00" + object.Name + "\x00" + container + "\x00" + field))
	return hex.EncodeToString(sum[:8])
}
