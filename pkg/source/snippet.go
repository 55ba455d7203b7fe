package source

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Mark asks for a place to be marked in a snippet. Of several marks the primary
// one is what the snippet is about.
type Mark struct {
	Path    Path
	Label   string
	Primary bool
	Key     bool // mark the key, not the value
}

// Line is one line of a snippet. Number is its 1-based line in the file, Text
// what to print. With Gap it stands for lines that were left out, and has
// neither. Marked says that Marks, ordered by column, is not empty.
type Line struct {
	Number int
	Text   string
	Gap    bool
	Marks  []LineMark
	Marked bool
}

// LineMark is a marked stretch of a Line: 1-based Column and Length, both in
// terminal cells of its Text. Label is as the Mark gave it.
type LineMark struct {
	Column, Length int
	Label          string
	Primary        bool
}

// SnippetOptions say what goes into a snippet.
type SnippetOptions struct {
	// Skip is how many leading steps of each path have no ancestor lines drawn.
	Skip int
	// Context is how many lines to show before and after a primary mark.
	Context int
	// MaxLines bounds the lines with text, 0 for no bound. Primary marks are kept
	// first, then their ancestors (the nearest first), the other marks and theirs,
	// and the context.
	MaxLines int
	// Dedent removes the indentation that all lines have in common.
	Dedent bool
}

// What a line is drawn for; lower ones are kept first under MaxLines.
const (
	rankPrimary = iota
	rankPrimaryAncestor
	rankOther
	rankOtherAncestor
	rankContext
)

// Snippet gives the lines that show the marks: the marked ones and those that
// lead to them, in document order and each once. A Gap stands between two lines
// where more than comments and blank lines were left out. Texts are printable:
// control and other invisible characters are spelled out, tabs are spaces.
func (d *Document) Snippet(marks []Mark, o SnippetOptions) []Line {
	ranks := map[int]int{} // by line
	want := func(line, rank int) {
		if line < d.Line || line >= d.Line+len(d.lines()) {
			return
		}
		if old, ok := ranks[line]; !ok || rank < old {
			ranks[line] = rank
		}
	}
	spans := make([]Span, len(marks))
	for i, m := range marks {
		t := d.walk(m.Path)
		spans[i] = t.span(d)
		if m.Key {
			spans[i] = t.keySpan(d)
		}
		own, above := rankOther, rankOtherAncestor
		if m.Primary {
			own, above = rankPrimary, rankPrimaryAncestor
			for c := 1; c <= o.Context && c <= len(d.lines()); c++ {
				want(spans[i].Line-c, rankContext)
				want(spans[i].Line+c, rankContext)
			}
		}
		want(spans[i].Line, own)
		for j := max(o.Skip, 0); j < len(t.hops); j++ {
			for _, line := range d.hopLines(t.hops[j]) {
				want(line, above)
			}
		}
	}

	numbers := make([]int, 0, len(ranks))
	for n := range ranks {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	if o.MaxLines > 0 && len(numbers) > o.MaxLines {
		slices.SortStableFunc(numbers, func(a, b int) int {
			if c := cmp.Compare(ranks[a], ranks[b]); c != 0 {
				return c
			}
			if r := ranks[a]; r == rankPrimaryAncestor || r == rankOtherAncestor {
				return b - a // nearer ancestors say more
			}
			return a - b
		})
		numbers = numbers[:o.MaxLines]
		slices.Sort(numbers)
	}

	var lines []Line
	for i, n := range numbers {
		if i > 0 && d.skipsText(numbers[i-1]+1, n) {
			lines = append(lines, Line{Gap: true})
		}
		text, cells := printable(d.row(n))
		l := Line{Number: n, Text: text}
		for j, s := range spans {
			if s.Line == n {
				l.Marks = append(l.Marks, lineMark(s, cells, marks[j]))
			}
		}
		slices.SortStableFunc(l.Marks, func(a, b LineMark) int { return cmp.Compare(a.Column, b.Column) })
		l.Marked = len(l.Marks) > 0
		lines = append(lines, l)
	}
	if o.Dedent {
		dedent(lines)
	}
	return lines
}

func lineMark(s Span, cells []int, m Mark) LineMark {
	last := len(cells) - 1
	start, end := min(s.Column-1, last), min(s.Column-1+s.Length, last)
	return LineMark{Column: cells[start] + 1, Length: max(1, cells[end]-cells[start]), Label: m.Label, Primary: m.Primary}
}

// hopLines gives the lines that show a step: its key's line, or the first line
// of a list item and that of its name, and what it was merged or aliased through.
func (d *Document) hopLines(h hop) []int {
	lines := slices.Clone(h.via)
	if h.key != nil {
		return append(lines, h.key.Line)
	}
	lines = append(lines, d.itemLine(h))
	if key, _ := nameOf(h.node); key != nil {
		lines = append(lines, key.Line)
	}
	return lines
}

// itemLine gives the line of a list item's dash, which may stand alone above it.
func (d *Document) itemLine(h hop) int {
	line := h.node.Line
	if h.list == nil || h.list.Style&yaml.FlowStyle != 0 {
		return line
	}
	row := []rune(d.row(line))
	if strings.TrimSpace(string(row[:max(0, min(h.node.Column-1, len(row)))])) != "" {
		return line
	}
	for l := line - 1; l >= h.list.Line; l-- {
		if isFiller(d.row(l)) {
			continue
		}
		text, _, _ := strings.Cut(d.row(l), " #")
		if strings.HasSuffix(strings.TrimSpace(text), "-") {
			return l
		}
		break
	}
	return line
}

// isFiller says whether a line of YAML is blank or a comment.
func isFiller(row string) bool {
	t := strings.TrimSpace(row)
	return t == "" || t[0] == '#'
}

// skipsText says whether there is more than filler from a line up to another.
func (d *Document) skipsText(line, to int) bool {
	for ; line < to; line++ {
		if row := d.row(line); strings.TrimSpace(row) != "" && (d.JSON || !isFiller(row)) {
			return true
		}
	}
	return false
}

func dedent(lines []Line) {
	common := -1
	for _, l := range lines {
		if n := len(l.Text) - len(strings.TrimLeft(l.Text, " ")); n < len(l.Text) && (common < 0 || n < common) {
			common = n
		}
	}
	if common <= 0 {
		return
	}
	for i := range lines {
		l := &lines[i]
		l.Text = l.Text[min(common, len(l.Text)):]
		for j := range l.Marks {
			l.Marks[j].Column = max(1, l.Marks[j].Column-common)
		}
	}
}

const tabWidth = 4

// printable spells out what a terminal would act on or hide: control characters
// as ^X, the rest (bidi overrides, zero width and odd spaces) as \uXXXX. The
// second result is, for every rune and for the end, the cells before it.
func printable(s string) (string, []int) {
	var b strings.Builder
	cells := make([]int, 0, len(s)+1)
	at := 0
	for _, r := range s {
		cells = append(cells, at)
		if t, n := spell(r, at); n > 0 || t != "" {
			b.WriteString(t)
			at += n
			continue
		}
		b.WriteRune(r)
		at += width(r)
	}
	return b.String(), append(cells, at)
}

// spell gives the text and width of a rune that is not printed as it is, else "".
func spell(r rune, at int) (string, int) {
	t := ""
	switch {
	case r == ' ' || unicode.IsPrint(r):
		return "", 0
	case r == '\t':
		t = strings.Repeat(" ", tabWidth-at%tabWidth)
	case r < ' ' || r == 0x7f:
		t = "^" + string(r^0x40)
	case r > 0xffff:
		t = fmt.Sprintf(`\U%08x`, r)
	default:
		t = fmt.Sprintf(`\u%04x`, r)
	}
	return t, len(t)
}

// wide holds the ranges that terminals draw two cells wide.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x231a, Hi: 0x231b, Stride: 1},
		{Lo: 0x23e9, Hi: 0x23ec, Stride: 1}, {Lo: 0x25fd, Hi: 0x25fe, Stride: 1},
		{Lo: 0x2614, Hi: 0x2615, Stride: 1}, {Lo: 0x26a1, Hi: 0x26a1, Stride: 1},
		{Lo: 0x26d4, Hi: 0x26d4, Stride: 1}, {Lo: 0x2705, Hi: 0x2705, Stride: 1},
		{Lo: 0x270a, Hi: 0x270b, Stride: 1}, {Lo: 0x2728, Hi: 0x2728, Stride: 1},
		{Lo: 0x274c, Hi: 0x274c, Stride: 1}, {Lo: 0x274e, Hi: 0x274e, Stride: 1},
		{Lo: 0x2753, Hi: 0x2755, Stride: 1}, {Lo: 0x2757, Hi: 0x2757, Stride: 1},
		{Lo: 0x2795, Hi: 0x2797, Stride: 1}, {Lo: 0x2b1b, Hi: 0x2b1c, Stride: 1},
		{Lo: 0x2b50, Hi: 0x2b50, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, {Lo: 0xa960, Hi: 0xa97f, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff00, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe0, Hi: 0x18cff, Stride: 1}, {Lo: 0x1b000, Hi: 0x1b2ff, Stride: 1},
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f7e0, Hi: 0x1f7eb, Stride: 1}, {Lo: 0x1f90c, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x1fa70, Hi: 0x1faff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

// width gives the terminal cells of a printable rune.
func width(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}
