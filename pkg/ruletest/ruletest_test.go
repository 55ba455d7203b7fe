package ruletest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// recorder is a T that only remembers.
type recorder struct{ errors []string }

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// latest finds images without a tag; it stands for any check.
func latest() *rule.Check {
	const doc = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: %s}]}\n"
	return &rule.Check{
		ID: "no-tag", Title: "image without a tag", Dimension: rule.Maintenance, Severity: rule.Low, On: rule.Pods,
		Doc:     rule.Doc{Title: "t", Why: "w", Before: fmt.Sprintf(doc, "web"), After: fmt.Sprintf(doc, "web:1")}.Given,
		Applies: func(p *rule.Pass) bool { return p.Object.Name != "other" },
		Run: func(p *rule.Pass) {
			for i, c := range p.Object.Pod().Spec.Containers {
				path := field.NewPath("spec", "containers").Index(i)
				switch {
				case c.Image == "":
					p.Reportf(path.Child("image"), "no image")
				case !strings.Contains(c.Image, ":"):
					setting := rule.Setting{Object: p.Object.Ref, Path: path.Child("image")}
					p.Reportf(path.Child("image"), "image %q has no tag", c.Image).
						WithFix(rule.Fix{Title: "name one", Applicability: rule.Placeholders, Patch: setting.ReplaceValue(c.Image, c.Image+":1")})
				}
			}
		},
	}
}

const (
	pod    = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: app\n    image: %s\n"
	firing = "web  # want no-tag \"image .web. has no tag\""
)

func fixtures(files map[string]string) map[string]string {
	all := map[string]string{
		"untagged.yaml":        fmt.Sprintf(pod, firing),
		"untagged.fixed.yaml":  fmt.Sprintf(pod, "web:1"),
		"tagged.yaml":          fmt.Sprintf(pod, "web:1"),
		"lookalike-port.yaml":  fmt.Sprintf(pod, "registry:5000/web"),
		"absent.yaml":          "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: web}\n  spec:\n    containers:\n    - name: app  # want no-tag(image) \"no image\"\n",
		"two-on-one-line.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: a, image: a}, {name: b, image: b}]\n  # want-above no-tag \"a\" no-tag \"b\"\n",
	}
	for name, text := range files {
		if text == "" {
			delete(all, name)
			continue
		}
		all[name] = text
	}
	return all
}

func TestRunner(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		check func(*rule.Check)
		want  []string // what each error holds; none: green
	}{
		{name: "green"},
		{name: "leftover want", files: map[string]string{"tagged.yaml": fmt.Sprintf(pod, "web:1  # want no-tag \"has no tag\"")},
			want: []string{`tagged.yaml:7: no such finding: no-tag "has no tag"`, "no silent fixture"}},
		{name: "unexpected finding", files: map[string]string{"more.yaml": fmt.Sprintf(pod, "other")},
			want: []string{`more.yaml:7: unexpected finding: no-tag low "image \"other\" has no tag"`}},
		{name: "other message", files: map[string]string{"more.yaml": fmt.Sprintf(pod, "other  # want no-tag \"has no digest\"")},
			want: []string{"more.yaml:7: unexpected finding", "more.yaml:7: no such finding"}},
		{name: "other severity", files: map[string]string{"more.yaml": fmt.Sprintf(pod, "other  # want no-tag high \"has no tag\"")},
			want: []string{"more.yaml:7: unexpected finding: no-tag low", "more.yaml:7: no such finding: no-tag high \"has no tag\""}},
		{name: "that severity", files: map[string]string{"more.yaml": fmt.Sprintf(pod, "other  # want no-tag low \"has no tag\"")}},
		{name: "other line", files: map[string]string{"more.yaml": strings.Replace(fmt.Sprintf(pod, "other"), "- name: app", "- name: app  # want no-tag \"no tag\"", 1)},
			want: []string{"more.yaml:7: unexpected finding", "more.yaml:6: no such finding"}},
		{name: "the parent of an absent field", files: map[string]string{"absent.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: app  # want no-tag \"no image\"\n"},
			want: []string{"absent.yaml:6: unexpected finding: no-tag(image)", "absent.yaml:6: no such finding"}},
		{name: "want of another check", files: map[string]string{"tagged.yaml": fmt.Sprintf(pod, "web:1  # want other \"x\"")},
			want: []string{"tagged.yaml:7: want of other", "tagged.yaml:7: no such finding", "no silent fixture"}},
		{name: "want without quotes", files: map[string]string{"tagged.yaml": fmt.Sprintf(pod, "web:1  # want no-tag tag")},
			want: []string{"tagged.yaml:7: want no-tag: the regular expression stands in quotes"}},
		{name: "nothing fires", files: map[string]string{"untagged.yaml": "", "untagged.fixed.yaml": "", "absent.yaml": "", "two-on-one-line.yaml": ""},
			want: []string{"no fixture in which it fires"}},
		{name: "no look-alike", files: map[string]string{"lookalike-port.yaml": ""}, want: []string{"only looks like it"}},
		{name: "silent, but not judged", files: map[string]string{"tagged.yaml": strings.Replace(fmt.Sprintf(pod, "web"), "name: web", "name: other", 1)},
			want: []string{"no silent fixture in which an object passes"}},
		{name: "the fix does something else", files: map[string]string{"untagged.fixed.yaml": fmt.Sprintf(pod, "web:2")},
			want: []string{"untagged.fixed.yaml: pod/web differs"}},
		{name: "a placeholder is filled in", check: func(c *rule.Check) {
			run := c.Run
			c.Run = func(p *rule.Pass) {
				if image := p.Object.Pod().Spec.Containers[0].Image; image == "web" {
					p.Reportf(field.NewPath("spec", "containers").Index(0).Child("image"), "image %q has no tag", image).
						WithFix(rule.Fix{Title: "name one", Applicability: rule.Placeholders, Patch: p.Put(field.NewPath("spec", "containers").Index(0).Child("image"), "<IMAGE>")})
					return
				}
				run(p)
			}
		}},
		{name: "the fix mends nothing", files: map[string]string{"untagged.fixed.yaml": fmt.Sprintf(pod, "web")},
			want: []string{"untagged.fixed.yaml:7: still found", "differs"}},
		{name: "no fix", files: map[string]string{"absent.fixed.yaml": fmt.Sprintf(pod, "web:1")},
			want: []string{`absent.yaml: no patch for "no image"`, "differs"}},
		{name: "mended form of nothing", files: map[string]string{"lost.fixed.yaml": fmt.Sprintf(pod, "web:1")},
			want: []string{"lost.fixed.yaml: the fixture that it is the mended form of is missing"}},
		{name: "broken file", files: map[string]string{"more.yaml": "a: [\n"}, want: []string{"more.yaml: "}},
		{name: "a check that panics", check: func(c *rule.Check) { c.Run = func(*rule.Pass) { panic("oh") } },
			want: []string{"rule failed: oh", "rule failed: oh"}},
		{name: "Before is silent", check: documented(func(d *rule.Doc) { d.Before = d.After }), want: []string{"no-tag: nothing is found in Before"}},
		{name: "After fires", check: documented(func(d *rule.Doc) { d.After = d.Before }), want: []string{"no-tag: After, line 4:"}},
		{name: "full stop", check: func(c *rule.Check) {
			run := c.Run
			c.Run = func(p *rule.Pass) {
				run(p)
				if p.Object.Name == "web" && p.Object.Pod().Spec.Containers[0].Image == "web:1" {
					p.Report(rule.Finding{Message: "Bad."})
				}
			}
		}, want: []string{`message "Bad."`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := latest()
			if tt.check != nil {
				tt.check(c)
			}
			dir := write(t, fixtures(tt.files))
			got := &recorder{}
			One(got, dir, c)
			for _, want := range tt.want {
				found := false
				for _, e := range got.errors {
					found = found || strings.Contains(e, want)
				}
				if !found {
					t.Errorf("no error with %q", want)
				}
			}
			if len(tt.want) == 0 && len(got.errors) > 0 || len(tt.want) > 0 && len(got.errors) < len(tt.want) {
				t.Errorf("%d errors", len(got.errors))
			}
			if t.Failed() {
				t.Logf("got:\n%s", strings.Join(got.errors, "\n"))
			}
		})
	}
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "no-tag"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, "no-tag", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWhole(t *testing.T) {
	dir := write(t, nil)
	other := latest()
	other.ID = "another"
	for _, tt := range []struct {
		name   string
		checks []*rule.Check
		want   string
	}{
		{"green", []*rule.Check{latest()}, ""},
		{"order", []*rule.Check{latest(), other}, "not in the order"},
		{"a folder without check", []*rule.Check{other}, "no-tag: there is no check of that name"},
		{"two of one name", []*rule.Check{latest(), latest()}, "two of that name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := &recorder{}
			Whole(got, dir, tt.checks)
			if text := strings.Join(got.errors, "\n"); (text == "") != (tt.want == "") || !strings.Contains(text, tt.want) {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// TestPosition holds that the line of a finding in an item of a List is that of the file.
func TestPosition(t *testing.T) {
	r := &runner{T: t, check: latest()}
	s, res := r.run("list", fixtures(nil)["absent.yaml"])
	if len(res.Findings) != 1 {
		t.Fatal(res.Findings)
	}
	if line, exact := locate(s, res.Findings[0]); line != 9 || exact {
		t.Errorf("line %d, exact %v", line, exact)
	}
	if o, _ := s.Lookup(snapshot.PodKind, "default", "web"); o == nil {
		t.Error("the namespace of fixtures is default")
	}
}

// documented changes the document of a check.
func documented(change func(*rule.Doc)) func(*rule.Check) {
	return func(c *rule.Check) {
		doc := c.Doc.Read()
		change(&doc)
		c.Doc = doc.Given
	}
}
