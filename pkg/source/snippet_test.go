package source_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    a.b/c: "x"
    "8080": eighty
    9090: ninety
spec:
  # a comment is not a gap
  template:
    spec:
      containers:
      - image: nginx # c
        name: web
        command:
        - |
          a: b
        -
          foo
        resources:
        env: {a: 1, b: {c: 2}}
        ports: []
      -
        image: 'x ''y'
        name: &n side
        args: ["a \" b", *n]
        note: long
          text # c
      - args: &args
        - -x
      - args: *args
        tag: !!str
          "on the next line"
`

// draw prints a snippet as a renderer would.
func draw(lines []source.Line) string {
	var b strings.Builder
	for _, l := range lines {
		if l.Gap {
			b.WriteString("   | ...\n")
			continue
		}
		fmt.Fprintf(&b, "%2d | %s\n", l.Number, l.Text)
		for _, m := range l.Marks {
			sign := "~"
			if m.Primary {
				sign = "^"
			}
			fmt.Fprintf(&b, "   | %s%s %s\n", strings.Repeat(" ", m.Column-1), strings.Repeat(sign, m.Length), m.Label)
		}
	}
	return b.String()
}

func TestSnippet(t *testing.T) {
	const containers = "spec.template.spec.containers"
	in := source.SnippetOptions{Skip: 3, Dedent: true}
	tests := []struct {
		name, text, path string
		options          source.SnippetOptions
		want             string
	}{
		{"all ancestors", deployment, containers + "[0].image", source.SnippetOptions{}, `
 9 | spec:
11 |   template:
12 |     spec:
13 |       containers:
14 |       - image: nginx # c
   |                ^^^^^ here
15 |         name: web
`},
		{"skipped ancestors, by name", deployment, containers + "[web].image", in, `
13 | containers:
14 | - image: nginx # c
   |          ^^^^^ here
15 |   name: web
`},
		{"everything skipped", deployment, containers + "[web].image", source.SnippetOptions{Skip: 9, Dedent: true}, `
14 | - image: nginx # c
   |          ^^^^^ here
`},
		{"list item is marked at its name", deployment, containers + "[0]", in, `
13 | containers:
14 | - image: nginx # c
15 |   name: web
   |         ^^^ here
`},
		{"list item without a name", deployment, containers + "[2]", in, `
13 | containers:
   | ...
30 | - args: &args
   |   ^^^^ here
`},
		{"dash on a line of its own", deployment, containers + "[side].image", in, `
13 | containers:
   | ...
24 | -
25 |   image: 'x ''y'
   |          ^^^^^^^ here
26 |   name: &n side
`},
		{"mapping is marked at its key", deployment, "metadata.annotations", source.SnippetOptions{}, `
 3 | metadata:
   | ...
 5 |   annotations:
   |   ^^^^^^^^^^^ here
`},
		{"key with dots", deployment, "metadata.annotations[a.b/c]", source.SnippetOptions{Skip: 1}, `
 5 |   annotations:
 6 |     a.b/c: "x"
   |            ^^^ here
`},
		{"digits as a quoted key", deployment, "metadata.annotations[8080]", source.SnippetOptions{Skip: 2}, `
 7 |     "8080": eighty
   |             ^^^^^^ here
`},
		{"digits as a plain key", deployment, "metadata.annotations[9090]", source.SnippetOptions{Skip: 2}, `
 8 |     9090: ninety
   |           ^^^^^^ here
`},
		{"inline flow", deployment, containers + "[0].env.b.c", in, `
13 | containers:
14 | - image: nginx # c
15 |   name: web
   | ...
22 |   env: {a: 1, b: {c: 2}}
   |                      ^ here
`},
		{"inline flow mapping", deployment, containers + "[0].env.b", source.SnippetOptions{Skip: 5, Dedent: true}, `
22 | env: {a: 1, b: {c: 2}}
   |             ^ here
`},
		{"block scalar in a list", deployment, containers + "[0].command[0]", source.SnippetOptions{Skip: 5, Dedent: true}, `
16 | command:
17 | - |
   |   ^ here
`},
		{"value on the line below its dash", deployment, containers + "[0].command[1]", source.SnippetOptions{Skip: 5, Dedent: true}, `
16 | command:
   | ...
19 | -
20 |   foo
   |   ^^^ here
`},
		{"empty value", deployment, containers + "[0].resources", source.SnippetOptions{Skip: 5, Dedent: true}, `
21 | resources:
   | ^^^^^^^^^ here
`},
		{"escaped quotes", deployment, containers + "[side].args[0]", source.SnippetOptions{Skip: 5, Dedent: true}, `
27 | args: ["a \" b", *n]
   |        ^^^^^^^^ here
`},
		{"alias of a scalar", deployment, containers + "[side].args[1]", source.SnippetOptions{Skip: 5, Dedent: true}, `
26 | name: &n side
   |          ^^^^ here
27 | args: ["a \" b", *n]
`},
		{"alias of a list", deployment, containers + "[3].args", source.SnippetOptions{Skip: 4, Dedent: true}, `
30 | - args: &args
   | ...
32 | - args: *args
   |   ^^^^ here
`},
		{"through an alias", deployment, containers + "[3].args[0]", source.SnippetOptions{Skip: 4, Dedent: true}, `
30 | - args: &args
31 |   - -x
   |     ^^ here
32 | - args: *args
`},
		{"plain scalar of several lines", deployment, containers + "[side].note", source.SnippetOptions{Skip: 5, Dedent: true}, `
28 | note: long
   |       ^^^^ here
`},
		{"tag and value on two lines", deployment, containers + "[3].tag", source.SnippetOptions{Skip: 5, Dedent: true}, `
33 | tag: !!str
34 |   "on the next line"
   |   ^^^^^^^^^^^^^^^^^^ here
`},
		{"absent in a list item", deployment, containers + "[0].livenessProbe.httpGet", in, `
13 | containers:
14 | - image: nginx # c
15 |   name: web
   |         ^^^ here
`},
		{"absent below an empty value", deployment, containers + "[0].resources.limits.memory", source.SnippetOptions{Skip: 5, Dedent: true}, `
21 | resources:
   | ^^^^^^^^^ here
`},
		{"absent item", deployment, containers + "[9].image", in, `
13 | containers:
   | ^^^^^^^^^^ here
`},
		{"absent name", deployment, containers + "[nope].image", in, `
13 | containers:
   | ^^^^^^^^^^ here
`},
		{"absent at the top", deployment, "status.phase", source.SnippetOptions{}, `
 1 | apiVersion: apps/v1
   | ^^^^^^^^^^ here
`},
		{"empty path", deployment, "", source.SnippetOptions{}, `
 1 | apiVersion: apps/v1
   | ^^^^^^^^^^ here
`},
		{"context", deployment, "metadata.annotations[a.b/c]", source.SnippetOptions{Context: 1}, `
 3 | metadata:
   | ...
 5 |   annotations:
 6 |     a.b/c: "x"
   |            ^^^ here
 7 |     "8080": eighty
`},
		{"at most two lines", deployment, containers + "[0].env.b.c", source.SnippetOptions{Skip: 3, MaxLines: 2, Dedent: true}, `
15 | name: web
   | ...
22 | env: {a: 1, b: {c: 2}}
   |                    ^ here
`},
		{"block scalar", "a: 1\nb:\n  c: >-\n    x\n    y\n", "b.c", source.SnippetOptions{}, `
 2 | b:
 3 |   c: >-
   |   ^ here
`},
		{"merge", "x: &x\n  a: 1\n  b: 2\nz:\n  <<: *x\n  c: 3\n", "z.b", source.SnippetOptions{}, `
 1 | x: &x
   | ...
 3 |   b: 2
   |      ^ here
 4 | z:
 5 |   <<: *x
`},
		{"merge, overwritten", "x: &x {a: 1}\nz: {<<: *x, a: 2}\n", "z.a", source.SnippetOptions{}, `
 2 | z: {<<: *x, a: 2}
   |                ^ here
`},
		{"empty list item", "a:\n- x\n-\n- y\n", "a[1]", source.SnippetOptions{}, `
 1 | a:
   | ...
 3 | -
   | ^ here
`},
		{"empty collection in a list", "a:\n- {}\n- b\n", "a[0]", source.SnippetOptions{}, `
 1 | a:
 2 | - {}
   |   ^^ here
`},
		{"root list", "- name: x\n  a: 1\n- name: y\n  a: 2\n", "[y].a", source.SnippetOptions{}, `
 3 | - name: y
 4 |   a: 2
   |      ^ here
`},
		{"root scalar", "just text\n", "a.b", source.SnippetOptions{}, `
 1 | just text
   | ^^^^^^^^^ here
`},
		{"second document", "a: 1\n---\nb:\n  c: 1\n", "b.c", source.SnippetOptions{}, `
 3 | b:
 4 |   c: 1
   |      ^ here
`},
		{"broken document", "a: 1\n---\n\nb: c: d\n", "b.c", source.SnippetOptions{}, `
 4 | b: c: d
   | ^ here
`},
		{"crlf", "a: 1\r\nb:\r\n  c: xyz\r\n", "b.c", source.SnippetOptions{}, `
 2 | b:
 3 |   c: xyz
   |      ^^^ here
`},
		{"json with tabs", "{\n\t\"a\": {\n\t\t\"l\": [\n\t\t\t{\n\t\t\t\t\"x\": 10,\n\t\t\t\t\"name\": \"n\"\n\t\t\t}\n\t\t]\n\t}\n}\n", "a.l[n].x", source.SnippetOptions{Dedent: true}, `
 2 | "a": {
 3 |     "l": [
 4 |         {
 5 |             "x": 10,
   |                  ^^ here
 6 |             "name": "n"
`},
		{"json on one line", "{\"a\": {\"b\": \"\\ud83d\\ude00\", \"c\": [true]}}", "a.c[0]", source.SnippetOptions{}, `
 1 | {"a": {"b": "\ud83d\ude00", "c": [true]}}
   |                                   ^^^^ here
`},
		{"wide and combining characters", "{世界: 1, e\u0301: 2, 😀: 3, z: ünï}\n", "z", source.SnippetOptions{}, `
 1 | {世界: 1, e` + "\u0301" + `: 2, 😀: 3, z: ünï}
   |                           ^^^ here
`},
		{"wide characters marked", "a: 世界\n", "a", source.SnippetOptions{}, `
 1 | a: 世界
   |    ^^^^ here
`},
		{"invisible characters are spelled out", "{a\u200b: \"\u202ex\", b: '\u00a0', c: 3}\n", "b", source.SnippetOptions{}, `
 1 | {a\u200b: "\u202ex", b: '\u00a0', c: 3}
   |                         ^^^^^^^^ here
`},
		{"escape sequences", "a: 1\n# \x1b[31m\nb: \"\x7f\"\n", "x", source.SnippetOptions{Context: 2}, `
 1 | a: 1
   | ^ here
 2 | # ^[[31m
 3 | b: "^?"
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			docs, errs := source.Parse("f.yaml", []byte(tt.text))
			if len(docs) == 0 || len(errs) > 0 {
				t.Fatalf("Parse: %v", errs)
			}
			d := docs[len(docs)-1]
			got := "\n" + draw(d.Snippet([]source.Mark{{Path: source.ParsePath(tt.path), Label: "here", Primary: true}}, tt.options))
			if got != tt.want {
				t.Errorf("got:%s\nwant:%s", got, tt.want)
			}
		})
	}
}

func TestSnippetOfConcatenatedJSON(t *testing.T) {
	docs, _ := source.Parse("f.json", []byte("{\"a\": 1}\n{\"a\": 2} {\"a\": 3}"))
	got := draw(docs[2].Snippet([]source.Mark{{Path: source.ParsePath("a"), Label: "here"}}, source.SnippetOptions{}))
	if want := " 2 | {\"a\": 2} {\"a\": 3}\n   |                ~ here\n"; got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestSnippetOfSeveralMarks(t *testing.T) {
	marks := []source.Mark{
		{Path: source.ParsePath("spec.template.spec.containers[0].env.b"), Label: "second"},
		{Path: source.ParsePath("spec.template.spec.containers[0].env.a"), Label: "first", Primary: true},
		{Path: source.ParsePath("metadata.name"), Label: "of this"},
	}
	d := only(t, deployment)
	for _, tt := range []struct {
		name    string
		options source.SnippetOptions
		want    string
	}{
		{"all", source.SnippetOptions{}, `
 3 | metadata:
 4 |   name: web
   |         ~~~ of this
   | ...
 9 | spec:
11 |   template:
12 |     spec:
13 |       containers:
14 |       - image: nginx # c
15 |         name: web
   | ...
22 |         env: {a: 1, b: {c: 2}}
   |                  ^ first
   |                     ~ second
`},
		{"bounded", source.SnippetOptions{Skip: 4, MaxLines: 4}, `
 4 |   name: web
   |         ~~~ of this
   | ...
14 |       - image: nginx # c
15 |         name: web
   | ...
22 |         env: {a: 1, b: {c: 2}}
   |                  ^ first
   |                     ~ second
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := "\n" + draw(d.Snippet(marks, tt.options)); got != tt.want {
				t.Errorf("got:%s\nwant:%s", got, tt.want)
			}
		})
	}
	if got := d.Snippet(nil, source.SnippetOptions{}); got != nil {
		t.Errorf("no marks give %v", got)
	}
}

func TestLocate(t *testing.T) {
	d := only(t, deployment)
	for path, want := range map[string]source.Span{
		"":                           {Line: 1, Column: 1, Length: 10, Exact: true},
		"kind":                       {Line: 2, Column: 7, Length: 10, Exact: true},
		"metadata":                   {Line: 3, Column: 1, Length: 8, Exact: true},
		"metadata.labels.app":        {Line: 3, Column: 1, Length: 8},
		"metadata.name.x":            {Line: 4, Column: 9, Length: 3},
		"spec.template.spec.volumes": {Line: 12, Column: 5, Length: 4},
	} {
		if got := d.Locate(source.ParsePath(path)); got != want {
			t.Errorf("Locate(%q)\ngot  %+v\nwant %+v", path, got, want)
		}
	}
}
