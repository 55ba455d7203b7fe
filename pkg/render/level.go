package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// fewNames is how many objects are named where there may be hundreds.
const fewNames = 3

// Level prints where a cluster or a namespace stands: the table, what holds each dimension back, and the next steps;
// with wide all gates with their evidence.
func Level(w io.Writer, l *report.Level, t *Theme, wide bool) error {
	p := &writer{w: w, t: t, at: l.At.Time}
	p.placeHead(l)
	p.line("")
	p.placeTable(l)
	p.line("")
	if wide {
		p.gates(l)
	} else {
		p.heldBack(l)
	}
	p.nextSteps(l)
	p.lists(l, wide)
	p.placeNotes(l, wide)
	return p.err
}

// placeHead says what was placed, where it stands, and why no further.
func (p *writer) placeHead(l *report.Level) {
	what := "the cluster"
	if l.Namespace != "" {
		what = "namespace " + l.Namespace
	}
	if l.Context != "" {
		what += " of context " + l.Context
	}
	if l.ServerVersion != "" {
		what += ", Kubernetes " + l.ServerVersion
	}
	p.line("%s", clean(what))
	p.line("%s", p.t.strong.Sprint(clean(phaseTitle(l, l.Phase))))
	if c := l.Cap; c != nil {
		p.hanging("  ", fmt.Sprintf("no further than %s while something is critical: %s on %s", c.Phase, strings.Join(c.Rules, ", "), namesOf(c.Objects, l, fewNames)))
	}
	if g := l.Gate(l.HeldBackBy); g != nil {
		p.hanging("  ", "held back by "+g.Dimension+": "+gateLine(g))
	}
}

// phaseTitle is the phase as people call it, with its number: "Build Confidence (phase 4 of 7)".
func phaseTitle(l *report.Level, span report.LevelSpan) string {
	title := func(id string) string {
		for _, ph := range l.Phases {
			if ph.ID == id {
				return fmt.Sprintf("%s (phase %d of %d)", ph.Title, ph.Number, l.Phases[len(l.Phases)-1].Number)
			}
		}
		return id
	}
	if span.Lo == span.Hi {
		return title(span.Lo)
	}
	return "between " + title(span.Lo) + " and " + title(span.Hi)
}

// placeTable has dimensions down and phases across.
func (p *writer) placeTable(l *report.Level) {
	var phases []string
	for _, ph := range l.Phases {
		for _, d := range l.Dimensions {
			if slices.ContainsFunc(d.Gates, func(g report.LevelGate) bool { return g.Phase == ph.ID }) {
				phases = append(phases, ph.ID)
				break
			}
		}
	}
	head := []string{"DIMENSION", "REACHED"}
	for _, ph := range phases {
		head = append(head, strings.ToUpper(ph))
	}
	rows := [][]string{head}
	for _, d := range l.Dimensions {
		row := []string{d.Name, d.String()}
		if !d.Applies {
			row[1] = "-"
		}
		for _, ph := range phases {
			row = append(row, p.cell(d, ph))
		}
		rows = append(rows, row)
	}
	widths, total := widthsOf(rows)
	if p.t.Width > 0 && total > p.t.Width {
		for i := range head[2:] {
			head[i+2] = head[i+2][:min(shortHead, len(head[i+2]))]
		}
		widths, _ = widthsOf(rows)
	}
	for n, row := range rows {
		line := ""
		for i, c := range row {
			text := pad(c, widths[i])
			switch {
			case n == 0:
				text = p.t.faint.Sprint(text)
			case i == 1:
				text = p.t.strong.Sprint(text)
			case i > 1:
				text = p.coloured(text)
			}
			line += text
			if i < len(row)-1 {
				line += strings.Repeat(" ", narrowGap)
			}
		}
		p.line("%s", strings.TrimRight(line, " "))
	}
	p.line("%s", p.t.faint.Sprintf("%s all gates hold, %s 1/3 one of three fails, %s 1/3 is unknown, - none applies", p.t.good, p.t.bad, p.t.unsure))
}

// shortHead is how many letters of a phase stand above its column where the terminal is narrow.
const shortHead = 4

// widthsOf are the widths of columns, and of the table that they make.
func widthsOf(rows [][]string) (widths []int, total int) {
	widths = make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], cells(c))
		}
	}
	for _, w := range widths {
		total += w + narrowGap
	}
	return widths, total - narrowGap
}

// cell is what became of the gates of a phase.
func (p *writer) cell(d report.LevelDimension, phase string) string {
	counts, n := map[string]int{}, 0
	for _, g := range d.Gates {
		if g.Phase == phase && g.Verdict != report.VerdictNotApplicable {
			counts[g.Verdict]++
			n++
		}
	}
	switch {
	case n == 0:
		return "-"
	case counts[report.VerdictFail] > 0:
		return fmt.Sprintf("%s %d/%d", p.t.bad, counts[report.VerdictFail], n)
	case counts[report.VerdictUnknown] > 0:
		return fmt.Sprintf("%s %d/%d", p.t.unsure, counts[report.VerdictUnknown], n)
	}
	return p.t.good
}

func (p *writer) coloured(text string) string {
	switch {
	case strings.HasPrefix(text, p.t.bad):
		return p.t.failure.Sprint(text)
	case strings.HasPrefix(text, p.t.good):
		return p.t.success.Sprint(text)
	case strings.HasPrefix(text, p.t.unsure):
		return p.t.doubt.Sprint(text)
	}
	return p.t.faint.Sprint(text)
}

// mark is the character of a verdict.
func (p *writer) mark(verdict string) string {
	switch verdict {
	case report.VerdictPass:
		return p.t.success.Sprint(p.t.good)
	case report.VerdictFail:
		return p.t.failure.Sprint(p.t.bad)
	case report.VerdictUnknown:
		return p.t.doubt.Sprint(p.t.unsure)
	}
	return p.t.faint.Sprint("-")
}

// gateLine is what a gate asks, and what became of it.
func gateLine(g *report.LevelGate) string {
	text := g.Asks
	if state := gateState(g); state != "" {
		text += ": " + state
	}
	return text
}

// gateState is the count of a gate with what is needed or, where it does not count, why.
func gateState(g *report.LevelGate) string {
	var parts []string
	if g.Coverage != "" {
		text := g.Coverage
		if g.Needed < 100 && g.Verdict != report.VerdictPass {
			text += fmt.Sprintf(", %d%% needed", g.Needed)
		}
		parts = append(parts, text)
	}
	if g.Reason != "" {
		parts = append(parts, g.Reason)
	}
	if d := g.Declared; d != nil {
		said := "no"
		if d.Answer {
			said = "yes"
		}
		parts = append(parts, fmt.Sprintf("declared %s by %s on %s, until %s", said, d.By, d.On, d.Until))
	}
	if d := g.Refuted; d != nil {
		parts = append(parts, fmt.Sprintf("what %s declared on %s is refuted", d.By, d.On))
	}
	return strings.Join(parts, "; ")
}

// heldBack is one gate for each dimension that could go further.
func (p *writer) heldBack(l *report.Level) {
	width := 0
	for _, d := range l.Dimensions {
		width = max(width, cells(d.Name))
	}
	if !slices.ContainsFunc(l.Dimensions, func(d report.LevelDimension) bool { return d.HeldBackBy != "" }) {
		return
	}
	p.line("%s", p.t.strong.Sprint("held back by"))
	for _, d := range l.Dimensions {
		g := l.Gate(d.HeldBackBy)
		if g == nil {
			continue
		}
		text := fmt.Sprintf("%s (%s)", gateLine(g), g.ID)
		if names := failing(g); len(names) > 0 && names[0].String() != theCluster {
			text += ": " + namesOf(names, l, fewNames)
		}
		p.bulleted("  "+pad(d.Name, width+1), p.mark(g.Verdict), text)
		if n := l.Gate(d.Narrow); n != nil && n.ID != g.ID {
			p.bulleted("  "+pad("", width+1), p.mark(n.Verdict), fmt.Sprintf("cheapest to find out: %s (%s)", gateLine(n), n.ID))
		}
	}
	p.line("")
}

// bulleted prints text with a mark before it, and wrapped behind it.
func (p *writer) bulleted(prefix, mark, text string) {
	indent := cells(prefix) + max(cells(p.t.bad), cells(p.t.good)) + 1
	for i, line := range wrap(text, p.prose(indent)) {
		if i == 0 {
			p.line("%s%s %s", prefix, mark, escapeLine(line))
			continue
		}
		p.line("%s%s", strings.Repeat(" ", indent), escapeLine(line))
	}
}

// theCluster is how the cluster itself is named: of a gate on it the name says nothing.
var theCluster = snapshot.Ref{APIVersion: snapshot.ClusterKind.Group + "/v1alpha1", Kind: snapshot.ClusterKind.Kind}.String()

func failing(g *report.LevelGate) []snapshot.Ref {
	var list []snapshot.Ref
	for _, e := range g.Evidence {
		if e.Verdict == report.VerdictFail {
			list = append(list, e.Object)
		}
	}
	return list
}

// namesOf are the first of some objects, and how many more there are.
func namesOf(refs []snapshot.Ref, l *report.Level, most int) string {
	var names []string
	for _, r := range refs[:min(most, len(refs))] {
		names = append(names, where(r, l.Namespace == ""))
	}
	text := strings.Join(names, ", ")
	if more := len(refs) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return clean(text)
}

// gates prints every gate with its evidence.
func (p *writer) gates(l *report.Level) {
	phase := 0
	for _, d := range l.Dimensions {
		for _, g := range d.Gates {
			phase = max(phase, cells(g.Phase))
		}
	}
	for _, d := range l.Dimensions {
		head := d.Name
		if d.Applies {
			head += ": " + d.String()
		}
		p.line("%s", p.t.strong.Sprint(head))
		for i := range d.Gates {
			g := &d.Gates[i]
			text := gateLine(g)
			if g.Indirect && g.Verdict == report.VerdictPass {
				text += " (something is there; that it serves its purpose shows nowhere)"
			}
			p.bulleted("  "+pad(g.Phase, phase+1), p.mark(g.Verdict), g.ID+": "+text)
			indent := strings.Repeat(" ", phase+5)
			for _, verdict := range []string{report.VerdictFail, report.VerdictUnknown, report.VerdictWaived} {
				p.evidenceOf(l, g, verdict, indent)
			}
			if g.System != nil && g.System.K < g.System.N {
				p.hanging(indent, fmt.Sprintf("apart, in the system's namespaces: %d of %d", g.System.K, g.System.N))
			}
			if g.Note != "" && g.Verdict != report.VerdictNotApplicable {
				p.hanging(indent, "note: "+g.Note)
			}
		}
		p.line("")
	}
}

// manyNames is how many objects of a gate are named where all gates are printed.
const manyNames = 20

func (p *writer) evidenceOf(l *report.Level, g *report.LevelGate, verdict, indent string) {
	byReason := map[string][]snapshot.Ref{}
	var reasons []string
	for _, e := range g.Evidence {
		if e.Verdict != verdict {
			continue
		}
		reason := e.Reason
		if verdict == report.VerdictFail && g.N > 1 { // what is wrong with each, check tells
			reason = ""
		}
		if byReason[reason] == nil {
			reasons = append(reasons, reason)
		}
		byReason[reason] = append(byReason[reason], e.Object)
	}
	for _, reason := range reasons {
		text := verdict + ": " + namesOf(byReason[reason], l, manyNames)
		switch {
		case reason != "" && byReason[reason][0].String() == theCluster:
			text = clean(reason)
		case reason != "":
			text += " (" + clean(reason) + ")"
		}
		p.hanging(indent, text)
	}
}

// nextSteps are the few that take the whole further.
func (p *writer) nextSteps(l *report.Level) {
	if len(l.Next) == 0 {
		return
	}
	p.line("%s", p.t.strong.Sprintf("next %s", rule.Count(len(l.Next), "step")))
	for i, id := range l.Next {
		g := l.Gate(id)
		prefix := fmt.Sprintf("  %d  ", i+1)
		text := g.Step
		switch {
		case g.Verdict == report.VerdictUnknown && g.Reason != report.NotDeclared:
			text = fmt.Sprintf("find out whether %s (%s); if not: %s", g.Asks, g.Reason, g.Step)
		case g.Missing > 0 && g.N > 1:
			text += fmt.Sprintf(" (%d more must pass)", g.Missing)
		}
		p.hanging(prefix, fmt.Sprintf("%s: %s", g.Dimension, text))
		if len(g.Checks) > 0 {
			p.hanging("     ", p.commandFor(l, g))
		}
	}
	p.line("")
}

// commandFor tells more about what a gate counts.
func (p *writer) commandFor(_ *report.Level, g *report.LevelGate) string {
	checks := slices.DeleteFunc(slices.Clone(g.Checks), func(id string) bool { return id == "unhealthy" || id == "unexplained" })
	if len(checks) == 0 {
		return "kubectl maturity explain"
	}
	return "kubectl maturity rules " + checks[0]
}

// lists are worth knowing, and hold nothing back.
func (p *writer) lists(l *report.Level, wide bool) {
	for _, list := range l.Lists {
		head := fmt.Sprintf("%s: %d", p.t.strong.Sprint(clean(list.Title)), len(list.Items))
		switch {
		case list.Reason != "" && len(list.Items) == 0 && !wide:
			continue
		case list.Reason != "":
			head += ", and what is not known: " + clean(list.Reason)
		}
		p.line("%s", head)
		for i, item := range list.Items {
			if i == fewNames && !wide && len(list.Items) > fewNames+1 {
				p.line("  and %d more", len(list.Items)-fewNames)
				break
			}
			p.hanging("  "+p.t.bullet+" ", fmt.Sprintf("%s: %s", where(item.Object, l.Namespace == ""), clean(item.Reason)))
		}
		p.line("")
	}
}

// placeNotes say what the placement rests on.
func (p *writer) placeNotes(l *report.Level, wide bool) {
	waived, declared, refuted := 0, 0, 0
	for _, d := range l.Dimensions {
		for _, g := range d.Gates {
			waived += g.Waived
			if g.Declared != nil {
				declared++
			}
			if g.Refuted != nil {
				refuted++
			}
		}
	}
	var notes []string
	if declared > 0 {
		notes = append(notes, rule.Count(declared, "gate")+" by declaration")
	}
	if refuted > 0 {
		notes = append(notes, rule.Count(refuted, "declaration")+" refuted by what was measured")
	}
	if waived > 0 {
		notes = append(notes, rule.Count(waived, "verdict")+" waived")
	}
	if len(notes) > 0 {
		p.hanging("", strings.Join(notes, ", "))
	}
	by := "model " + l.Model.Version
	if l.Model.File != "" {
		by += " of " + l.Model.File
	}
	if l.Config != "" {
		by += ", configuration " + l.Config
	}
	p.notEvaluated(l.NotEvaluated, true, wide)
	p.line("%s", p.t.faint.Sprint(clean(by)))
	if !wide {
		p.line("%s", p.t.faint.Sprint("-o wide shows every gate with its evidence"))
	}
}

// LevelDiff prints what moved between two placements.
func LevelDiff(w io.Writer, old, now *report.Level, t *Theme) error {
	p := &writer{w: w, t: t, at: now.At.Time}
	p.line("since %s", old.At.UTC().Format("2006-01-02 15:04Z"))
	if old.Model.Checks != now.Model.Checks {
		p.hanging("", "the model is another one: what moved may have moved with it")
	}
	if old.Namespace != now.Namespace {
		p.hanging("", "this is of another namespace, or of all: what moved is between the two")
	}
	if old.ClusterUID != now.ClusterUID && old.ClusterUID != "" && now.ClusterUID != "" {
		p.hanging("", "this is another cluster")
	}
	moved := report.DiffLevels(old, now)
	for _, m := range moved {
		name := m.Dimension
		if name == "" {
			name = "the whole"
		}
		line := name + ": " + m.To.String()
		if m.From != m.To {
			line = fmt.Sprintf("%s: %s, was %s", name, m.To, m.From)
		}
		p.line("%s", t.strong.Sprint(clean(line)))
		for _, g := range m.Gates {
			p.movedGate(now, g)
		}
	}
	if len(moved) == 0 {
		p.line("%s nothing has moved", t.success.Sprint(t.good))
	}
	return p.err
}

func (p *writer) movedGate(now *report.Level, g report.MovedGate) {
	switch {
	case g.To == nil:
		p.bulleted("  ", p.mark(report.VerdictNotApplicable), g.From.ID+": no gate of this model")
		return
	case g.From == nil:
		p.bulleted("  ", p.mark(g.To.Verdict), g.To.ID+": new; "+gateLine(g.To))
		return
	}
	text := fmt.Sprintf("%s: %d of %d, was %d of %d", g.To.ID, g.To.K, g.To.N, g.From.K, g.From.N)
	if g.From.N == 0 && g.To.N == 0 || g.From.Verdict != g.To.Verdict {
		text += fmt.Sprintf("; %s, was %s", word(g.To), word(g.From))
	}
	if len(g.Gone) > 0 {
		text += "; no longer: " + namesOf(g.Gone, now, fewNames)
	}
	if len(g.New) > 0 {
		text += "; new: " + namesOf(g.New, now, fewNames)
	}
	p.bulleted("  ", p.mark(g.To.Verdict), text)
}

// word is a verdict with its reason.
func word(g *report.LevelGate) string {
	text := g.Verdict
	if g.Verdict == report.VerdictNotApplicable {
		text = "not applicable"
	}
	if g.Reason != "" {
		text += " (" + g.Reason + ")"
	}
	return text
}
