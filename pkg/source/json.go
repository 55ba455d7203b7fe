package source

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// jsonReader builds nodes from JSON tokens. The YAML parser is not used for
// JSON, because it refuses the surrogate escapes of JSON ("\ud83d\ude00").
type jsonReader struct {
	doc  *Document
	dec  *json.Decoder
	text string
	end  int // offset after the last token

	// The place of offset seen, kept so that the text is walked once.
	seen, line, column int
}

func parseJSON(d *Document) (*yaml.Node, *Error) {
	r := &jsonReader{doc: d, dec: json.NewDecoder(strings.NewReader(d.text)), text: d.text,
		line: d.Line, column: utf8.RuneCountInString(d.before) + 1}
	r.dec.UseNumber()
	n, err := r.value(0)
	if err == nil {
		return n, nil
	}
	var e *Error
	if !errors.As(err, &e) {
		message := strings.TrimPrefix(err.Error(), "json: ")
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			message = "unexpected end of json"
		}
		e = r.fail(message)
	}
	return nil, e
}

func (r *jsonReader) fail(message string) *Error {
	line, column := r.place(r.end)
	return &Error{Name: r.doc.Name, Line: line, Column: column, Message: message}
}

// place gives the line and column of an offset not before the last one asked for.
func (r *jsonReader) place(at int) (line, column int) {
	for r.seen < at {
		_, size := utf8.DecodeRuneInString(r.text[r.seen:])
		if c := r.text[r.seen]; c == '\n' || c == '\r' {
			size = lineEnd(r.text, r.seen) - r.seen
			r.line, r.column = r.line+1, 0
		}
		r.seen += size
		r.column++
	}
	return r.line, r.column
}

// token gives the next token and a node at its start.
func (r *jsonReader) token() (json.Token, *yaml.Node, error) {
	t, err := r.dec.Token()
	if err != nil {
		return nil, nil, err
	}
	start := r.end
	for start < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[start]) >= 0 {
		start++
	}
	n := &yaml.Node{Kind: yaml.ScalarNode}
	n.Line, n.Column = r.place(start)
	r.end = int(r.dec.InputOffset())
	return t, n, nil
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, r.fail("nested too deeply")
	}
	t, n, err := r.token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
		if t == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		for r.dec.More() {
			// A key is a value of type string for the tokenizer too.
			c, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, c)
		}
		if _, _, err := r.token(); err != nil {
			return nil, err
		}
	case string:
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", "false"
		if t {
			n.Value = "true"
		}
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}
