package source

import (
	"errors"
	"io"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Tree is a document that was parsed, for whoever wants its value. It is not kept by the document, since nodes
// take ten times the room of their text, and most documents are never asked for a position.
type Tree struct {
	doc   *Document
	root  *yaml.Node
	where placer // of what root holds
	err   *Error
}

// Tree parses the document, or gives what it has parsed already.
func (d *Document) Tree() *Tree {
	t := &Tree{doc: d, where: placer{line: 1}}
	if d.loaded.Load() {
		t.root, t.err = d.root, d.err
	} else {
		t.root, t.where, t.err = d.nodes()
	}
	return t
}

// Text is the string that the top of the document has under a key, "" for anything else.
func (t *Tree) Text(key string) string {
	if t.root == nil || t.root.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(t.root.Content); i += 2 {
		if k, v := t.root.Content[i], t.root.Content[i+1]; k.Kind == yaml.ScalarNode && k.Value == key && v.Kind == yaml.ScalarNode {
			if s, err := resolveScalar(v); err == nil {
				text, _ := s.(string)
				return text
			}
		}
	}
	return ""
}

// Decode is Document.Decode.
func (t *Tree) Decode() (any, error) {
	if t.err != nil {
		e := *t.err
		return nil, &e
	}
	if t.root == nil {
		return nil, nil
	}
	t.where.move(t.root)
	t.where = placer{line: 1}
	v, err := (&decoder{doc: t.doc}).value(t.root, 0)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Trees gives the tree of each document, in order, as Document.Tree does. Setting up the parser takes a tenth of
// the time of a small document and a third of its memory, so one parser reads all that stand side by side.
func Trees(docs []*Document) iter.Seq2[*Document, *Tree] {
	return func(yield func(*Document, *Tree) bool) {
		for len(docs) > 0 {
			n := 0
			for n < len(docs) && docs[n].joins() {
				n++
			}
			read, more := 0, true
			if n > 1 {
				read, more = inOne(docs[:n], yield)
			}
			docs = docs[read:]
			if !more {
				return
			}
			// What stopped the parser, or cannot be joined, says by itself what is wrong with it.
			if len(docs) > 0 {
				if !yield(docs[0], docs[0].Tree()) {
					return
				}
				docs = docs[1:]
			}
		}
	}
}

// joins tells whether the parser reads the document between others just as it does alone, and counts its lines as
// files do. It would know an anchor in the documents that follow, too.
func (d *Document) joins() bool {
	return !d.JSON && d.before == "" && !d.loaded.Load() && strings.HasSuffix(d.text, "\n") &&
		d.text[0] != '%' && !strings.Contains(d.text, "\n%") && !strings.Contains(d.text, "&") && plainLines(d.text)
}

// plainLines tells whether every line ends with a line feed, for people and for the parser, and no mark of a byte
// order stands in the text.
func plainLines(text string) bool {
	ascii := true
	for i := range len(text) {
		if text[i] == '\r' {
			return false
		}
		ascii = ascii && text[i] < 0x80
	}
	return ascii || !strings.ContainsAny(text, "\u0085\u2028\u2029\ufeff")
}

// inOne parses documents as one stream. It gives how many of them it has yielded, which are all unless one of
// those that follow is not what it should be, and whether more are wanted.
func inOne(docs []*Document, yield func(*Document, *Tree) bool) (read int, more bool) {
	stream := &stream{docs: docs}
	dec := yaml.NewDecoder(stream)
	var last *Tree // is right when the next document begins where it should: text may follow a closed collection
	line := 1      // of the stream
	for i, d := range docs {
		if !isMarker(d.text, "---") {
			line++
		}
		end := line + strings.Count(d.text, "\n")
		root, err := next(dec)
		if err != nil || root == nil || root.Line < line || root.Line >= end {
			return max(i-1, 0), true
		}
		if last != nil && !yield(last.doc, last) {
			return i, false
		}
		last = &Tree{doc: d, root: root, where: placer{line: d.Line - line + 1}}
		line = end
	}
	if _, err := next(dec); !errors.Is(err, io.EOF) {
		return len(docs) - 1, true
	}
	return len(docs), yield(last.doc, last)
}

// next gives the content of the next document.
func next(dec *yaml.Decoder) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // of the library, on odd input
			root, err = nil, errors.New("cannot be parsed")
		}
	}()
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// stream is the text of documents, each below its marker.
type stream struct {
	docs   []*Document
	begun  bool // the marker of the first was given
	offset int  // in its text
}

const marker = "---\n"

func (s *stream) Read(into []byte) (n int, err error) {
	for n < len(into) && len(s.docs) > 0 {
		text := s.docs[0].text
		if !s.begun {
			s.begun = true
			if !isMarker(text, "---") {
				s.offset = -len(marker)
			}
		}
		if s.offset < 0 {
			k := copy(into[n:], marker[len(marker)+s.offset:])
			n, s.offset = n+k, s.offset+k
			continue
		}
		k := copy(into[n:], text[s.offset:])
		n, s.offset = n+k, s.offset+k
		if s.offset == len(text) {
			s.docs, s.begun, s.offset = s.docs[1:], false, 0
		}
	}
	if n == 0 && len(into) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
