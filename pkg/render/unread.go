package render

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// unread is what could not be read for one reason.
type unread struct {
	reason, detail string
	names          []string
}

// refusal is how an API server begins to say what one may not, before it names the resource.
var refusal = regexp.MustCompile(`User ".*" cannot \S+`)

// byReason says once what happened to many reads. With each set, refusals keep their own words, which name
// the API group and the namespace.
func byReason(list []report.NotEvaluated, each bool) []unread {
	var groups []unread
	for _, n := range list {
		detail := n.Detail
		if n.Reason == snapshot.ReasonForbidden && !each {
			if gist := refusal.FindString(detail); gist != "" {
				detail = gist
			}
		}
		i := slices.IndexFunc(groups, func(g unread) bool { return g.reason == n.Reason && g.detail == detail })
		if i < 0 {
			i = len(groups)
			groups = append(groups, unread{reason: n.Reason, detail: detail})
		}
		groups[i].names = append(groups[i].names, n.Resource)
	}
	for i, g := range groups {
		if len(g.names) > 1 {
			continue
		}
		n := list[slices.IndexFunc(list, func(n report.NotEvaluated) bool { return n.Resource == g.names[0] })]
		groups[i].detail = n.Detail // one alone is told in full
	}
	return groups
}

func (g unread) text() string {
	why := g.reason
	if len(g.names) == 1 {
		if g.detail != "" {
			why += " (" + g.detail + ")"
		}
		return g.names[0] + ": " + why
	}
	if g.detail != "" {
		why += ": " + g.detail
	}
	names := make([]string, 0, len(g.names))
	for _, n := range g.names {
		short, _, _ := strings.Cut(n, " in namespace ") // the command's own
		names = append(names, short)
	}
	return fmt.Sprintf("%d things could not be read (%s): %s", len(names), why, strings.Join(names, ", "))
}

// isRead tells the reads that failed among what was not evaluated.
func isRead(n report.NotEvaluated) bool { return n.Resource != "" }

// reads prints the reads that failed, and returns the rest.
func (p *writer) reads(list []report.NotEvaluated, live, each bool) (rest []report.NotEvaluated) {
	var failed []report.NotEvaluated
	for _, n := range list {
		if isRead(n) {
			failed = append(failed, n)
		} else {
			rest = append(rest, n)
		}
	}
	groups := byReason(failed, each)
	for i, g := range groups {
		if i == fewEntries && !each {
			p.line("  %d more with -o wide", len(groups)-i)
			break
		}
		p.item(g.text())
	}
	if !live || p.hinted {
		return rest
	}
	has := func(reason string) bool {
		return slices.ContainsFunc(groups, func(g unread) bool { return g.reason == reason })
	}
	switch {
	case has(snapshot.ReasonFailed):
		p.hint("run it again when the server is well: kubectl get --raw '/readyz?verbose' tells how it is")
	case has(snapshot.ReasonTimeout):
		p.hint("run it again; --request-timeout=60s gives a slow server more time for each read")
	}
	return rest
}

// hint says what to do next.
func (p *writer) hint(text string) {
	p.hinted = true
	for _, l := range wrap(text, p.prose(4)) {
		p.line("    %s", p.t.faint.Sprint(l))
	}
}

// item prints one item of a list.
func (p *writer) item(text string) {
	for i, l := range wrap(clean(text), p.prose(4)) {
		if i == 0 {
			p.line("  %s %s", p.t.bullet, l)
		} else {
			p.line("    %s", l)
		}
	}
}

// verdicts says of many verdicts that could not be reached which rules they are of.
func (p *writer) verdicts(list []report.NotEvaluated) {
	var rules []string
	for _, n := range list {
		if !slices.Contains(rules, n.Rule) {
			rules = append(rules, n.Rule)
		}
	}
	slices.Sort(rules)
	p.item(fmt.Sprintf("%s could not be reached, of %s: -o wide tells which", rule.Count(len(list), "verdict"), strings.Join(rules, ", ")))
}

// NotSaved warns that a snapshot lacks what could not be read.
func NotSaved(w io.Writer, list []report.NotEvaluated, t *Theme) error {
	p := &writer{w: w, t: t}
	for _, g := range byReason(list, false) {
		for i, l := range wrap(clean("Warning: not saved: "+g.text()), p.prose(2)) {
			if i > 0 {
				l = "  " + l
			}
			p.line("%s", l)
		}
	}
	return p.err
}
