package source_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// only parses text that must hold one document.
func only(t *testing.T, text string) *source.Document {
	t.Helper()
	docs, errs := source.Parse("f.yaml", []byte(text))
	if len(docs) != 1 || len(errs) != 0 {
		t.Fatalf("Parse(%q) gave %d documents and %v, want one document", text, len(docs), errs)
	}
	return docs[0]
}

func TestParseSplits(t *testing.T) {
	type doc struct {
		Line int
		Text string
		JSON bool
	}
	tests := []struct {
		name, text string
		want       []doc
	}{
		{"empty", "", nil},
		{"only comments and markers", "# a\n---\n\n# b\n---\n...\n", nil},
		{"one", "a: 1\n", []doc{{1, "a: 1\n", false}}},
		{"no final newline", "a: 1", []doc{{1, "a: 1", false}}},
		{"three", "a: 1\n---\nb: 2\n--- # c\nc: 3\n", []doc{
			{1, "a: 1\n", false}, {3, "b: 2\n", false}, {4, "--- # c\nc: 3\n", false}}},
		{"leading blank lines and comments", "\n\n# Source: x\na: 1\n", []doc{{3, "# Source: x\na: 1\n", false}}},
		{"content behind the marker", "--- {a: 1}\n---\tb\n", []doc{{1, "--- {a: 1}\n", false}, {2, "---\tb\n", false}}},
		{"not a marker", "---a: 1\n----\n", []doc{{1, "---a: 1\n----\n", false}}},
		{"indented marker in a block scalar", "a: |\n  ---\n  b\n", []doc{{1, "a: |\n  ---\n  b\n", false}}},
		{"end marker", "a: 1\n...\nb: 2\n", []doc{{1, "a: 1\n", false}, {3, "b: 2\n", false}}},
		{"directive", "a: 1\n...\n%YAML 1.1\n---\nb: 2\n", []doc{{1, "a: 1\n", false}, {3, "%YAML 1.1\n---\nb: 2\n", false}}},
		{"crlf", "a: 1\r\n---\r\nb: 2\r\n", []doc{{1, "a: 1\r\n", false}, {3, "b: 2\r\n", false}}},
		{"lone cr", "a: 1\r---\rb: 2\r", []doc{{1, "a: 1\r", false}, {3, "b: 2\r", false}}},
		{"byte order mark", "\ufeff---\na: 1\n", []doc{{2, "a: 1\n", false}}},
		{"json", "{\n\t\"a\": 1\n}\n", []doc{{1, "{\n\t\"a\": 1\n}\n", true}}},
		{"concatenated json", "{\"a\": 1}\n\n{\"a\": 2} [3]\n", []doc{
			{1, `{"a": 1}`, true}, {3, `{"a": 2}`, true}, {3, `[3]`, true}}},
		{"json between markers", "{\"a\": 1}\n---\n{\"b\": 2}\n---\nc: 3\n", []doc{
			{1, "{\"a\": 1}\n", true}, {3, "{\"b\": 2}\n", true}, {5, "c: 3\n", false}}},
		{"flow yaml is not json", "{a: 1}\n", []doc{{1, "{a: 1}\n", false}}},
		{"comment after json", "{\"a\": 1} # x\n# y\n", []doc{{1, `{"a": 1}`, true}}},
		{"yaml after json", "{\"a\": 1}\nb: 2\n", []doc{{1, "{\"a\": 1}\nb: 2\n", false}}},
		{"broken json is left to yaml", "{\"a\": 1}\n{\"b\" 2}\n", []doc{
			{1, `{"a": 1}`, true}, {2, "{\"b\" 2}\n", false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			docs, errs := source.Parse("f", []byte(tt.text))
			if len(errs) > 0 {
				t.Fatalf("errors: %v", errs)
			}
			var got []doc
			for _, d := range docs {
				got = append(got, doc{d.Line, d.Text(), d.JSON})
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestParseBinary(t *testing.T) {
	for name, data := range map[string]string{
		"nul":           "a: 1\x00\n",
		"invalid utf-8": "a: \xff\n",
		"utf-16":        "\xff\xfea\x00:\x00",
	} {
		docs, errs := source.Parse("x.yaml", []byte(data))
		if len(docs) != 0 || len(errs) != 1 || errs[0].Error() != "x.yaml: not a text file (binary data)" {
			t.Errorf("%s: got %v, %v", name, docs, errs)
		}
	}
}

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  source.Error
		want string
	}{
		{source.Error{Name: "a.yaml", Line: 12, Column: 3, Message: "m"}, "a.yaml:12:3: m"},
		{source.Error{Name: "a.yaml", Line: 12, Message: "m"}, "a.yaml:12: m"},
		{source.Error{Name: "a.yaml", Column: 3, Message: "m"}, "a.yaml: m"},
		{source.Error{Line: 12, Column: 3, Message: "m"}, "line 12:3: m"},
		{source.Error{Message: "m"}, "m"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestBrokenDocumentHidesNothing(t *testing.T) {
	docs, _ := source.Parse("f.yaml", []byte("a: 1\n---\nb:\n  c: 1\n d: 2\n---\ne: 3\n"))
	var got []string
	for _, d := range docs {
		v, err := d.Decode()
		got = append(got, fmt.Sprint(v, " ", err))
	}
	want := []string{"map[a:1] <nil>", "<nil> f.yaml:5:2: did not find expected key", "map[e:3] <nil>"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"indent", "a:\n  b: 1\n  c: 2\n d: 3\n", "f.yaml:4:2: did not find expected key"},
		{"tab", "a:\n\tb: 1\n", "f.yaml:2:1: tab used for indentation, yaml allows only spaces"},
		{"tab after spaces", "a:\n  b: 1\n  \tc: 2\n", "f.yaml:3:3: tab used for indentation, yaml allows only spaces"},
		{"colon", "a: b: c\n", "f.yaml:1:5: mapping values are not allowed in this context"},
		{"open quote", "a: 1\nb: \"x\nc: 1\n", "f.yaml:2:4: found unexpected end of stream, what starts here is not closed"},
		{"open list at its start", "a: 1\nb: [\n", "f.yaml:2:4: did not find expected node content, what starts here is not closed"},
		{"open mapping after a comma", "a: [{b: c,\n\n", "f.yaml:1:5: did not find expected node content, what starts here is not closed"},
		{"open list", "a: 1\nb: [x\n\n", "f.yaml:2:4: did not find expected ',' or ']', what starts here is not closed"},
		{"unknown anchor", "a: 1\nb: *x\n", "f.yaml:2:4: unknown anchor 'x' referenced"},
		{"control character", "a: 1\nb: \x01\n", "f.yaml:2:4: control characters are not allowed"},
		{"text after the value", "{a: 1}\nb: 2\n", "f.yaml:2:1: found text after the end of the value"},
		{"template as a value", "a: 1\nb: {{ .Values.b }}\n", "f.yaml:2:4: a template that is not rendered ({{ ... }})"},
		{"template as a block", "a: 1\n{{- if .b }}\nc: 1\n", "f.yaml:3:1: could not find expected ':': looks like a template that is not rendered ({{ ... }})"},
		{"json", "{\n\t\"a\": 1\n\t\"b\": 2\n}", "f.yaml:3:5: did not find expected ',' or '}'"},
		{"repeated key", "a: 1\nb: 2\n\"a\": 3\n", `f.yaml:3:1: key "a" is already set on line 1`},
		{"repeated key in json", "{\"a\": 1,\n \"a\": 2}", `f.yaml:2:2: key "a" is already set on line 1`},
		{"list as a key", "? [a]\n: b\n", "f.yaml:1:3: a key must be a string"},
		{"null key", "~: b\n", "f.yaml:1:1: a key must not be null"},
		{"infinity", "a: .inf\n", "f.yaml:1:4: .inf is not a number that json can hold"},
		{"large json number", `{"a": 1e999}`, "f.yaml:1:7: number 1e999 is out of range"},
		{"wrong tag", "a: !!int x\n", `f.yaml:1:4: "x" is not a value for the tag !!int`},
		{"merge of a scalar", "<<: 1\n", "f.yaml:1:5: a merge (<<) needs a mapping or a list of mappings"},
		{"circular alias", "a: &x [*x]\n", `f.yaml:1:8: anchor "x" contains itself`},
		{"circular merge", "a: &x {<<: *x}\n", `f.yaml:1:12: anchor "x" contains itself`},
		{"unusual line breaks", "# é\u0085\na: x\u2028b: c: d\n", "f.yaml:2:10: mapping values are not allowed in this context"},
		{"deep yaml", strings.Repeat("- ", 3000), "f.yaml:1:2003: nested too deeply"},
		{"very deep yaml", "a: " + strings.Repeat("[", 30000), "f.yaml:1:10004: exceeded max depth of 10000"},
		{"deep json", strings.Repeat("[", 3000) + strings.Repeat("]", 3000), "f.yaml:1:1002: nested too deeply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := only(t, tt.text).Decode()
			var e *source.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", e, tt.want)
			}
		})
	}
}

func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		ref := fmt.Sprintf("*a%d", i-1)
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.Join([]string{ref, ref, ref, ref, ref, ref, ref, ref, ref}, ", "))
	}
	b.WriteString("m0: &m0 {x: 1}\n")
	for i := 1; i < 30; i++ {
		ref := fmt.Sprintf("*m%d", i-1)
		fmt.Fprintf(&b, "m%d: &m%d {<<: [%s, %s, %s]}\n", i, i, ref, ref, ref)
	}
	start := time.Now()
	d := only(t, b.String())
	if _, err := d.Decode(); err == nil || !strings.HasSuffix(err.Error(), ": too many aliases") {
		t.Errorf("Decode: %v", err)
	}
	if s := d.Locate(source.ParsePath("m29.nothing")); s.Exact || s.Line != 60 {
		t.Errorf("Locate: %+v", s)
	}
	if s := d.Locate(source.ParsePath("m29.x")); !s.Exact || s.Line != 31 {
		t.Errorf("Locate: %+v", s)
	}
	d.Annotate([]source.Note{{Path: source.ParsePath("m29.x"), Text: "x"}})
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestDecodeValues(t *testing.T) {
	type m = map[string]any
	tests := []struct {
		name, text string
		want       any
	}{
		{"empty value", "null", nil},
		{"booleans", "[yes, No, on, OFF, y, n, true, 'yes', \"on\"]", []any{true, false, true, false, true, false, true, "yes", "on"}},
		{"numbers", "[1, -1, 0x10, 0777, 1_000, 1.5, 1.0, 1e3, 18446744073709551615, 1.2.3]",
			[]any{int64(1), int64(-1), int64(16), int64(511), int64(1000), 1.5, int64(1), int64(1000), 18446744073709551615.0, "1.2.3"}},
		{"strings", "[2001-01-01, '1', \"\\u00e9\", !!str 1, !x 1, !!binary YQ==]", []any{"2001-01-01", "1", "é", "1", "1", "a"}},
		{"nulls", "{a: , b: ~, c: null}", m{"a": nil, "b": nil, "c": nil}},
		{"keys", "{1: a, yes: b, 1.5: c, '2': d}", m{"1": "a", "true": "b", "1.5": "c", "2": "d"}},
		{"blocks", "a: |\n  x\n  y\nb: >-\n  x\n  y\n", m{"a": "x\ny\n", "b": "x y"}},
		{"alias", "a: &a {b: 1}\nc: *a\n", m{"a": m{"b": int64(1)}, "c": m{"b": int64(1)}}},
		{"merge", "a: &a {x: 1, z: 2}\nb: {<<: *a, z: 3}\n", m{"a": m{"x": int64(1), "z": int64(2)}, "b": m{"x": int64(1), "z": int64(3)}}},
		{"merge of several", "{<<: [{x: 1}, {x: 2, z: 3}]}", m{"x": int64(1), "z": int64(3)}},
		{"merge after a key, as kubectl reads it", "{x: 0, <<: {x: 1}}", m{"x": int64(1)}},
		{"quoted merge key", "{'<<': 1}", m{"<<": int64(1)}},
		{"json", "{\"a\": [1, 1.0, 1e2, true, null, \"\\ud83d\\ude00\", 18446744073709551615], \"yes\": \"no\"}",
			m{"a": []any{int64(1), 1.0, 100.0, true, nil, "😀", 18446744073709551615.0}, "yes": "no"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := only(t, tt.text).Decode()
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %#v, %v\nwant %#v", got, err, tt.want)
			}
		})
	}
}

func TestDecodeIsFresh(t *testing.T) {
	d := only(t, "a: &a {x: 1}\nb: *a\n")
	first, _ := d.Decode()
	first.(map[string]any)["a"].(map[string]any)["x"] = "changed"
	second, _ := d.Decode()
	want := map[string]any{"a": map[string]any{"x": int64(1)}, "b": map[string]any{"x": int64(1)}}
	if !reflect.DeepEqual(second, want) {
		t.Errorf("got %v, want %v", second, want)
	}
	if b := first.(map[string]any)["b"].(map[string]any)["x"]; b != int64(1) {
		t.Errorf("an alias shares its value: %v", b)
	}
}

func TestConcurrentUse(t *testing.T) {
	d := only(t, "a:\n  b: [1, 2]\n")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := d.Decode(); err != nil {
				t.Error(err)
			}
			d.Locate(source.ParsePath("a.b[1]"))
			d.Snippet([]source.Mark{{Path: source.ParsePath("a.b")}}, source.SnippetOptions{})
			d.Annotate([]source.Note{{Path: source.ParsePath("a"), Text: "x"}})
		})
	}
	wg.Wait()
}

func TestZeroDocument(t *testing.T) {
	d := &source.Document{}
	if v, err := d.Decode(); v != nil || err != nil {
		t.Errorf("Decode: %v, %v", v, err)
	}
	if d.Root() != nil || d.Text() != "" {
		t.Errorf("Root %v, Text %q", d.Root(), d.Text())
	}
	d.Locate(source.ParsePath("a"))
	d.Snippet([]source.Mark{{}}, source.SnippetOptions{Context: 1})
	d.Annotate([]source.Note{{Text: "x"}})
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{
		"a: 1\n---\nb: [x, {y: z}]\n", "{\"a\": [1, {\"name\": \"b\"}]} {}", "a: &x\n  <<: {b: 1}\nc: *x\n",
		"- name: a\n  b: |\n    x\n-\n  - y\n", "a:\r\n\tb: 1\r\n", "\u2028a: é\n", "? [x]\n: !t &a \"y\n  z\"\n", "a: \x1b[31m\u202e\n", "%YAML 1.1\n--- {a}\n...\n",
	} {
		f.Add(s, "a[0].b[x].name")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		docs, _ := source.Parse("f", []byte(text))
		p := source.ParsePath(path)
		_ = p.String()
		for _, d := range docs {
			v, _ := d.Decode()
			rows := strings.Count(d.Text(), "\n") + strings.Count(d.Text(), "\r") + 1
			for _, p := range append(pathsOf(v, nil), p) {
				s := d.Locate(p)
				if s.Line < d.Line || s.Line >= d.Line+rows || s.Column < 1 || s.Length < 1 {
					t.Fatalf("Locate(%s) is outside the document: %+v", p, s)
				}
				marked := 0
				for _, l := range d.Snippet([]source.Mark{{Path: p, Primary: true}}, source.SnippetOptions{Context: 1, Dedent: true, MaxLines: 9}) {
					for _, m := range l.Marks {
						marked++
						if m.Column < 1 || m.Length < 1 {
							t.Fatalf("mark of %s: %+v", p, m)
						}
					}
				}
				if marked != 1 {
					t.Fatalf("%s is marked %d times", p, marked)
				}
			}
		}
	})
}

// pathsOf gives a number of paths that exist in a decoded value.
func pathsOf(v any, at source.Path) []source.Path {
	var paths []source.Path
	add := func(s source.Step, v any) {
		if len(at) < 5 && len(paths) < 50 {
			p := append(at[:len(at):len(at)], s)
			paths = append(append(paths, p), pathsOf(v, p)...)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for k, c := range v {
			add(source.Step{Key: k, Index: -1}, c)
		}
	case []any:
		for i, c := range v {
			add(source.Step{Index: i}, c)
		}
	}
	return paths
}

func BenchmarkDecode(b *testing.B) {
	one := "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: nginx\n    ports:\n    - containerPort: 80\n"
	data := []byte(strings.Repeat(one, 1000))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		docs, _ := source.Parse("f", data)
		for _, d := range docs {
			if _, err := d.Decode(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
