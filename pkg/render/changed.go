package render

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// fewChanges is how many changed fields fit one screen beside everything else.
const fewChanges = 3

// changed prints what was changed before a verdict came about, the closest to it first.
func (p *writer) changed(c *report.Changed, wide bool) {
	if c == nil {
		return
	}
	was := "none of its pods is ready"
	if c.From.ReadyPods > 0 {
		was = rule.Count(c.From.ReadyPods, "ready pod")
	}
	items := []string{fmt.Sprintf("in revision %d, %s ago, against revision %d (%s):", c.To.Number, duration.HumanDuration(max(0, p.at.Sub(c.To.At.Time))), c.From.Number, was)}
	shown := len(c.Fields)
	if !wide {
		shown = min(shown, fewChanges)
	}
	for _, f := range c.Fields[:shown] {
		text := strings.TrimPrefix(f.Field, "spec.template.spec.")
		switch {
		case f.Before == "":
			text += " added: " + f.After
		case f.After == "":
			text += " removed, was " + f.Before
		case f.Before == f.After: // of a credential nothing is said
			text += ": another value"
		default:
			text += ": " + f.Before + " -> " + f.After
		}
		if f.SetBy != nil {
			text += "  (" + p.setBy(f.SetBy) + ")"
		}
		items = append(items, text)
	}
	if rest := len(c.Fields) - shown + c.Others; rest > 0 {
		items = append(items, "and "+rule.Count(rest, "field")+" more")
	}
	p.block("changed", items)
}

// undo prints how to go back to the revision before.
func (p *writer) undo(c *report.Changed) {
	if c == nil || c.Undo == "" {
		return
	}
	title := fmt.Sprintf("or go back to revision %d, with all that it was:", c.From.Number)
	if c.From.ReadyPods == 0 { // it may have been as broken
		title = fmt.Sprintf("or, if revision %d worked, go back to it, with all that it was:", c.From.Number)
	}
	p.block("", []string{title})
	p.line("%s%s", strings.Repeat(" ", labelWidth), p.t.strong.Sprint(clean(c.Undo)))
}

func (p *writer) setBy(by *report.SetBy) string {
	text := "set by " + clean(by.Manager)
	if by.At != nil {
		text += ", " + duration.HumanDuration(max(0, p.at.Sub(by.At.Time))) + " ago"
	}
	return text
}
