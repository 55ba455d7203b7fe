package rule

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Finding is one thing a rule has to say.
type Finding struct {
	Rule      string
	Object    snapshot.Ref  // the object to change: for a pod of a controller, the controller
	Seen      snapshot.Ref  // where it shows: the pod and container, the claim
	Because   *snapshot.Ref // the object whose own finding explains this one
	Field     *field.Path   // in Object; an absent field marks its nearest parent
	AtKey     bool          // the name of Field is at fault, not its value
	unmended  bool          // nobody prints a fix
	NoField   string        // why no field is to blame, where Field is nil
	Value     string        // of Field as people write it, "" for an absent one
	Message   string        // lower case, no full stop, names the value seen
	Label     string        // what the field does here; drawn under it
	Marks     []Mark        // further fields of Object to draw, with what each does
	Evidence  []Evidence
	RuledOut  []string // look-alikes and the fact that excludes each
	Fix       *Fix
	Certainty Certainty
	Severity  Severity
	Dimension Dimension
	Stage     Stage
	History   bool
	Pods      []snapshot.Ref // every pod in which it shows, when there are several
	Deferred  bool           // more would be known after reading what `check` does not read

	// Judged is the object that the rule looked at. Two files may hold objects of one name: a base
	// and its overlay.
	Judged *snapshot.Object
}

// Mark is a field to draw, with a few words on what it does.
type Mark struct {
	Field *field.Path
	Label string
}

// Source says where a piece of evidence was read.
type Source string

// The sources of evidence.
const (
	FromStatus Source = "status"
	FromEvent  Source = "event"
	FromLog    Source = "log"
	FromMetric Source = "metric"
	FromSpec   Source = "spec"
)

// Evidence is a fact that was read, in few words.
type Evidence struct {
	Source Source
	Object snapshot.Ref
	Field  string
	Time   time.Time // zero: not tied to a moment
	Text   string
}

// Applicability says how safe a fix is.
type Applicability string

// The applicabilities.
const (
	// Safe loses no data, weakens no security, removes no limit, probe, finalizer or quota, deletes
	// nothing, invents no quantity and touches only the failing workload.
	Safe Applicability = "safe"
	// Placeholders must be filled in first; they look like <NEW_TAG>.
	Placeholders Applicability = "placeholders"
	// NeedsThought may do harm: Fix.Caution says which.
	NeedsThought Applicability = "needs-thought"
)

// Fix is what to change.
type Fix struct {
	Title         string // a verb phrase
	Caution       string // what to think about first
	Applicability Applicability
	Object        snapshot.Ref // the object the patch is for; zero: the finding's Object
	Patch         *Patch
	// Command holds the words after `kubectl`, without --context and -n. Words from logs or events
	// never enter it.
	Command []string
	// Lines are shell lines for what no single command can do; each is printed as it is.
	Lines []string
	// YAML is what to write into the manifest, where a command cannot show it well.
	YAML string
}

// Patch is a patch as `kubectl patch --type` takes it.
type Patch struct {
	Type string // json | merge | strategic
	Body any    // marshalled to JSON

	// ops makes the body of a JSON patch when somebody asks for it: findings come by the thousand, and few are
	// printed with their fixes.
	ops func() []Op
}

// Content is the body of the patch, for JSON.
func (p *Patch) Content() any {
	if p.ops != nil {
		return p.ops()
	}
	return p.Body
}

// lazily is a JSON patch whose operations are found out when they are asked for.
func lazily(ops func() []Op) *Patch { return &Patch{Type: "json", ops: ops} }

// Op is one operation of a JSON patch.
type Op struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}
