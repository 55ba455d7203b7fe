// Package source is text with positions: it splits a file into documents,
// locates a step path in one, draws a snippet around what it found and writes
// notes into a copy of the text. It knows YAML and JSON and no Kubernetes.
package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	// maxDepth bounds nesting, so that whatever walks the value recursively
	// after us is safe too. No real manifest comes near it.
	maxDepth = 1000
	// maxAliasNodes bounds how many nodes the aliases of one document may add
	// to its value; a "billion laughs" document stops there.
	maxAliasNodes = 100_000
)

// Document is one YAML or JSON document of a file. It is read-only once made
// and safe for concurrent use.
type Document struct {
	// Name is the file name as the user gave it, "" for an object without a file.
	Name string
	// Line is the 1-based line of the file on which Text starts.
	Line int
	// JSON says that the document is strict JSON. JSON-like YAML is YAML.
	JSON bool

	text   string
	before string // what stands before the text on its first line (concatenated JSON)

	parse  sync.Once
	loaded atomic.Bool
	root   *yaml.Node
	err    *Error

	split sync.Once
	rows  []string
}

// Error is something wrong with a file at a place. Line and Column are 1-based,
// absolute in the file, and 0 when unknown; columns count runes.
type Error struct {
	Name    string
	Line    int
	Column  int
	Message string
}

// Error gives "name:line:column: message", without the parts that are unknown.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Name != "" {
		b.WriteString(e.Name + ":")
	}
	if e.Line > 0 {
		if b.Len() == 0 {
			b.WriteString("line ")
		}
		b.WriteString(strconv.Itoa(e.Line) + ":")
		if e.Column > 0 {
			b.WriteString(strconv.Itoa(e.Column) + ":")
		}
	}
	if b.Len() > 0 {
		b.WriteString(" ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Parse splits data, the contents of the file name, into its documents, in
// order. Empty and comment-only documents are left out. It looks at no syntax
// beyond the separators, so the errors are only those of data that is not text;
// a document's own syntax errors come from Decode. Splitting first means that a
// broken document cannot hide the ones after it.
func Parse(name string, data []byte) ([]*Document, []*Error) {
	if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		return nil, []*Error{{Name: name, Message: "not a text file (binary data)"}}
	}
	text := strings.TrimPrefix(string(data), "\ufeff")

	var docs []*Document
	start, startLine := 0, 1 // of the document being read
	blank, directives := true, false
	add := func(end int) {
		if !blank || directives {
			docs = appendChunk(docs, name, text[start:end], startLine)
		}
		blank, directives = true, false
	}
	line := 0
	for pos := 0; pos < len(text); {
		end := lineEnd(text, pos)
		row := text[pos:end]
		line++
		switch {
		case isMarker(row, "---"):
			rest := strings.TrimSpace(row[3:])
			bare := rest == ""
			if !blank || !directives {
				// Directives above the marker belong to what follows it.
				add(pos)
				start, startLine = pos, line
				if bare {
					start, startLine = end, line+1
				}
			}
			blank = bare || rest[0] == '#'
			directives = false
		case isMarker(row, "..."):
			add(pos)
			start, startLine = end, line+1
		default:
			switch t := strings.TrimSpace(row); {
			case t == "":
				if blank && !directives && start == pos {
					start, startLine = end, line+1
				}
			case t[0] == '#':
			case blank && row[0] == '%':
				directives = true
			default:
				blank = false
			}
		}
		pos = end
	}
	add(len(text))
	return docs, nil
}

// isMarker says whether a line is the document marker m ("---" or "...").
func isMarker(row, m string) bool {
	if !strings.HasPrefix(row, m) {
		return false
	}
	return len(row) == len(m) || strings.IndexByte(" \t\r\n", row[len(m)]) >= 0
}

// lineEnd gives the offset just after the line break of the line at pos. Line
// breaks are those that editors count: LF, CRLF and a lone CR.
func lineEnd(s string, pos int) int {
	for ; pos < len(s); pos++ {
		switch {
		case strings.HasPrefix(s[pos:], "\r\n"):
			return pos + 2
		case s[pos] == '\n' || s[pos] == '\r':
			return pos + 1
		}
	}
	return len(s)
}

// appendChunk adds what stands between two document markers: one YAML document,
// or one or more concatenated JSON values.
func appendChunk(docs []*Document, name, text string, line int) []*Document {
	first := strings.TrimLeft(text, " \t\r\n")
	if first == "" || (first[0] != '{' && first[0] != '[') {
		return append(docs, &Document{Name: name, Line: line, text: text})
	}
	dec := json.NewDecoder(strings.NewReader(text))
	count, pos := 0, 0
	cur := cursor{line: line}
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		rest := text[pos:]
		lead := len(rest) - len(strings.TrimLeft(rest, " \t\r\n"))
		if errors.Is(err, io.EOF) && lead == len(rest) {
			if count == 1 {
				// The only value: give it the white space around it back.
				d := docs[len(docs)-1]
				d.text, d.before, d.Line = text, "", line
			}
			return docs
		}
		at := pos + lead
		if err != nil {
			switch after := skipFiller(rest); {
			case count == 0:
				at = 0
			case after == "":
				return docs // comments only
			case count == 1 && after[0] != '{' && after[0] != '[':
				// Not another value: as one document it gets the error it deserves.
				return append(docs[:len(docs)-1], &Document{Name: name, Line: line, text: text})
			}
		}
		before := cur.to(text, at)
		d := &Document{Name: name, Line: cur.line, before: before, text: text[at:]}
		docs = append(docs, d)
		if err != nil {
			return docs // the YAML parser reads JSON-like text, and words its errors better
		}
		count++
		pos = int(dec.InputOffset())
		d.JSON, d.text = true, text[at:pos]
	}
}

// skipFiller gives the text from its first line that is not blank or a comment.
func skipFiller(text string) string {
	for pos := 0; pos < len(text); {
		end := lineEnd(text, pos)
		if !isFiller(text[pos:end]) {
			return strings.TrimSpace(text[pos:])
		}
		pos = end
	}
	return ""
}

// cursor walks a text forward, counting lines.
type cursor struct{ start, line int } // offset of the line it is on, and its number

// to moves the cursor to the line of an offset and gives what precedes it there.
func (c *cursor) to(text string, at int) (before string) {
	for {
		end := lineEnd(text, c.start)
		if at < end || end == len(text) {
			return text[c.start:at]
		}
		c.start = end
		c.line++
	}
}

// Text gives the raw text of the document, without a bare marker line before it.
func (d *Document) Text() string { return d.text }

// Root gives the top node of the document, a mapping normally, nil when the
// document is empty or does not parse (Decode then says why). Lines of nodes are
// those of the file, columns count runes. The node must not be changed.
func (d *Document) Root() *yaml.Node {
	d.load()
	return d.root
}

// load parses the nodes once, and keeps them: positions come from them.
func (d *Document) load() {
	d.parse.Do(func() {
		var where placer
		d.root, where, d.err = d.nodes()
		where.move(d.root)
		d.loaded.Store(true)
	})
}

// nodes parses the text. Where the nodes stand in the file is told by the placer; the error knows it.
func (d *Document) nodes() (*yaml.Node, placer, *Error) {
	if d.JSON {
		root, err := parseJSON(d)
		return root, placer{line: 1}, err
	}
	root, bad := parseYAML(d.text)
	where := newPlacer(d)
	if bad != nil {
		err := &Error{Name: d.Name, Message: bad.message}
		if bad.line > 0 {
			err.Line, err.Column = where.at(bad.line, bad.column)
		}
		d.explain(err)
		return nil, where, err
	}
	return root, where, nil
}

// explain makes the parser's message speak of what people did.
func (d *Document) explain(e *Error) {
	if e.Line == 0 {
		return
	}
	row := d.row(e.Line)
	indent := row[:len(row)-len(strings.TrimLeft(row, " \t"))]
	switch {
	case strings.Contains(row, "{{") || strings.Contains(d.row(e.Line-1), "{{"):
		e.Message += ": looks like a template that is not rendered ({{ ... }})"
	case strings.Contains(indent, "\t") && (strings.Contains(e.Message, "tab character") || strings.Contains(e.Message, "cannot start any token")):
		e.Message = "tab used for indentation, yaml allows only spaces"
		e.Column = strings.IndexByte(indent, '\t') + 1
	}
}

// lines gives the document's lines without their line breaks, at least one.
func (d *Document) lines() []string {
	d.split.Do(func() {
		text := d.before + d.text
		for pos := 0; pos < len(text) || pos == 0; {
			end := lineEnd(text, pos)
			d.rows = append(d.rows, strings.TrimRight(text[pos:end], "\r\n"))
			if pos = end; end == 0 {
				break
			}
		}
	})
	return d.rows
}

// row gives one line by its number in the file, "" outside the document.
func (d *Document) row(line int) string {
	rows := d.lines()
	if i := line - d.Line; i >= 0 && i < len(rows) {
		return rows[i]
	}
	return ""
}

// problem is a syntax error with its place in the parsed text, 1-based.
type problem struct {
	line, column int
	message      string
}

// parseYAML gives the content of the only document in text, nil when there is none.
func parseYAML(text string) (root *yaml.Node, bad *problem) {
	defer func() {
		// A panic of the library on odd input must not take the program down.
		if r := recover(); r != nil {
			root, bad = nil, &problem{message: fmt.Sprintf("cannot be parsed: %v", r)}
		}
	}()
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, newProblem(dec, text, err)
	}
	if len(doc.Content) > 0 {
		root = doc.Content[0]
	}
	// The decoder stops at the end of the document. What follows is looked at,
	// as text after a closed flow collection would go unnoticed otherwise.
	switch err = dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return root, nil
	case err != nil:
		return nil, newProblem(dec, text, err)
	}
	return nil, &problem{line: doc.Line, column: doc.Column, message: "found text after the end of the value"}
}

// newProblem turns an error of the decoder into one with a place.
func newProblem(dec *yaml.Decoder, text string, err error) *problem {
	p := &problem{message: strings.TrimPrefix(err.Error(), "yaml: ")}
	located := false
	if rest, ok := strings.CutPrefix(p.message, "line "); ok {
		if number, message, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				p.line, p.message, located = n, message, true
			}
		}
	}
	if strings.Contains(p.message, "control characters are not allowed") {
		p.line, p.column = controlCharacter(text)
		p.message = "control characters are not allowed"
		return p
	}
	// The message names the line on which the enclosing collection starts, off
	// by one for some errors, and no column. The parser knows the real place and
	// does not export it; reading it by reflection fails softly, to the above.
	parser := reflect.ValueOf(dec).Elem().FieldByName("parser")
	if parser.Kind() != reflect.Pointer || parser.IsNil() {
		return p
	}
	mark := field(parser.Elem(), "parser", "problem_mark")
	if strings.HasPrefix(p.message, "unknown anchor") {
		mark = field(parser.Elem(), "event", "start_mark")
	} else if problem := field(parser.Elem(), "parser", "problem"); !located &&
		(!problem.IsValid() || problem.String() != p.message) {
		return p
	}
	if line, column, ok := position(mark); ok {
		p.line, p.column = line, column
	}
	// At the end of the text nothing is wrong but what was never closed.
	if strings.TrimSpace(fromLine(text, p.line)) == "" {
		line, column, ok := position(field(parser.Elem(), "parser", "context_mark"))
		if line >= p.line {
			line, column, ok = openAt(parser.Elem(), text)
		}
		if ok && line < p.line {
			p.line, p.column = line, column
			p.message += ", what starts here is not closed"
		}
	}
	if p.message == "did not find expected <document start>" {
		p.message = "found text after the end of the value"
	}
	return p
}

// openAt gives the place of the innermost [ or { that the parser has seen no end of.
func openAt(parser reflect.Value, text string) (line, column int, ok bool) {
	open := field(parser, "parser", "marks")
	if open.Kind() != reflect.Slice || open.Len() == 0 {
		return 0, 0, false
	}
	if line, column, ok = position(open.Index(open.Len() - 1)); !ok {
		return 0, 0, false
	}
	row := []rune(fromLine(text, line))
	return line, column, column <= len(row) && (row[column-1] == '[' || row[column-1] == '{')
}

// position gives the 1-based line and column of a mark of the YAML parser.
func position(mark reflect.Value) (int, int, bool) {
	line, column := field(mark, "line"), field(mark, "column")
	if !line.IsValid() || !line.CanInt() || !column.IsValid() || !column.CanInt() {
		return 0, 0, false
	}
	return int(line.Int()) + 1, int(column.Int()) + 1, true
}

// fromLine gives the text from a 1-based line on.
func fromLine(text string, line int) string {
	pos := 0
	for ; line > 1 && pos < len(text); line-- {
		pos = lineEnd(text, pos)
	}
	return text[pos:]
}

// field follows struct fields by name, giving the zero Value when one is missing.
func field(v reflect.Value, names ...string) reflect.Value {
	for _, n := range names {
		if v.Kind() != reflect.Struct {
			return reflect.Value{}
		}
		v = v.FieldByName(n)
	}
	return v
}

// controlCharacter finds the first character that YAML does not allow, 0 and 0
// when there is none. Lines are counted as the parser does.
func controlCharacter(text string) (line, column int) {
	line, column = 1, 0
	for i, r := range text {
		column++
		switch {
		case r == '\r' && strings.HasPrefix(text[i+1:], "\n"):
		case isYAMLBreak(r):
			line, column = line+1, 0
		case r == '\t', r >= ' ' && r <= '~', r >= 0xa0 && r <= 0xfffd, r >= 0x10000:
		default:
			return line, column
		}
	}
	return 0, 0
}

// isYAMLBreak says whether the YAML parser starts a new line at r.
func isYAMLBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// placer turns the parser's positions into those of the file.
type placer struct {
	line  int         // of the file, for the parser's line 1; below 1 where other text was parsed first
	shift int         // runes before the document on its first line
	odd   []placement // per line of the parser, when its lines are not ours
}

type placement struct{ line, column int }

func newPlacer(d *Document) placer {
	p := placer{line: max(d.Line, 1), shift: utf8.RuneCountInString(d.before)}
	if !strings.Contains(d.text, "\u0085") && !strings.Contains(d.text, "\u2028") && !strings.Contains(d.text, "\u2029") {
		return p
	}
	// The parser breaks lines at these characters too, editors do not.
	at := placement{}
	p.odd = append(p.odd, at)
	for pos := 0; pos < len(d.text); {
		r, size := utf8.DecodeRuneInString(d.text[pos:])
		at.column++
		switch {
		case r == '\n' || r == '\r':
			size = lineEnd(d.text, pos) - pos
			at = placement{line: at.line + 1}
			p.odd = append(p.odd, at)
		case isYAMLBreak(r):
			p.odd = append(p.odd, at)
		}
		pos += size
	}
	return p
}

// at gives the place in the file of a 1-based place in the parsed text.
// A column of 0 stays 0.
func (p placer) at(line, column int) (int, int) {
	shift := 0
	if i := line - 1; i >= 0 && i < len(p.odd) {
		line, shift = p.odd[i].line+1, p.odd[i].column
	}
	if line == 1 {
		shift += p.shift
	}
	if column > 0 {
		column += shift
	}
	return line + p.line - 1, column
}

// move corrects the positions of a node and everything below it.
func (p placer) move(n *yaml.Node) {
	if n == nil || p.line == 1 && p.shift == 0 && len(p.odd) == 0 {
		return
	}
	n.Line, n.Column = p.at(n.Line, n.Column)
	for _, c := range n.Content {
		p.move(c)
	}
}
