package report

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// pictureLines is how many lines a picture may have; one problem is to fit one screen.
const pictureLines = 24

// picture is what draws the part of object's text that f speaks of, and where in the user's files that is.
// Most findings of a long list are never drawn.
func (b *Builder) picture(object *snapshot.Object, prefix string, f *rule.Finding) (func() *Picture, *Position) {
	draw := sync.OnceValue(func() *Picture {
		doc, root := object.Document()
		if doc == nil {
			return nil
		}
		at := place(root, prefix, f.Field)
		marks := []source.Mark{{Path: at, Label: f.Label, Primary: true, Key: f.AtKey}}
		for _, m := range f.Marks {
			marks = append(marks, source.Mark{Path: place(root, prefix, m.Field), Label: m.Label})
		}
		doc = written(object, doc, marks)
		at = marks[0].Path
		pic := &Picture{
			Title:  object.String(),
			Lines:  doc.Snippet(marks, source.SnippetOptions{Skip: len(root) + leading(at[len(root):]), MaxLines: pictureLines, Dedent: true}),
			Number: doc.Name != "",
		}
		hideEnv(object, pic.Lines)
		hideData(object, pic.Lines)
		hideCredentials(pic.Lines)
		return pic
	})
	if object.Origin == nil {
		return draw, nil
	}
	doc, root := object.Document()
	if doc == nil || doc.Name == "" {
		return draw, nil
	}
	doc, at := object.Origin.Place(place(root, prefix, f.Field))
	span := doc.Locate(at)
	if f.AtKey {
		span = doc.LocateKey(at)
	}
	return draw, &Position{File: doc.Name, Line: span.Line, Column: span.Column, Source: sourceOf(object.Origin, doc)}
}

// sourceOf is the file that people edit, where doc is what a tool made of it.
func sourceOf(o *snapshot.Origin, doc *source.Document) string {
	if doc == o.Document {
		return o.Source
	}
	return ""
}

// written is the document to draw marks in: where people wrote all of them, or else what a tool made of it. The
// paths become those of that document.
func written(object *snapshot.Object, doc *source.Document, marks []source.Mark) *source.Document {
	if object.Origin == nil || doc != object.Origin.Document {
		return doc
	}
	paths := make([]source.Path, len(marks))
	own := doc
	for i, m := range marks {
		d, at := object.Origin.Place(m.Path)
		if i > 0 && d != own {
			return doc
		}
		own, paths[i] = d, at
	}
	if own != doc && hidesMore(object, own) {
		return doc
	}
	for i := range marks {
		marks[i].Path = paths[i]
	}
	return own
}

// hidesMore tells whether a document that an object was made of holds values that are blanked out in pictures and
// that the object itself has not, since something else was laid over them: nothing would blank them out.
func hidesMore(object *snapshot.Object, doc *source.Document) bool {
	if object.GroupKind() == snapshot.ConfigMapKind {
		return true
	}
	known := map[string]bool{}
	for _, t := range object.Templates {
		for _, c := range t.Containers() {
			for _, e := range c.Env {
				known[e.Value] = true
			}
		}
	}
	var more func(value any, env bool) bool
	more = func(value any, env bool) bool {
		switch v := value.(type) {
		case map[string]any:
			if text, ok := v["value"].(string); ok && env && !known[text] {
				return true
			}
			for key, below := range v {
				if more(below, key == "env") {
					return true
				}
			}
		case []any:
			return slices.ContainsFunc(v, func(item any) bool { return more(item, env) })
		}
		return false
	}
	content, err := doc.Decode()
	return err != nil || more(content, false)
}

// place is a field's path in the document that holds its object at root.
func place(root source.Path, prefix string, path *field.Path) source.Path {
	return append(append(source.Path{}, root...), source.ParsePath(strings.TrimPrefix(path.String(), prefix))...)
}

// leading counts the steps at the start of a path that tell a reader nothing.
func leading(path source.Path) int {
	n := 0
	for n < len(path)-1 && (path[n].Key == "spec" || path[n].Key == "template" || path[n].Key == "jobTemplate") {
		n++
	}
	return n
}

// hideEnv blanks out literal env values in drawn lines: they are where people keep passwords. What
// a mark points at stays, since the rule that marks it says so.
func hideEnv(object *snapshot.Object, lines []source.Line) {
	for _, t := range object.Templates {
		for _, c := range t.Containers() {
			for _, e := range c.Env {
				if len(e.Value) < 3 {
					continue
				}
				for i, l := range lines {
					if at := strings.Index(l.Text, e.Value); at >= 0 && strings.Contains(l.Text[:at], "value") && !marked(l, at, len(e.Value)) {
						lines[i].Text = l.Text[:at] + strings.Repeat("*", len([]rune(e.Value))) + l.Text[at+len(e.Value):]
					}
				}
			}
		}
	}
}

// hideData blanks out the values of a ConfigMap in drawn lines: which of them is a password nobody can tell.
func hideData(object *snapshot.Object, lines []source.Line) {
	cm, ok := object.Typed.(*corev1.ConfigMap)
	if !ok {
		return
	}
	blank := func(text string) string { return strings.Repeat("*", len([]rune(text))) }
	for i := range lines {
		body := strings.TrimSpace(lines[i].Text)
		key, value, ok := strings.Cut(body, ": ")
		if _, has := cm.Data[strings.Trim(key, `"'`)]; ok && has && value != "" && !strings.ContainsAny(value[:1], "|>") {
			lines[i].Text = strings.TrimSuffix(lines[i].Text, value) + blank(value)
		}
		for _, v := range cm.Data { // in block scalars, and in mappings of one line
			for row := range strings.SplitSeq(v, "\n") {
				if row = strings.TrimSpace(row); len(row) >= 3 {
					lines[i].Text = strings.ReplaceAll(lines[i].Text, row, blank(row))
				}
			}
		}
	}
}

// credentials are what arguments carry that must not be printed: user info in URLs, and flags that
// are named after a secret. YAML's own "key: value" is left alone: it is no argument.
var credentials = []*regexp.Regexp{
	regexp.MustCompile(`://([^\s/@]+)@`),
	regexp.MustCompile(`(?i)(?:password|passwd|pwd|secret|token|api[-_]?key|access[-_]?key)[a-z0-9_.-]*=([^\s"',;]+)`),
}

// hideCredentials blanks out credentials in drawn lines, marked or not; columns stay where they are.
func hideCredentials(lines []source.Line) {
	for i := range lines {
		for _, pattern := range credentials {
			for _, at := range pattern.FindAllStringSubmatchIndex(lines[i].Text, -1) {
				text := lines[i].Text
				lines[i].Text = text[:at[2]] + strings.Repeat("*", at[3]-at[2]) + text[at[3]:]
			}
		}
	}
}

func marked(l source.Line, at, length int) bool {
	column := len([]rune(l.Text[:at])) + 1
	for _, m := range l.Marks {
		if m.Column <= column+length && column <= m.Column+m.Length {
			return true
		}
	}
	return false
}
