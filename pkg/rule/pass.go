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

	check  *Check
	cause  *Cause
	report func(*Finding)
	blind  func(reason string)
}

// NewPass makes a Pass for exactly one of check and cause. What the rule reports goes to report,
// and what keeps it from a verdict to blind.
func NewPass(s *snapshot.Snapshot, o *snapshot.Object, check *Check, cause *Cause, report func(*Finding), blind func(reason string)) *Pass {
	return &Pass{Snapshot: s, Object: o, check: check, cause: cause, report: report, blind: blind}
}

// Report says something. Rule, Object, Seen, Severity, Dimension, Stage and History are filled in
// where the rule left them empty.
func (p *Pass) Report(f Finding) *Finding {
	if f.Object.IsZero() {
		f.Object = p.Object.Ref
	}
	if f.Seen.IsZero() {
		f.Seen = p.Object.Ref
	}
	if p.check != nil {
		f.Rule = p.check.ID
		f.Dimension = p.check.Dimension
		if f.Severity == "" {
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
	if f.Fix != nil && f.Fix.Object.IsZero() {
		f.Fix.Object = f.Object
	}
	finding := &f
	p.report(finding)
	return finding
}

// Reportf is Report for checks: the field of the object, and the message.
func (p *Pass) Reportf(path *field.Path, format string, args ...any) *Finding {
	return p.Report(Finding{Field: path, Message: fmt.Sprintf(format, args...)})
}

// Fix attaches what to change. It returns the finding.
func (f *Finding) WithFix(fix Fix) *Finding {
	if fix.Object.IsZero() {
		fix.Object = f.Object
	}
	f.Fix = &fix
	return f
}

// Unknown says that the rule cannot judge this object, and why: "secret/db is forbidden".
func (p *Pass) Unknown(format string, args ...any) { p.blind(fmt.Sprintf(format, args...)) }

// Age is how long ago t was on the snapshot's clock; never negative.
func (p *Pass) Age(t time.Time) time.Duration { return max(0, p.Now.Sub(t)) }
