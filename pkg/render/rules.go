package render

import (
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

// The blanks between two columns: as in kubectl's tables and, where the last column would become
// narrower than a line that reads well, fewer.
const (
	columnGap  = 3
	narrowGap  = 2
	goodTitle  = 36
	worstTitle = 20
)

// RuleTable lists rules, one table for the checks and one for the causes. On a terminal the titles
// are wrapped inside their column, unless wide is set.
func RuleTable(w io.Writer, rules []report.Rule, t *Theme, wide bool) error {
	p := &writer{w: w, t: t}
	checks := [][]string{{"CHECK", "SEVERITY", "DIMENSION"}}
	causes := [][]string{{"CAUSE", "STAGE"}}
	if wide {
		checks[0] = append(checks[0], "ON", "PEERS")
		causes[0] = append(causes[0], "ON", "BEATS")
	}
	checks[0], causes[0] = append(checks[0], "TITLE"), append(causes[0], "TITLE")
	for _, r := range rules {
		if r.Kind == report.KindCheck {
			severity := r.Severity
			if r.Off {
				severity += ", off"
			}
			row := []string{r.ID, severity, r.Dimension}
			if wide {
				row = append(row, r.On, orNone(slices.Sorted(maps.Keys(r.Peers))))
			}
			checks = append(checks, append(row, r.Title))
			continue
		}
		row := []string{r.ID, r.Stage}
		if wide {
			row = append(row, r.On, orNone(r.Beats))
		}
		causes = append(causes, append(row, r.Title))
	}
	for i, table := range [][][]string{checks, causes} {
		if i > 0 && len(checks) > 1 && len(causes) > 1 {
			p.line("")
		}
		if len(table) > 1 {
			p.rows(table, !wide)
		}
	}
	return p.err
}

// RuleTranslation lists the ids of another tool with the rules that stand for them.
func RuleTranslation(w io.Writer, tr *report.Translation, t *Theme) error {
	p := &writer{w: w, t: t}
	rows := [][]string{{strings.ToUpper(tr.Peer), "HERE"}}
	for _, id := range tr.IDs {
		rows = append(rows, []string{id.ID, strings.Join(id.Rules, ", ")})
	}
	p.rows(rows, true)
	return p.err
}

// Rule prints all there is to know of one rule. Its paragraphs are wrapped on a terminal, and
// printed as they were written elsewhere.
func Rule(w io.Writer, r report.Rule, t *Theme) error {
	p := &writer{w: w, t: t}
	p.line("%s  %s", t.strong.Sprint(r.ID), r.Title)
	p.line("")
	p.facts(r)
	if r.Doc == nil {
		return p.err
	}
	p.line("")
	p.markdown(r.Doc.Why)
	p.code("Before", r.Doc.Before)
	p.code("After", r.Doc.After)
	if len(r.Peers) > 0 {
		p.heading("In other tools")
		rows := [][]string{}
		for _, tool := range slices.Sorted(maps.Keys(r.Peers)) {
			rows = append(rows, []string{"  " + tool, strings.Join(r.Peers[tool], ", ")})
		}
		p.rows(rows, true)
	}
	if len(r.Doc.References) > 0 {
		p.heading("References")
		for _, ref := range r.Doc.References {
			p.hanging("  "+t.bullet+" ", ref)
		}
	}
	return p.err
}

// facts says in a line each what kind of rule it is.
func (p *writer) facts(r report.Rule) {
	var rows [][]string
	add := func(name string, values ...string) {
		if text := strings.Join(values, ", "); text != "" {
			rows = append(rows, []string{"  " + name, text})
		}
	}
	add("kind", r.Kind)
	add("severity", r.Severity)
	add("dimension", r.Dimension)
	if r.Off {
		add("off", "unless maturity.yaml turns it on, rules: {"+r.ID+": on}")
	}
	add("thresholds", r.SettingWords()...)
	add("stage", r.Stage)
	add("looks at", r.On)
	add("reads too", r.Needs...)
	add("goes before", r.Beats...)
	if r.History {
		add("tells of", "the past: the object works now")
	}
	p.rows(rows, true)
}

func (p *writer) heading(text string) {
	p.line("")
	p.line("%s", p.t.strong.Sprint(text))
}

func (p *writer) code(heading, text string) {
	if text == "" {
		return
	}
	p.heading(heading)
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.verbatim([]string{"  " + line})
	}
}

// rows prints a table; with fold its last column is wrapped on a terminal.
func (p *writer) rows(rows [][]string, fold bool) {
	if len(rows) == 0 {
		return
	}
	last := len(rows[0]) - 1
	widths := make([]int, last)
	used := 0
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], cells(row[i]))
		}
		used += widths[i]
	}
	gap, room := columnGap, 0
	if fold && p.t.Width > 0 {
		if p.t.Width-used-last*gap < goodTitle {
			gap = narrowGap
		}
		room = max(worstTitle, p.t.Width-used-last*gap)
	}
	for _, row := range rows {
		line := ""
		for i, width := range widths {
			line += pad(row[i], width+gap)
		}
		for _, part := range wrap(row[last], room) {
			p.line("%s", escapeLine(strings.TrimRight(line+part, " ")))
			line = strings.Repeat(" ", used+last*gap)
		}
	}
}

var (
	fence    = regexp.MustCompile("^\\s*```")
	listItem = regexp.MustCompile(`^\s*([-*]|[0-9]+[.)]) +`)
	verbatim = regexp.MustCompile(`^(    |\t|\||#)`)
)

// markdown prints paragraphs and list items wrapped, and everything else as it is.
func (p *writer) markdown(text string) {
	if p.t.Width == 0 {
		p.verbatim(strings.Split(text, "\n"))
		return
	}
	var first, rest string // the prefix of a list item, and what has been collected of the paragraph
	flush := func() {
		if rest != "" {
			p.hanging(first, rest)
		}
		first, rest = "", ""
	}
	fenced := false
	for line := range strings.SplitSeq(text, "\n") {
		switch item := listItem.FindString(line); {
		case fence.MatchString(line):
			flush()
			p.verbatim([]string{line})
			fenced = !fenced
		case fenced:
			p.verbatim([]string{line})
		case strings.TrimSpace(line) == "":
			flush()
			p.line("")
		case item != "":
			flush()
			first, rest = item, line[len(item):]
		case rest == "" && verbatim.MatchString(line):
			p.verbatim([]string{line})
		default:
			rest = strings.TrimSpace(rest + " " + strings.TrimSpace(line))
		}
	}
	flush()
}

func (p *writer) verbatim(lines []string) {
	for _, line := range lines {
		p.line("%s", escapeLine(strings.TrimRight(line, " ")))
	}
}

// hanging prints text wrapped, with a prefix that the further lines are indented by.
func (p *writer) hanging(prefix, text string) {
	for _, line := range wrap(text, p.prose(cells(prefix))) {
		p.line("%s", escapeLine(prefix+line))
		prefix = strings.Repeat(" ", cells(prefix))
	}
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "<none>"
	}
	return strings.Join(words, ",")
}
