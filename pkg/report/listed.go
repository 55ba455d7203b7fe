package report

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Listed is a setting that checks found, in a list that may have tens of thousands: what it takes to group and to
// order it. Finding has the rest.
type Listed struct {
	Rule     string
	Severity string
	Object   snapshot.Ref
	File     string // "" for an object of a cluster
	Start    int    // the line on which its document starts there
	Edited   string // what people edit, where a tool rendered File; else File

	waiting *rule.Finding
	builder *Builder
	finding *Finding
}

// Settings are what checks found, those that wait to be asked for among them.
func (r *Report) Settings() []*Listed {
	var list []*Listed
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.isSetting() {
			l := &Listed{Rule: f.Rule, Severity: f.Severity, Object: f.Object, Start: f.Start, finding: f}
			if f.Position != nil {
				l.File, l.Edited = f.Position.File, f.Position.Edited()
			}
			list = append(list, l)
		}
	}
	all := make([]Listed, len(r.waiting))
	for i, f := range r.waiting {
		l := &all[i]
		*l = Listed{Rule: f.Rule, Severity: string(f.Severity), Object: f.Object, waiting: f, builder: r.builder}
		l.Object.Container = ""
		l.File, l.Start, l.Edited = r.builder.written(f)
		if l.Edited == "" {
			l.Edited = l.File
		}
		list = append(list, l)
	}
	return list
}

// Title is what its rule finds, in words that fit every object.
func (l *Listed) Title() string {
	if l.finding != nil {
		return l.finding.Title
	}
	return l.builder.Titles[l.Rule]
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
