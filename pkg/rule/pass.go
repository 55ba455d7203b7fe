package rule

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Pass is everything that a rule may see of one object, and its only way to say something.
type Pass struct {
	*snapshot.Snapshot
	Object *snapshot.Object

	check *Check
	cause *Cause
	sink  Sink
}

// Sink takes what a rule has to say. A nil function drops it.
type Sink struct {
	Report     func(*Finding)
	Unknown    func(reason string)                      // what keeps the rule from a verdict
	Unresolved func(field *field.Path, to snapshot.Ref) // a name that nobody could look up
	SaidBy     func(rule string)                        // another rule reports it, so that this one is silent
	NoFixes    bool                                     // nobody prints how to mend what is found
}

// NewPass makes a Pass for a check or a cause.
func NewPass(s *snapshot.Snapshot, o *snapshot.Object, check *Check, cause *Cause, sink Sink) *Pass {
	return &Pass{Snapshot: s, Object: o, check: check, cause: cause, sink: sink}
}

// Number is a threshold of the check.
func (p *Pass) Number(name string) int { return p.check.Numbers[name].Value }

// Words is a list that a configuration fills for the check; empty where none does.
func (p *Pass) Words(name string) []string { return p.check.Lists[name] }

// Judge makes it the Pass of another check on the same object.
func (p *Pass) Judge(c *Check) { p.check = c }

// Ask makes it the Pass of another cause of the same object.
func (p *Pass) Ask(c *Cause) { p.cause = c }

// Report says something. Rule, Object, Seen, Severity, Dimension, Stage and History are filled in
// where the rule left them empty.
func (p *Pass) Report(f Finding) *Finding {
	if f.Object.IsZero() {
		f.Object = p.Object.Ref
	}
	if f.Seen.IsZero() {
		f.Seen = p.Object.Ref
	}
	f.Judged = p.Object
	if p.check != nil {
		f.Rule = p.check.ID
		f.Dimension = p.check.Dimension
		if f.Severity == "" || p.check.Fixed {
			f.Severity = p.check.Severity
		}
		if f.Certainty == "" {
			f.Certainty = Certain
		}
	}
	if p.cause != nil {
		f.Rule = p.cause.ID
		f.History = f.History || p.cause.History
		if f.Stage == 0 {
			f.Stage = p.cause.Stage
		}
		if f.Severity == "" {
			f.Severity = High
		}
		if f.Certainty == "" {
			f.Certainty = Possible
		}
	}
	switch f.unmended = p.sink.NoFixes; {
	case f.unmended:
		f.Fix = nil
	case f.Fix != nil && f.Fix.Object.IsZero():
		f.Fix.Object = f.Object
	}
	if p.sink.Report != nil {
		p.sink.Report(&f)
	}
	return &f
}

// Reportf is Report for checks: the field of the object, and the message.
func (p *Pass) Reportf(path *field.Path, format string, args ...any) *Finding {
	return p.Report(Finding{Field: path, Message: fmt.Sprintf(format, args...)})
}

// Mends tells whether anybody prints how to mend what is found: where nobody does, a rule need not work it out.
func (p *Pass) Mends() bool { return !p.sink.NoFixes }

// WithFix attaches what to change, where that is printed. It returns the finding.
func (f *Finding) WithFix(fix Fix) *Finding {
	if f.unmended {
		return f
	}
	own := fix
	if own.Object.IsZero() {
		own.Object = f.Object
	}
	f.Fix = &own
	return f
}

// Unknown says that the rule cannot judge this object, and why: "secret/db is forbidden".
func (p *Pass) Unknown(format string, args ...any) {
	if p.sink.Unknown != nil {
		p.sink.Unknown(fmt.Sprintf(format, args...))
	}
}

// SaidBy says that another rule reports what is wrong here, which is said once: the object does not pass all the same.
func (p *Pass) SaidBy(rule string) {
	if p.sink.SaidBy != nil {
		p.sink.SaidBy(rule)
	}
}

// Unresolved says that field names an object which the input does not contain. With manifests that
// is no fault: it may be in the cluster already.
func (p *Pass) Unresolved(path *field.Path, to snapshot.Ref) {
	if p.sink.Unresolved != nil {
		p.sink.Unresolved(path, to)
	}
}

// Age is how long ago t was on the snapshot's clock; never negative.
func (p *Pass) Age(t time.Time) time.Duration { return max(0, p.Now.Sub(t)) }
