package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

const (
	// fleetWidth is how wide a table of clusters becomes where nobody says how wide the terminal is.
	fleetWidth = 100
	// longContext is the longest name of a context that heads a column; clusters with longer ones are numbered.
	longContext = 18

	wholeRow    = "the whole"
	notReadCell = "not read"
)

// Fleet prints where clusters stand side by side, and where what is set up in them differs; with wide also what is the
// same.
func Fleet(w io.Writer, f *report.Fleet, t *Theme, wide bool) error {
	p := &fleetWriter{writer: &writer{w: w, t: t, at: f.At.Time}, f: f, labels: labelsOf(f)}
	p.head()
	p.line("")
	p.tables()
	p.caps()
	p.standard(wide)
	p.notes(wide)
	return p.err
}

type fleetWriter struct {
	*writer
	f      *report.Fleet
	labels map[string]string // of contexts, short enough for the head of a column
}

func labelsOf(f *report.Fleet) map[string]string {
	numbered := slices.ContainsFunc(f.Contexts, func(c report.FleetContext) bool { return cells(clean(c.Context)) > longContext })
	labels := map[string]string{}
	for i, c := range f.Contexts {
		labels[c.Context] = clean(c.Context)
		if numbered {
			labels[c.Context] = fmt.Sprintf("[%d]", i+1)
		}
	}
	return labels
}

// head names the clusters, and those that could not be read with the reason.
func (p *fleetWriter) head() {
	title := rule.Count(len(p.f.Contexts), "cluster")
	if p.f.Namespace != "" {
		title = "namespace " + clean(p.f.Namespace) + " of " + title
	}
	if n := len(p.f.Contexts) - len(p.f.Read()); n > 0 {
		title += fmt.Sprintf(", %d not read", n)
	}
	p.line("%s", p.t.strong.Sprint(title))
	width := 0
	for _, label := range p.labels {
		width = max(width, cells(label))
	}
	for _, c := range p.f.Contexts {
		var parts []string
		if label := p.labels[c.Context]; label != clean(c.Context) {
			parts = append(parts, clean(c.Context))
		}
		switch {
		case c.Level == nil:
			parts = append(parts, notReadCell+": "+clean(c.Error))
		case c.Level.ServerVersion != "":
			parts = append(parts, "Kubernetes "+clean(c.Level.ServerVersion))
		}
		p.hanging("  "+pad(p.labels[c.Context], width+narrowGap), strings.Join(parts, ", "))
	}
}

// tables has dimensions down and clusters across, in as many tables as the width asks for.
func (p *fleetWriter) tables() {
	limit := fleetWidth
	if p.t.Width > 0 {
		limit = min(limit, p.t.Width)
	}
	rows := []string{wholeRow}
	for _, c := range p.f.Contexts {
		if c.Level == nil {
			continue
		}
		for _, d := range c.Level.Dimensions {
			if !slices.Contains(rows, d.Name) {
				rows = append(rows, d.Name)
			}
		}
	}
	first := cells("DIMENSION")
	for _, r := range rows {
		first = max(first, cells(r))
	}
	columns := make([]fleetColumn, 0, len(p.f.Contexts))
	for _, broken := range []bool{false, true} {
		columns = columns[:0]
		total := first
		for _, c := range p.f.Contexts {
			columns = append(columns, columnOf(p.labels[c.Context], c.Level, rows, broken))
			total += narrowGap + columns[len(columns)-1].width
		}
		if total <= limit {
			break
		}
	}
	for len(columns) > 0 {
		n, total := 0, first
		for n < len(columns) && (n == 0 || total+narrowGap+columns[n].width <= limit) {
			total += narrowGap + columns[n].width
			n++
		}
		p.table(first, rows, columns[:n])
		columns = columns[n:]
		p.line("")
	}
}

// fleetColumn is one cluster's column; a cell may have two lines.
type fleetColumn struct {
	label string
	cells [][]string
	width int
}

func columnOf(label string, l *report.Level, rows []string, broken bool) fleetColumn {
	c := fleetColumn{label: label, width: cells(label)}
	for _, row := range rows {
		lines := []string{reachedIn(l, row)}
		if lo, hi, ok := strings.Cut(lines[0], ".."); ok && broken {
			lines = []string{lo + "..", hi}
		}
		for _, line := range lines {
			c.width = max(c.width, cells(line))
		}
		c.cells = append(c.cells, lines)
	}
	return c
}

// reachedIn is how far the whole or a dimension of a cluster has come.
func reachedIn(l *report.Level, row string) string {
	switch {
	case l == nil:
		return notReadCell
	case row == wholeRow:
		return l.Phase.String()
	}
	i := slices.IndexFunc(l.Dimensions, func(d report.LevelDimension) bool { return d.Name == row })
	if i < 0 || !l.Dimensions[i].Applies {
		return "-"
	}
	return l.Dimensions[i].String()
}

func (p *fleetWriter) table(first int, rows []string, columns []fleetColumn) {
	gap := strings.Repeat(" ", narrowGap)
	line := pad("DIMENSION", first)
	for _, c := range columns {
		line += gap + pad(c.label, c.width)
	}
	p.line("%s", p.t.faint.Sprint(strings.TrimRight(line, " ")))
	for i, row := range rows {
		lines := 1
		for _, c := range columns {
			lines = max(lines, len(c.cells[i]))
		}
		for n := range lines {
			name := row
			if n > 0 {
				name = ""
			}
			line := pad(name, first)
			for _, c := range columns {
				text := ""
				if n < len(c.cells[i]) {
					text = c.cells[i][n]
				}
				line += gap + pad(text, c.width)
			}
			line = strings.TrimRight(line, " ")
			if row == wholeRow {
				line = p.t.strong.Sprint(line)
			}
			p.line("%s", line)
		}
	}
}

// caps say which clusters are shown no further than they would be.
func (p *fleetWriter) caps() {
	said := false
	for _, c := range p.f.Contexts {
		if c.Level == nil || c.Level.Cap == nil {
			continue
		}
		p.hanging("", fmt.Sprintf("%s: no further than %s while something is critical: %s", p.labels[c.Context], c.Level.Cap.Phase, clean(strings.Join(c.Level.Cap.Rules, ", "))))
		said = true
	}
	if said {
		p.line("")
	}
}

// standard prints what differs, what some lack and what nobody can tell.
func (p *fleetWriter) standard(wide bool) {
	if len(p.f.Read()) < 2 {
		p.line("nothing to compare: %s could be read", rule.Count(len(p.f.Read()), "cluster"))
		return
	}
	count := func(verdict string, rows []report.FleetRow) {
		text := fmt.Sprintf("%s: %d", verdict, len(rows))
		if verdict == report.VerdictSame && !wide && len(rows) > 0 {
			text += " (" + byTopic(rows) + ")"
		}
		p.hanging("", text)
	}
	for _, verdict := range []string{report.VerdictDiffers, report.VerdictMissing, report.VerdictUnknown, report.VerdictSame} {
		rows := p.f.Of(verdict)
		if len(rows) == 0 && verdict == report.VerdictUnknown {
			continue
		}
		count(verdict, rows)
		switch {
		case verdict == report.VerdictDiffers || wide:
			for _, r := range rows {
				p.row(r, wide)
			}
		case verdict == report.VerdictMissing:
			p.grouped(rows, p.lacking, true)
		case verdict == report.VerdictUnknown:
			p.grouped(rows, p.unknown, false)
		}
	}
	p.line("")
}

// row prints a fact with its values; where it differs and not wide, only the parts that do.
func (p *fleetWriter) row(r report.FleetRow, wide bool) {
	if r.Verdict == report.VerdictSame {
		for _, value := range r.Values {
			p.hanging("  ", clean(r.Topic+" "+r.Name+": "+value))
			return
		}
	}
	p.hanging("  ", clean(r.Topic+" "+r.Name))
	values := r.Values
	if !wide {
		values = differingParts(values)
	}
	var groups []string
	of := map[string][]string{}
	say := func(text, context string) {
		if of[text] == nil {
			groups = append(groups, text)
		}
		of[text] = append(of[text], p.labels[context])
	}
	for _, c := range p.f.Contexts {
		value, there := values[c.Context]
		switch {
		case there:
			say(value, c.Context)
		case slices.Contains(r.Missing, c.Context):
			say("not there", c.Context)
		case r.Unknown[c.Context] != "":
			say("not known: "+r.Unknown[c.Context], c.Context)
		}
	}
	width := 0
	for _, text := range groups {
		width = max(width, cells(strings.Join(of[text], ", ")))
	}
	for _, text := range groups {
		p.hanging("      "+pad(strings.Join(of[text], ", "), width+narrowGap), clean(text))
	}
}

// differingParts are values without the parts that all of them have.
func differingParts(values map[string]string) map[string]string {
	const comma = ", "
	in := map[string]int{}
	for _, v := range values {
		for part := range strings.SplitSeq(v, comma) {
			in[part]++
		}
	}
	out := map[string]string{}
	for c, v := range values {
		parts := slices.DeleteFunc(strings.Split(v, comma), func(part string) bool { return in[part] == len(values) })
		out[c] = strings.Join(parts, comma)
		if len(parts) == 0 {
			out[c] = "nothing more"
		}
	}
	return out
}

// lacking says where a fact is, and where it is not.
func (p *fleetWriter) lacking(r report.FleetRow) string {
	text := fmt.Sprintf("in %s, not in %s", p.those(slices.Collect(maps.Keys(r.Values))), p.those(r.Missing))
	if len(r.Unknown) > 0 {
		text += ", " + p.unknown(r)
	}
	return text
}

// unknown says where nobody can tell, and why.
func (p *fleetWriter) unknown(r report.FleetRow) string {
	var parts []string
	for _, c := range p.f.Contexts {
		if reason := r.Unknown[c.Context]; reason != "" {
			parts = append(parts, fmt.Sprintf("%s (%s)", p.labels[c.Context], reason))
		}
	}
	return "not known of " + strings.Join(parts, ", ")
}

// those are the labels of contexts, in the order of the columns.
func (p *fleetWriter) those(contexts []string) string {
	var list []string
	for _, c := range p.f.Contexts {
		if slices.Contains(contexts, c.Context) {
			list = append(list, p.labels[c.Context])
		}
	}
	return strings.Join(list, ", ")
}

// grouped prints the rows of a topic of which the same is to say in one line, with their names or their number.
func (p *fleetWriter) grouped(rows []report.FleetRow, say func(report.FleetRow) string, names bool) {
	var order []string
	of := map[string][]string{}
	for _, r := range rows {
		text := r.Topic + " " + say(r)
		if of[text] == nil {
			order = append(order, text)
		}
		of[text] = append(of[text], r.Name)
	}
	for _, text := range order {
		if names {
			p.hanging("  ", clean(text+": "+strings.Join(of[text], ", ")))
			continue
		}
		p.hanging("  ", clean(fmt.Sprintf("%s: %d", text, len(of[text]))))
	}
}

// byTopic counts rows: "versions 2, namespaces 9".
func byTopic(rows []report.FleetRow) string {
	var parts []string
	for i := 0; i < len(rows); {
		n := i
		for n < len(rows) && rows[n].Topic == rows[i].Topic {
			n++
		}
		parts = append(parts, fmt.Sprintf("%s %d", rows[i].Topic, n-i))
		i = n
	}
	return strings.Join(parts, ", ")
}

// notes say what to look at next.
func (p *fleetWriter) notes(wide bool) {
	for _, pair := range p.f.Twice() {
		p.hanging("", fmt.Sprintf("%s and %s are the same cluster", p.labels[pair[0]], p.labels[pair[1]]))
	}
	p.line("%s", p.t.faint.Sprint("kubectl maturity level -A --context NAME tells what holds a cluster back"))
	if !wide {
		p.line("%s", p.t.faint.Sprint("-o wide shows whole values, and what is the same"))
	}
}
