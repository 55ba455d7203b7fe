package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// odd are documents that a parser of several must neither lose nor let into their neighbours.
var odd = []string{
	"a: 1\n",
	"- a\n- b\n",
	"# only\n# comments\n",
	"~\n",
	"!!str\n",
	"a: [1, 2\n",
	"a: \"never closed\n",
	"{a: 1}\n{b: 2}\n",
	"{a: 1}\n]\n",
	"a: 1\n  b: 2\n",
	"a: *nowhere\n",
	"a: &x 1\nb: *x\n",
	"a: *x\n",
	"%YAML 1.1\n---\na: 1\n",
	"%TAG ! tag:example.com,2000:\n---\na: !b c\n",
	"a: !c d\n",
	"--- |\n  text\n",
	"--- # comment\na: 1\n",
	"a: |+\n  kept\n\n\n",
	"a: >-\n  folded\n  text\n",
	"a: |\n  no end of line",
	"a: 1\r\nb: 2\r\n",
	"a: 1\rb: 2\r",
	"a: \"x\u2028--- y\"\n",
	"a: x\u2028---\u2028b: y\n",
	"a: b\u0085c: d\n",
	"a: 1\n\ufeff\n",
	"\ta: 1\n",
	"a: \x01\n",
	"{\"json\": 1}\n",
	"{\"json\": 1}{\"json\": 2}\n",
	"? a\n: b\n",
	"a: 1\na: 2\n",
	"@\n",
	"a:\n- b\n c: d\n",
	"value: {{ template }}\n",
	"a: 1 # foot\n# more\n",
}

// sameTrees holds that documents are the same whether they are parsed side by side or each alone.
func sameTrees(t *testing.T, docs []*Document) {
	t.Helper()
	i := 0
	for doc, tree := range Trees(docs) {
		if i >= len(docs) || doc != docs[i] {
			t.Fatalf("document %d of %d is another one", i, len(docs))
		}
		i++
		alone := doc.Tree()
		got, gotErr := tree.Decode()
		want, wantErr := alone.Decode()
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(gotErr, wantErr) {
			t.Errorf("%s:%d: %q\nside by side %v, %v\nalone        %v, %v", doc.Name, doc.Line, doc.text, got, gotErr, want, wantErr)
		}
		if alone.root == nil || tree.root == nil {
			continue
		}
		if at, want := positions(tree), positions(alone); !reflect.DeepEqual(at, want) {
			t.Errorf("%s:%d: %q: positions %v, want %v", doc.Name, doc.Line, doc.text, at, want)
		}
	}
	if i != len(docs) {
		t.Errorf("%d of %d documents", i, len(docs))
	}
}

func positions(t *Tree) [][2]int {
	var all [][2]int
	t.where.move(t.root)
	t.where = placer{line: 1}
	for _, n := range t.root.Content {
		all = append(all, [2]int{n.Line, n.Column})
	}
	return append(all, [2]int{t.root.Line, t.root.Column})
}

func TestTrees(t *testing.T) {
	var docs []*Document
	for i, first := range odd {
		for _, then := range odd {
			for _, text := range []string{odd[0], first, then, odd[(i+1)%len(odd)]} {
				parsed, _ := Parse("odd", []byte("\n\n"+text))
				docs = append(docs, parsed...)
			}
		}
	}
	sameTrees(t, docs)
}

func TestTreesOfManifests(t *testing.T) {
	var docs []*Document
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" || strings.Contains(strings.TrimPrefix(path, "../.."), "/.") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, _ := Parse(path, data)
		docs = append(docs, parsed...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	together := 0
	for _, d := range docs {
		if d.joins() {
			together++
		}
	}
	if together < len(docs)*9/10 {
		t.Errorf("%d of %d documents are parsed side by side", together, len(docs))
	}
	sameTrees(t, docs)
}

// TestTreesStopped holds that nothing more is parsed for who has seen enough.
func TestTreesStopped(t *testing.T) {
	docs, _ := Parse("three", []byte("a: 1\n---\nb: 2\n---\nc: [\n---\nd: 4\n"))
	for stop := range docs {
		seen := 0
		for range Trees(docs) {
			if seen++; seen > stop {
				break
			}
		}
		if seen != stop+1 {
			t.Errorf("%d seen, want %d", seen, stop+1)
		}
	}
}

func FuzzTrees(f *testing.F) {
	f.Add([]byte(strings.Join(odd, "---\n")))
	for _, text := range odd {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, _ := Parse("fuzz", data)
		around, _ := Parse("around", []byte("a: 1\n---\nb:\n  c: 2\n"))
		sameTrees(t, append(append(around[:1:1], docs...), around[1:]...))
	})
}
