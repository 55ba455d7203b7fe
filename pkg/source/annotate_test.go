package source_test

import (
	"reflect"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

func TestAnnotate(t *testing.T) {
	tests := []struct {
		name, text string
		notes      []string // path, text, path, text, ...
		want       string
	}{
		{"nothing to say", "a: 1", nil, "a: 1"},
		{"at the line's indentation", "a:\n  b: 'x'   # kept\n  c:   [1,2]\n", []string{"a.b", "about b", "a.c", "about c"},
			"a:\n  # about b\n  b: 'x'   # kept\n  # about c\n  c:   [1,2]\n"},
		{"several for one line, several lines", "a: 1\nb: 2", []string{"b", "one\n two \x1b[0m", "b", "", "nope", "top"},
			"# top\na: 1\n# one\n#  two ^[[0m\n#\nb: 2"},
		{"list items", "l:\n- image: x\n  name: a\n- name: b\n", []string{"l[0].image", "i", "l[a]", "a", "l[1]", "b"},
			"l:\n# i\n- image: x\n  # a\n  name: a\n# b\n- name: b\n"},
		{"block scalars", "a: |\n  x\n  y\nb: >-\n  x\nc: 1\n", []string{"a", "a", "b", "b", "c", "c"},
			"# a\na: |\n  x\n  y\n# b\nb: >-\n  x\n# c\nc: 1\n"},
		{"several lines of flow", "a: {\n  b: 1,\n  c: [x,\n    y]\n}\n", []string{"a.b", "b", "a.c[1]", "y"},
			"a: {\n  # b\n  b: 1,\n  c: [x,\n    # y\n    y]\n}\n"},
		{"quoted scalar of several lines", "a: \"x\n  y\"\nb: 'x\n  y'\n", []string{"a", "a", "b", "b"},
			"# a\na: \"x\n  y\"\n# b\nb: 'x\n  y'\n"},
		{"inside a plain scalar of several lines", "o:\n  a: {b: x\n    y, c: 1,\n    d: 2}\n", []string{"o.a.c", "c", "o.a.d", "d"},
			"o:\n  # c\n  a: {b: x\n    y, c: 1,\n    # d\n    d: 2}\n"},
		{"inside a quoted scalar of several lines", "a: [\"x\n  y\", z]\n", []string{"a[1]", "z"}, "# z\na: [\"x\n  y\", z]\n"},
		{"alias", "a: &a 1\nb: *a\n", []string{"b", "b"}, "# b\na: &a 1\nb: *a\n"},
		{"crlf", "a:\r\n  b: 1\r\n", []string{"a.b", "x\r\ny"}, "a:\r\n  # x\r\n  # y\r\n  b: 1\r\n"},
		{"marker with content", "--- {a: 1,\n b: 2}\n", []string{"a", "a", "b", "b"}, "# a\n--- {a: 1,\n # b\n b: 2}\n"},
		{"directive", "%YAML 1.1\n---\na: 1\n", []string{"a", "a"}, "%YAML 1.1\n---\n# a\na: 1\n"},
		{"json", "{\n \"a\": 1\n}", []string{"a", "a"}, "{\n \"a\": 1\n}"},
		{"broken", "a: b: c\n", []string{"a", "a"}, "# a\na: b: c\n"},
		{"repeated key", "a: 1\na: 2\n", []string{"a", "a"}, "a: 1\n# a\na: 2\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var notes []source.Note
			for i := 0; i < len(tt.notes); i += 2 {
				notes = append(notes, source.Note{Path: source.ParsePath(tt.notes[i]), Text: tt.notes[i+1]})
			}
			if got := only(t, tt.text).Annotate(notes); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestAnnotateSecondDocument(t *testing.T) {
	docs, _ := source.Parse("f", []byte("a: 1\n---\nb:\n  c: 1\n"))
	got := docs[1].Annotate([]source.Note{{Path: source.ParsePath("b.c"), Text: "x"}})
	if want := "b:\n  # x\n  c: 1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzAnnotate(f *testing.F) {
	for _, s := range []string{
		"a: 1\nb:\n- x\n- name: y\n", "a: |\n  x\n\n  y\nb: >+\n  z\n\n", "a: {b: x\n  y, c: 1}\n", "a: \"x\n\n  # y\"\n",
		"a: &a [x,\n# c\ny]\nb: *a\n", "a: x\n  y\nb: 1\r\n", "? a\n: - b\n  -\n    c\n", "--- |\n a\n...\n", "[a,\n\tb]", "- - - a\n    - b\n",
	} {
		f.Add(s, "note")
	}
	f.Fuzz(func(t *testing.T, text, note string) {
		docs, _ := source.Parse("f", []byte(text))
		for _, d := range docs {
			before, err := d.Decode()
			if err != nil {
				continue
			}
			notes := []source.Note{{Text: note}}
			for _, p := range pathsOf(before, nil) {
				notes = append(notes, source.Note{Path: p, Text: note})
			}
			out := d.Annotate(notes)
			again, _ := source.Parse("f", []byte(out))
			if len(again) != 1 {
				t.Fatalf("%q became %d documents: %q", d.Text(), len(again), out)
			}
			if after, err := again[0].Decode(); err != nil || !reflect.DeepEqual(before, after) {
				t.Fatalf("%q means %v, with notes %q means %v (%v)", d.Text(), before, out, after, err)
			}
		}
	})
}
