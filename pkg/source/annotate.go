package source

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Note is a text to write next to the place of a path.
type Note struct {
	Path Path
	Text string
}

// Annotate gives the document's text with every note as a comment above the line
// it speaks of, at that line's indentation; everything else is copied as it is,
// and the result means the same. Where a comment would become part of a value it
// goes further up, to the line of an enclosing key. A text of several lines
// becomes several comments. JSON has no comments and comes back unchanged.
func (d *Document) Annotate(notes []Note) string {
	if d.JSON || len(notes) == 0 {
		return d.text
	}
	byLine := map[int][]int{} // the notes, by the line they should be above
	var order []int
	for i, n := range notes {
		line := d.Locate(n.Path).Line
		if byLine[line] == nil {
			order = append(order, line)
		}
		byLine[line] = append(byLine[line], i)
	}
	if out := d.withNotes(notes, byLine); d.keepsMeaning(out) {
		return out
	}

	// Some line will not do. Place the notes one line at a time.
	placed := map[int][]int{}
	for _, line := range order {
		for _, at := range d.linesAbove(line, notes[byLine[line][0]].Path) {
			before := placed[at]
			placed[at] = append(before[:len(before):len(before)], byLine[line]...)
			if d.keepsMeaning(d.withNotes(notes, placed)) {
				break
			}
			placed[at] = before
		}
	}
	return d.withNotes(notes, placed)
}

// linesAbove gives where a note may go, best first: its line, those of the
// enclosing keys, the top of the document.
func (d *Document) linesAbove(line int, p Path) []int {
	at := []int{line}
	hops := d.walk(p).hops
	for i := len(hops) - 1; i >= 0; i-- {
		n := hops[i].key
		if n == nil {
			n = hops[i].node
		}
		if n.Line < at[len(at)-1] {
			at = append(at, n.Line)
		}
	}
	if at[len(at)-1] > d.Line {
		at = append(at, d.Line)
	}
	return at
}

// withNotes writes the notes, given by number, above their lines.
func (d *Document) withNotes(notes []Note, byLine map[int][]int) string {
	var b strings.Builder
	eol := "\n"
	if end := lineEnd(d.text, 0); end > 0 && strings.HasSuffix(d.text[:end], "\r\n") {
		eol = "\r\n"
	}
	line := d.Line
	for pos := 0; pos < len(d.text) || pos == 0; line++ {
		end := lineEnd(d.text, pos)
		row := d.text[pos:end]
		indent := row[:len(row)-len(strings.TrimLeft(row, " \t"))]
		for _, i := range byLine[line] {
			for _, text := range strings.Split(notes[i].Text, "\n") {
				text, _ = printable(strings.TrimRight(text, " \t\r"))
				b.WriteString(indent + strings.TrimRight("# "+text, " ") + eol)
			}
		}
		b.WriteString(row)
		if pos = end; end == 0 {
			break
		}
	}
	return b.String()
}

// keepsMeaning says whether a text parses to the same nodes as the document. A
// document that does not parse has no meaning to lose.
func (d *Document) keepsMeaning(text string) bool {
	d.load()
	if d.err != nil {
		return true
	}
	root, bad := parseYAML(text)
	return bad == nil && sameNode(d.root, root)
}

// sameNode compares all that bears on the value of a node.
func sameNode(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind || a.Tag != b.Tag || a.Value != b.Value || a.Anchor != b.Anchor ||
		a.Style != b.Style || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !sameNode(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
