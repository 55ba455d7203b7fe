package report

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Listed is a setting that checks found, in a list that may have tens of thousands: what it takes to group and to
// order it. Finding has the rest.
type Listed struct {
	File   string // "" for an object of a cluster
	Start  int    // the line on which its document starts there
	Edited string // what people edit, where a tool rendered File; else File

	waiting *rule.Finding // nil for one that was not waiting
	builder *Builder
	finding *Finding
}

// Settings are what checks found, those that wait to be asked for among them.
func (r *Report) Settings() []*Listed {
	list := make([]*Listed, 0, len(r.Findings)+len(r.waiting))
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.isSetting() {
			l := &Listed{Start: f.Start, finding: f}
			if f.Position != nil {
				l.File, l.Edited = f.Position.File, f.Position.Edited()
			}
			list = append(list, l)
		}
	}
	all := make([]Listed, len(r.waiting))
	for i, f := range r.waiting {
		l := &all[i]
		*l = Listed{waiting: f, builder: r.builder}
		l.File, l.Start, l.Edited = r.builder.written(f)
		if l.Edited == "" {
			l.Edited = l.File
		}
		list = append(list, l)
	}
	return list
}

// Rule is the id of its rule.
func (l *Listed) Rule() string {
	if l.finding != nil {
		return l.finding.Rule
	}
	return l.waiting.Rule
}

// Severity is what it can cost.
func (l *Listed) Severity() string {
	if l.finding != nil {
		return l.finding.Severity
	}
	return string(l.waiting.Severity)
}

// Object is the one to change.
func (l *Listed) Object() snapshot.Ref {
	if l.finding != nil {
		return l.finding.Object
	}
	return l.waiting.Object.In("")
}

// Title is what its rule finds, in words that fit every object.
func (l *Listed) Title() string {
	if l.finding != nil {
		return l.finding.Title
	}
	return l.builder.Titles[l.waiting.Rule]
}

// Field is the path of the field, "" where none is to blame.
func (l *Listed) Field() string {
	switch {
	case l.finding != nil:
		return l.finding.Field
	case l.waiting.Field != nil:
		return l.waiting.Field.String()
	}
	return ""
}

// Message is what it says of its object.
func (l *Listed) Message() string {
	if l.finding != nil {
		return l.finding.Message
	}
	return l.waiting.Message
}

// Finding is the whole finding, complete.
func (l *Listed) Finding() *Finding {
	if l.finding == nil {
		f := l.builder.finding(l.waiting)
		l.finding = &f
	}
	return l.finding.Complete()
}
