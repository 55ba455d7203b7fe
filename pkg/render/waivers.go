package render

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// waivers lists what somebody decided to live with, and which of these decisions need another look.
func (p *writer) waivers(r *report.Report) {
	if list := r.Waived(); len(list) > 0 {
		p.line("%s", p.t.strong.Sprintf("waived: %d", len(list)))
		for _, w := range list {
			at := where(*w.Object, true)
			if w.Object.Container != "" {
				at += ", container " + w.Object.Container
			}
			p.item(fmt.Sprintf("%s: %s  (%s, %s)", at, w.Message, w.Severity, w.Rule))
			for _, l := range wrap(clean(decided(&w)), p.prose(4)) {
				p.line("    %s", p.t.faint.Sprint(l))
			}
		}
		p.line("")
	}
	if list := r.StaleWaivers(); len(list) > 0 {
		p.line("%s", p.t.strong.Sprintf("waivers that need another look: %d", len(list)))
		for _, w := range list {
			p.item(stale(&w))
		}
		p.line("")
	}
}

// decided says who decided to live with a finding, why, and until when.
func decided(w *report.Waiver) string {
	text := "without an end"
	if w.Until != "" {
		text = "until " + w.Until
	}
	if tool := w.Tool(); tool != "" {
		text = "by an annotation for " + tool
	}
	switch {
	case w.At != "":
		text += ", " + w.At
	case w.Tool() == "": // of a cluster: an exemption of the configuration has a line
		text += ", by its annotation"
	}
	if w.Reason != "" {
		text += ": " + w.Reason
	}
	return text
}

func stale(w *report.Waiver) string {
	name := w.Rule + " on " + w.For
	if w.Object != nil {
		name = w.Rule + " on " + where(*w.Object, true)
	}
	if w.At != "" {
		name = w.At + ": " + name
	}
	switch {
	case w.Problem != "":
		return name + ": " + w.Problem
	case w.Expired():
		return fmt.Sprintf("%s expired on %s (%s)", name, w.Until, w.Reason)
	}
	return name + " waives nothing: there is no such finding"
}

// livingWith says in short what is not listed because somebody decided so, and what these decisions are taken
// from.
func (p *writer) livingWith(r *report.Report, wide bool) {
	var parts []string
	if n := len(r.Waived()); n > 0 {
		text := fmt.Sprintf("%d waived", n)
		if !wide {
			text += " (-o wide lists them)"
		}
		parts = append(parts, text)
	}
	if b := r.Baseline; b != nil && b.Written {
		parts = append(parts, fmt.Sprintf("%s written to %s", rule.Count(b.Known, "finding"), clean(b.File)))
	} else if b != nil {
		parts = append(parts, fmt.Sprintf("%d known from %s", b.Known, clean(b.File)))
	}
	if len(parts) > 0 {
		p.line("%s", strings.Join(parts, ", "))
	}
	if b := r.Baseline; b != nil && b.Gone > 0 {
		are, them := "are", "them"
		if b.Gone == 1 {
			are, them = "is", "it"
		}
		p.line("%s of %s %s gone: --write-baseline takes %s out", rule.Count(b.Gone, "finding"), clean(b.File), are, them)
	}
	if n := len(r.StaleWaivers()); n > 0 && !wide {
		p.line("%s", p.t.doubt.Sprintf("%s: -o wide tells why", lookAgain(n)))
	}
	if r.Config != "" {
		text := "configured by " + clean(r.Config)
		if n := len(r.Ignored); n > 0 {
			text += ", which leaves out " + rule.Count(n, "file")
		}
		p.line("%s", p.t.faint.Sprint(text))
	}
}

func lookAgain(n int) string {
	if n == 1 {
		return "1 waiver needs another look"
	}
	return fmt.Sprintf("%d waivers need another look", n)
}
