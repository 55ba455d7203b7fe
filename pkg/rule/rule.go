// Package rule says what a rule is: a Check finds a setting that will hurt, a Cause finds what
// broke. No rule lives here.
package rule

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Check is a setting that will hurt.
type Check struct {
	ID        string // names the bad thing, in kebab-case
	Title     string // no capital, no full stop, at most 60 letters
	Doc       Docs
	Dimension Dimension
	Severity  Severity
	Off       bool // contested: it runs only where somebody asks for it
	Fixed     bool // all findings have Severity, whatever Run says: somebody decided so
	On        On
	Needs     []schema.GroupKind  // what else it must see; where that was not read the verdict is unknown
	Applies   func(*Pass) bool    // is this object in the denominator? nil: every object of On
	Run       func(*Pass)         // reports through the Pass
	Peers     map[string][]string // the ids under which other tools know it, by tool

	Numbers map[string]Number   // thresholds that a configuration may set, by name
	Lists   map[string][]string // lists that a configuration may fill, by name
}

// Number is a threshold: what it is unless a configuration says otherwise, and what that may say.
type Number struct{ Value, Least, Most int }

// Cause is what broke a workload.
type Cause struct {
	ID      string
	Title   string
	Doc     Docs
	Stage   Stage
	Beats   []string // causes it is more specific than
	On      On
	Wants   func(*Pass) []snapshot.Want // pure; what must be read before Run can tell
	Run     func(*Pass)
	History bool                // it tells of the past: the object works now
	Peers   map[string][]string // the ids under which other tools know it, by tool
}

// On says which objects a rule looks at.
type On struct {
	all       bool
	workloads bool
	kinds     []schema.GroupKind
}

// Workloads is everything with a pod template that nothing else in the snapshot controls.
var Workloads = On{workloads: true}

// Everything is every object.
var Everything = On{all: true}

// Pods is every Pod.
var Pods = On{kinds: []schema.GroupKind{snapshot.PodKind}}

// Kinds is every object of the given kinds.
func Kinds(kinds ...schema.GroupKind) On { return On{kinds: kinds} }

// Named are the kinds that the rule names; none where it looks at workloads or everything.
func (on On) Named() []schema.GroupKind { return on.kinds }

// Matches tells whether the rule looks at o.
func (on On) Matches(s *snapshot.Snapshot, o *snapshot.Object) bool {
	return on.LooksAt(o.GroupKind(), on.workloads && len(o.Templates) > 0 && s.Owner(o) == nil)
}

// LooksAt tells whether the rule looks at objects of a kind, workload being whether nothing controls the one
// that has a pod template.
func (on On) LooksAt(kind schema.GroupKind, workload bool) bool {
	switch {
	case on.all:
		return true
	case on.workloads:
		return workload
	}
	return slices.Contains(on.kinds, kind)
}

// String words On for documents: "workloads", "Pod, Service".
func (on On) String() string {
	switch {
	case on.all:
		return "everything"
	case on.workloads:
		return "workloads"
	}
	text := ""
	for i, k := range on.kinds {
		if i > 0 {
			text += ", "
		}
		text += k.Kind
	}
	return text
}

// Dimension is the side of running well that a check belongs to.
type Dimension string

// The dimensions.
const (
	Reliability   Dimension = "reliability"
	Security      Dimension = "security"
	Efficiency    Dimension = "efficiency"
	Observability Dimension = "observability"
	Maintenance   Dimension = "maintenance"
	State         Dimension = "state"
	Policy        Dimension = "policy"
	Delivery      Dimension = "delivery"
)

// Dimensions lists all dimensions in the order in which they are printed.
func Dimensions() []Dimension {
	return []Dimension{Reliability, Security, Efficiency, Observability, Maintenance, State, Policy, Delivery}
}

// Severity is what a finding can cost.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // data loss, or the cluster is open
	High     Severity = "high"     // an outage waits to happen
	Medium   Severity = "medium"   // it makes an outage longer or more likely
	Low      Severity = "low"      // it costs money or time
	Info     Severity = "info"
)

// Severities lists all severities, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// Rank is 0 for the worst severity; unknown ones are last.
func (s Severity) Rank() int {
	if i := slices.Index(Severities(), s); i >= 0 {
		return i
	}
	return len(Severities())
}

// Certainty says how far a verdict is proven.
type Certainty string

// The certainties.
const (
	Certain  Certainty = "certain"  // the API says so
	Likely   Certainty = "likely"   // two signals agree
	Possible Certainty = "possible" // a question: the message names the fact that would decide
)

// Rank is 0 for certain.
func (c Certainty) Rank() int {
	if i := slices.Index([]Certainty{Certain, Likely, Possible}, c); i >= 0 {
		return i
	}
	return 3
}

// Stage is where in an object's life a cause strikes; the earliest explains the later ones.
type Stage int

// The stages, earliest first.
const (
	StageStuckDeletion Stage = iota + 1
	StageNodeLost
	StageNotCreated
	StageFailed
	StageNotScheduled
	StageVolume
	StageImage
	StageContainerConfig
	StageInit
	StageExit
	StageProbeKill
	StageNotReady
	StageCondition
	StageController
	StageRoute
	StageHistory
)

var stageNames = map[Stage]string{
	StageStuckDeletion: "stuck deletion", StageNodeLost: "node lost", StageNotCreated: "not created", StageFailed: "failed phase",
	StageNotScheduled: "not scheduled", StageVolume: "volume or sandbox", StageImage: "image", StageContainerConfig: "container config",
	StageInit: "init container", StageExit: "container exit", StageProbeKill: "probe kill", StageNotReady: "not ready",
	StageCondition: "condition", StageController: "controller", StageRoute: "route", StageHistory: "healthy with history",
}

// String is the stage in words.
func (s Stage) String() string { return stageNames[s] }
