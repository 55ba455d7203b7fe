package render

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// writer prints lines of escaped text and keeps the first error.
type writer struct {
	w   io.Writer
	t   *Theme
	at  time.Time
	err error

	top    []report.NotEvaluated // said before everything else
	hinted bool                  // what to do next was said
}

func (p *writer) line(format string, args ...any) {
	if p.err != nil {
		return
	}
	_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
}

// clean makes text from a cluster harmless to a terminal.
func clean(text string) string {
	var b bytes.Buffer
	if printers.WriteEscaped(&b, strings.Join(strings.Fields(text), " ")) != nil {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) { // would show the rest of the line in another order
			return unicode.ReplacementChar
		}
		return r
	}, b.String())
}

// labelWidth is the column in which the text beside "evidence", "fix" and the like starts.
const labelWidth = 13

// Explain prints the verdicts of explain for a person. Healthy targets are left out of several
// unless all is set, and counted.
func Explain(w io.Writer, r *report.Report, t *Theme, all, wide bool) error {
	p := &writer{w: w, t: t, at: r.At.Time}
	namespaces := map[string]bool{}
	for _, e := range r.Explained {
		namespaces[e.Object.Namespace] = true
	}
	other := p.unreadable(r)
	blind := slices.ContainsFunc(r.NotEvaluated, isRead)
	well, young, unclear, shown, said := 0, 0, 0, 0, map[int]bool{}
	for _, e := range r.Explained {
		if !all && len(r.Explained) > 1 && len(e.Findings) == 0 && e.State == "unknown" {
			unclear++
			continue
		}
		if fine(e, r) && !all && len(r.Explained) > 1 {
			if e.State == "starting" {
				young++
			} else {
				well++
			}
			continue
		}
		if len(e.Findings) > 0 && said[e.Findings[0]] {
			continue // another target has the same verdict: said once
		}
		if len(e.Findings) > 0 {
			said[e.Findings[0]] = true
		}
		if shown > 0 && (!fine(e, r)) {
			p.line("")
		}
		shown++
		p.explained(r, e, len(namespaces) > 1, wide)
	}
	switch {
	case len(r.Explained) == 0 && blind:
		p.line("%s", t.doubt.Sprint(t.unsure)+" nothing to explain in what could be read")
	case len(r.Explained) == 0:
		p.line("nothing to explain: no workloads found")
	case shown == 0 && blind:
		p.line("%s", t.doubt.Sprint(t.unsure)+" "+rule.Count(well+young, "object")+fmt.Sprintf(" looked at, of what could be read: %d healthy, %d starting or stopping", well, young))
	case shown == 0 && young == 0:
		p.line("%s", t.success.Sprint(t.good)+" "+rule.Count(well, "object")+" looked at, all healthy")
	case shown == 0:
		p.line("%s", t.doubt.Sprint(t.unsure)+" "+rule.Count(well+young, "object")+fmt.Sprintf(" looked at: %d healthy, %d starting or stopping, not to judge yet", well, young))
	case young > 0:
		p.line("")
		p.line("%s healthy, %d starting or stopping, not shown", rule.Count(well, "more object"), young)
	case well > 0:
		p.line("")
		p.line("%s healthy, not shown", rule.Count(well, "more object"))
	}
	if unclear > 0 {
		p.line("%s with no sign of health in the status, not shown: name one to see it", rule.Count(unclear, "object"))
	}
	p.notEvaluated(other, r.Live, wide)
	return p.err
}

// fine tells whether a target has nothing wrong with it now.
func fine(e report.Explained, r *report.Report) bool {
	for _, i := range e.Findings {
		if !r.Findings[i].History {
			return false
		}
	}
	return e.State == "healthy" || e.State == "finished" || e.State == "idle" || e.State == "starting"
}

func where(ref snapshot.Ref, withNamespace bool) string {
	text := ref.String()
	if withNamespace && ref.Namespace != "" {
		text += " -n " + ref.Namespace
	}
	return clean(text)
}

func (p *writer) explained(r *report.Report, e report.Explained, withNamespace, wide bool) {
	t := p.t
	if len(e.Findings) == 0 || fine(e, r) {
		mark := t.success.Sprint(t.good)
		switch e.State {
		case "unhealthy":
			mark = t.failure.Sprint(t.bad)
		case "unknown", "starting":
			mark = t.doubt.Sprint(t.unsure)
		}
		p.line("%s %s  %s", mark, t.strong.Sprint(where(e.Object, withNamespace)), clean(stateText(e)))
		for _, i := range e.Findings {
			p.line("  history: %s  %s", clean(r.Findings[i].Message), r.Findings[i].Rule)
		}
		if e.State == "unhealthy" {
			p.cannotTell(e)
		} else {
			p.refused(e)
		}
		return
	}
	p.verdict(r, e, withNamespace, wide)
	p.also(r, e, withNamespace)
	p.unread(e)
	p.then(r, e)
}

func stateText(e report.Explained) string {
	switch e.State {
	case "healthy":
		return "healthy: " + e.Text
	case "starting":
		return "not to judge yet: " + e.Text
	case "finished":
		return "healthy: " + e.Text
	case "idle":
		return "nothing runs, as asked: " + e.Text
	case "unhealthy":
		return "not healthy: " + e.Text
	}
	return e.Text
}

func (p *writer) cannotTell(e report.Explained) {
	if !strings.Contains(e.Object.GroupKind().Group, ".") || strings.HasSuffix(e.Object.GroupKind().Group, "k8s.io") {
		p.line("  no known cause fits what could be read")
	} else {
		p.line("  that is what its controller says of it; no rule here knows more of this kind")
	}
	if w := e.Warning; w != nil {
		text := w.Text
		if !w.Object.Same(e.Object) {
			text = w.Object.String() + ": " + text
		}
		p.block("warning", []string{text + "  (" + p.source(*w) + ")"})
	}
	p.unread(e)
}

// unread names what a verdict lacks, but for what was said at the top.
func (p *writer) unread(e report.Explained) {
	rest := slices.DeleteFunc(slices.Clone(e.Unread), func(text string) bool {
		return slices.ContainsFunc(p.top, func(n report.NotEvaluated) bool { return n.Resource+": "+n.Reason == text })
	})
	if len(rest) < len(e.Unread) {
		rest = append(rest, "what is named at the top")
	}
	if len(rest) > 0 {
		p.block("not read", []string{strings.Join(rest, "; ")})
	}
}

// refused says of an object that seems well what of its chain could not be read, and why: whether anything is
// wrong there, nobody has looked.
func (p *writer) refused(e report.Explained) {
	why := slices.DeleteFunc(slices.Clone(e.Unread), func(text string) bool { return !strings.Contains(text, ": ") })
	if len(why) > 0 {
		p.block("not read", []string{strings.Join(why, "; ")})
	}
}

// verdict prints one finding: where, what, which field, then why, the picture and the fix.
func (p *writer) verdict(r *report.Report, e report.Explained, withNamespace, wide bool) {
	t, f := p.t, r.Findings[e.Findings[0]]
	head, room := t.strong.Sprint(where(f.Seen, withNamespace)), t.Width-cells(where(f.Seen, withNamespace))
	if f.Seen.Container != "" {
		head += "  container " + t.strong.Sprint(clean(f.Seen.Container))
		room -= cells("  container " + clean(f.Seen.Container))
	}
	owner := ""
	if f.Owner != nil {
		switch {
		case e.Object.Same(f.Seen) || e.Pods == 0:
			owner = fmt.Sprintf("  (of %s)", clean(f.Owner.String()))
		default:
			owner = fmt.Sprintf("  (%d of %d pods of %s)", f.Count, max(e.Pods, f.Count), clean(f.Owner.String()))
		}
	}
	mark := t.failure.Sprint(t.bad)
	if f.Certainty == string(rule.Possible) {
		mark = t.doubt.Sprint(t.unsure)
	}
	// The certainty and the rule's name stand where there is room: beside the message, else in the
	// line above it, else in one of their own.
	tail := f.Certainty + "  " + f.Rule
	lines := wrap(clean(f.Message), p.prose(2))
	last := lines[len(lines)-1]
	beside := t.Width == 0 || cells(last)+cells(tail)+4 <= t.Width
	above := !beside && cells(owner)+2+cells(tail) <= room
	switch {
	case above:
		p.line("%s%s  %s", head, owner, t.faint.Sprint(tail))
	case t.Width > 0 && cells(owner) > room && owner != "":
		p.line("%s", head)
		p.line("%s", owner)
	default:
		p.line("%s%s", head, owner)
	}
	for i, l := range lines {
		end := ""
		if beside && i == len(lines)-1 {
			gap := 2
			if t.Width > 0 && i == 0 {
				gap = min(t.Width-cells(l)-cells(tail)-2, widestGap)
			}
			end = strings.Repeat(" ", gap) + t.faint.Sprint(tail)
		}
		p.line("%s %s%s", mark, t.strong.Sprint(l), end)
		mark = " "
	}
	if !beside && !above {
		p.line("  %s", t.faint.Sprint(tail))
	}
	if f.FieldName != "" {
		value := ""
		if f.Value != "" {
			value = ": " + clean(f.Value)
		}
		p.line("  field  %s  %s%s", clean(f.Object.String()), t.strong.Sprint(clean(f.FieldName)), value)
	} else {
		for i, l := range wrap("none: "+clean(f.NoField), p.prose(len("  field  "))) {
			label := "field"
			if i > 0 {
				label = "     "
			}
			p.line("  %s  %s", label, l)
		}
	}
	said := false
	for _, i := range e.Findings[1:] {
		if consequence(r.Findings[i], e) {
			said = said || r.Findings[i].Seen.Same(e.Object) || r.Findings[i].Object.Same(e.Object)
			p.hanging("  so     ", where(r.Findings[i].Seen, withNamespace)+": "+clean(r.Findings[i].Message)+"  ("+r.Findings[i].Rule+")")
		}
	}
	if text := p.byWayOf(e, f, withNamespace); text != "" && !said {
		p.hanging("  so     ", text)
	}
	p.line("")
	p.evidence(f, wide)
	p.changed(e.Changed, wide)
	p.block("ruled out", f.RuledOut)
	p.picture(f)
	p.fix(f)
	p.undo(e.Changed)
}

// byWayOf tells how a verdict that shows elsewhere came to the target, where that is not said already: of
// whom the pod is stands beside its name.
func (p *writer) byWayOf(e report.Explained, f report.Finding, withNamespace bool) string {
	if len(e.Path) < 2 || e.State != "unhealthy" || e.Object.Same(f.Object) || f.Owner != nil && e.Object.Same(*f.Owner) {
		return ""
	}
	switch e.Object.Kind {
	case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController", "Pod":
		return "" // whose pods, claims and nodes these are is plain
	}
	text := where(e.Object, withNamespace) + ": " + clean(e.Text)
	var way []string
	for _, r := range e.Path[1 : len(e.Path)-1] {
		if r.Kind != "ReplicaSet" {
			way = append(way, clean(r.String()))
		}
	}
	if len(way) > 0 {
		text += "; by way of " + strings.Join(way, ", ")
	}
	return text
}

// widestGap is how far the rule's name may stand from the message and still be read with it.
const widestGap = 24

// prose is the width that is left for text after indent columns.
func (p *writer) prose(indent int) int {
	if p.t.Width == 0 {
		return 0
	}
	return max(30, p.t.Width-indent)
}

// shortEvidence is how many pieces of evidence fit one screen.
const shortEvidence = 4

func (p *writer) evidence(f report.Finding, wide bool) {
	var items []string
	for i, e := range f.Evidence {
		if i == shortEvidence && !wide {
			items = append(items, fmt.Sprintf("%d more with -o wide", len(f.Evidence)-i))
			break
		}
		items = append(items, e.Text+"  ("+p.source(e)+")")
	}
	p.block("evidence", items)
}

// source is where a piece of evidence was read, and how long ago it was so.
func (p *writer) source(e report.Evidence) string {
	if e.Time == nil {
		return e.Source
	}
	return e.Source + ", " + duration.HumanDuration(max(0, p.at.Sub(e.Time.Time))) + " ago"
}

// block prints items under one label, each wrapped with a hanging indent.
func (p *writer) block(label string, items []string) {
	for i, item := range items {
		name := ""
		if i == 0 {
			name = label
		}
		for _, l := range wrap(clean(item), p.prose(labelWidth)) {
			p.line("  %s%s", p.t.faint.Sprint(pad(name, labelWidth-2)), l)
			name = ""
		}
	}
}

// drawn is the picture of a finding, or nil where there is nothing to draw.
func drawn(f report.Finding) *report.Picture {
	if f.Picture == nil {
		return nil
	}
	pic := f.Picture()
	if pic == nil || len(pic.Lines) == 0 {
		return nil
	}
	return pic
}

func (p *writer) picture(f report.Finding) {
	pic := drawn(f)
	if pic == nil {
		return
	}
	t := p.t
	title := pic.Title
	if f.Position != nil {
		title = fmt.Sprintf("%s:%d:%d  %s", f.Position.File, f.Position.Line, f.Position.Column, title)
	}
	var notes []string
	if f.ManagedBy != "" {
		notes = append(notes, "managed by "+clean(f.ManagedBy))
	}
	if f.SetBy != nil {
		notes = append(notes, "field "+p.setBy(f.SetBy))
	}
	by := ""
	if len(notes) > 0 {
		by = "  (" + strings.Join(notes, "; ") + ")"
	}
	p.line("")
	p.line("  %s%s", t.strong.Sprint(clean(title)), by)
	p.lines(pic, "    ")
	p.line("")
}

func (p *writer) lines(pic *report.Picture, indent string) {
	t := p.t
	digits := 0
	if pic.Number {
		digits = len(fmt.Sprint(pic.Lines[len(pic.Lines)-1].Number))
	}
	for _, l := range pic.Lines {
		gutter := indent
		if pic.Number {
			number := fmt.Sprint(l.Number)
			if l.Gap {
				number = ""
			}
			gutter = indent + t.faint.Sprint(strings.Repeat(" ", digits-len(number))+number+" | ")
		}
		if l.Gap {
			p.line("%s%s", gutter, t.faint.Sprint("..."))
			continue
		}
		most := longestRow
		if t.Width > 0 {
			most = max(30, t.Width-cells(indent)-digits-3)
		}
		text, marks := clip(l.Text, l.Marks, most)
		var below []source.LineMark
		for _, m := range marks {
			if m.Primary {
				below = append(below, m)
			} else { // one word beside the line saves a line under it
				text += "  " + t.doubt.Sprint(t.arrow+" "+clean(m.Label))
			}
		}
		p.line("%s%s", gutter, text)
		under := indent
		if pic.Number {
			under = indent + t.faint.Sprint(strings.Repeat(" ", digits)+" | ")
		}
		for _, m := range below {
			paint := t.failure
			carets := strings.Repeat(" ", m.Column-1) + paint.Sprint(strings.Repeat("^", max(1, m.Length)))
			room := 0
			if t.Width > 0 {
				room = t.Width - cells(indent) - digits - m.Column - m.Length - 3
			}
			text := clean(m.Label)
			if room > 0 && cells(text) > room {
				p.line("%s%s", under, carets)
				for _, part := range wrap(text, max(30, t.Width-cells(indent)-digits-8)) {
					p.line("%s%s%s", under, strings.Repeat(" ", min(m.Column-1, 6)), paint.Sprint(part))
				}
				continue
			}
			if text != "" {
				carets += " " + paint.Sprint(text)
			}
			p.line("%s%s", under, carets)
		}
	}
}

// longestRow is how much of a line is drawn where no terminal sets the width: objects in one line of
// JSON are longer than anybody reads.
const longestRow = 240

const ellipsis = "..."

// clip cuts a line to width around its first mark, the primary one where there is one, so that the
// terminal does not break it and tear the carets from what they point at.
func clip(text string, marks []source.LineMark, width int) (string, []source.LineMark) {
	row := []rune(text)
	if len(row) <= width || len(marks) == 0 || slices.ContainsFunc(row, wide) {
		return text, marks
	}
	at := marks[0]
	if i := slices.IndexFunc(marks, func(m source.LineMark) bool { return m.Primary }); i >= 0 {
		at = marks[i]
	}
	from := min(max(0, at.Column-1-width/2), len(row)-width)
	if at.Column-1+at.Length <= width-len(ellipsis) {
		from = 0 // what it begins with says most
	}
	row = slices.Clone(row[from:])
	if from > 0 {
		copy(row, []rune(ellipsis))
	}
	if len(row) > width {
		row = append(row[:width-len(ellipsis)], []rune(ellipsis)...)
	}
	moved := slices.Clone(marks)
	for i := range moved {
		moved[i].Column = min(max(1, moved[i].Column-from), width)
		moved[i].Length = min(moved[i].Length, width-moved[i].Column+1)
	}
	return string(row), moved
}

// wide tells runes that may take two cells; columns are counted in cells.
func wide(r rune) bool { return r >= 0x1100 }

func (p *writer) fix(f report.Finding) {
	x := f.Fix
	if x == nil {
		return
	}
	title := x.Title
	switch rule.Applicability(x.Applicability) {
	case rule.NeedsThought:
		title += "  (needs thought)"
	case rule.Placeholders:
		if strings.Contains(strings.Join(append([]string{x.Title, x.Command, x.YAML}, x.Notes...), "\n"), "<") {
			title += "  (fill in what is in <>)"
		} else { // its command cannot be shown, and with it what was to be filled in
			title += "  (needs thought)"
		}
	case rule.Safe:
		title += "  (safe)"
	}
	p.block("fix", []string{title})
	indent := strings.Repeat(" ", labelWidth)
	if x.Command != "" {
		p.line("%s%s", indent, p.t.strong.Sprint(clean(x.Command)))
	}
	for line := range strings.SplitSeq(strings.TrimRight(x.YAML, "\n"), "\n") {
		if x.YAML != "" {
			p.line("%s%s", indent, escapeLine(line))
		}
	}
	if x.Caution != "" {
		p.block("", []string{x.Caution})
	}
	for _, n := range x.Notes {
		if strings.HasPrefix(n, "kubectl ") { // to be copied, so not wrapped
			p.line("%s%s", indent, p.t.strong.Sprint(clean(n)))
			continue
		}
		p.block("", []string{n})
	}
}

// escapeLine makes one line harmless to a terminal and keeps its indentation.
func escapeLine(line string) string {
	var b bytes.Buffer
	if printers.WriteEscaped(&b, line) != nil {
		return ""
	}
	return b.String()
}

// shortAlso is how many further findings are named beside a verdict.
const shortAlso = 5

// consequence tells whether a finding is what the verdict did to the target itself, or to what leads from it
// to the verdict.
func consequence(f report.Finding, e report.Explained) bool {
	between := slices.ContainsFunc(e.Path, func(r snapshot.Ref) bool { return r.Same(f.Seen) && r.Kind == "Service" })
	return f.Because != nil && !f.History && (f.Object.Same(e.Object) || f.Seen.Same(e.Object) || between) && f.Seen.Container == ""
}

func (p *writer) also(r *report.Report, e report.Explained, withNamespace bool) {
	label, said := "also", 0
	item := func(text string) {
		p.block(label, []string{text})
		label = ""
		said++
	}
	for _, i := range e.Findings[1:] {
		f := r.Findings[i]
		if consequence(f, e) {
			continue
		}
		if said == shortAlso {
			item(fmt.Sprintf("%d more with -o json", len(e.Findings)-1-shortAlso))
			break
		}
		text := where(f.Seen, withNamespace)
		if f.Seen.Container != "" {
			text += "/" + f.Seen.Container
		}
		text += ": " + f.Message
		if f.History {
			text += " (in the past)"
		}
		item(fmt.Sprintf("%s  (%s, %s)", text, f.Certainty, f.Rule))
		p.alsoFix(f)
	}
	for _, u := range e.Unexplained {
		item(u + "  (no known cause)")
	}
}

// alsoFix prints in short what mends a finding beside the verdict. What only follows from another finding, is
// over, or is only a question has nothing to be mended here.
func (p *writer) alsoFix(f report.Finding) {
	if f.Because != nil || f.History || f.Certainty == string(rule.Possible) || f.Fix == nil {
		return
	}
	for _, l := range wrap(clean("fix: "+f.Fix.Title), p.prose(labelWidth+2)) {
		p.line("%s%s", strings.Repeat(" ", labelWidth+2), l)
	}
	if f.Fix.Command != "" {
		p.line("%s%s", strings.Repeat(" ", labelWidth+2), clean(f.Fix.Command))
	}
	for _, n := range f.Fix.Notes {
		if strings.HasPrefix(n, "kubectl ") {
			p.line("%s%s", strings.Repeat(" ", labelWidth+2), clean(n))
		}
	}
}

func (p *writer) then(r *report.Report, e report.Explained) {
	f := r.Findings[e.Findings[0]]
	if f.Fix == nil || f.Fix.Command == "" {
		return
	}
	target := e.Object
	if e.Object.Kind == "Pod" && !f.Object.Same(f.Seen) && f.Object.Kind != "Secret" {
		target = f.Object // the pod itself will be replaced
	}
	target.Namespace = e.Object.Namespace
	p.line("  %s%s", p.t.faint.Sprint(pad("then", labelWidth-2)), clean(explainCommand(r, target)))
}

// explainCommand is the command that explains an object of the report, for a shell. kubectl takes no
// flags before a plugin's name, so they come last.
func explainCommand(r *report.Report, target snapshot.Ref) string {
	words := []string{"maturity", "explain", target.String()}
	if target.Namespace != "" {
		words = append(words, "-n", target.Namespace)
	}
	if r.Context != "" {
		words = append(words, "--context", r.Context)
	}
	return rule.Kubectl("", "", words...)
}

// notEvaluated says what could not be judged; silence would read as "all clear".
func (p *writer) notEvaluated(list []report.NotEvaluated, live, wide bool) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("%s", p.t.doubt.Sprintf("not evaluated: %s", rule.Count(len(list), "thing")))
	p.entries(list, live, wide)
}

// fewEntries is how many things that were not evaluated are named where there is little room.
const fewEntries = 5

// entries prints what was not evaluated: first what could not be read, since the rest follows from it.
func (p *writer) entries(list []report.NotEvaluated, live, all bool) {
	list = p.reads(list, live, all)
	if len(list) > fewEntries && !all && !slices.ContainsFunc(list, func(n report.NotEvaluated) bool { return n.Rule == "" || n.Fatal }) {
		p.verdicts(list)
		return
	}
	for i, n := range list {
		if i == fewEntries && !all {
			p.line("  %d more with -o wide", len(list)-fewEntries)
			break
		}
		what := n.File
		switch {
		case n.File != "":
		case n.Rule != "" && n.Object != nil:
			what = n.Rule + " of " + n.Object.String()
		case n.Rule != "":
			what = n.Rule
		}
		text := what + ": " + n.Reason
		if n.Detail != "" {
			text += " (" + n.Detail + ")"
		}
		p.item(text)
	}
}
