// Package ruletest runs checks over fixtures: manifests whose comments say what a check finds in
// them, and on which line.
//
// A fixture of a check is any testdata/ID/*.yaml in the package under test:
//
//	containers:
//	- name: app               # want probe-missing(readinessProbe) "no readiness probe"
//	  emptyDir: {}            # want emptydir-no-limit "may grow"
//
// A want names the check and a regular expression for the message; it stands on the line that the
// finding marks. Where the field is absent the line is that of its nearest parent, and the want
// names the field's last element in parentheses. Where the severity is the point it stands before the
// message: want probe-missing(readinessProbe) high "...". What is wanted on a line that cannot carry a
// comment stands on the line below as "want-above". Several wants may stand on one line.
//
// Wants without a finding and findings without a want both fail; a fixture without wants asserts
// silence. A first line "# closed" says that the input is complete, and one that starts with "# rules:" is what
// maturity.yaml says of the rule. NAME.fixed.yaml is what NAME.yaml
// is once the patches of all its findings are applied.
package ruletest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// T is what the runner needs of a *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// now is the clock of all fixtures.
var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// Run judges the fixtures and documents of the checks of one package.
func Run(t *testing.T, checks ...*rule.Check) {
	t.Helper()
	Whole(t, "testdata", checks)
	for _, c := range checks {
		t.Run(c.ID, func(t *testing.T) { One(t, "testdata", c) })
	}
}

// Whole looks at what concerns all checks of a package: that they are well formed and in order, and
// that no folder of fixtures is left without its check.
func Whole(t T, testdata string, checks []*rule.Check) {
	t.Helper()
	if err := errors.Join(rule.Validate(checks, nil), rule.ValidateDocs(checks, nil)); err != nil {
		t.Errorf("%v", err)
	}
	if !slices.IsSortedFunc(checks, func(a, b *rule.Check) int { return strings.Compare(a.ID, b.ID) }) {
		t.Errorf("the checks are not in the order of their names")
	}
	folders, err := os.ReadDir(testdata)
	if err != nil && len(checks) > 0 {
		t.Errorf("no fixtures: %v", err)
	}
	for _, f := range folders {
		if f.IsDir() && !slices.ContainsFunc(checks, func(c *rule.Check) bool { return c.ID == f.Name() }) {
			t.Errorf("%s: there is no check of that name", filepath.Join(testdata, f.Name()))
		}
	}
}

// One judges the fixtures and the document of one check.
func One(t T, testdata string, check *rule.Check) {
	t.Helper()
	r := &runner{T: t, check: check}
	files, err := filepath.Glob(filepath.Join(testdata, check.ID, "*.yaml"))
	if err != nil {
		t.Errorf("%v", err)
	}
	var fires, silent, lookalike bool
	for _, file := range files {
		if strings.HasSuffix(file, ".fixed.yaml") {
			if _, err := os.Stat(strings.TrimSuffix(file, ".fixed.yaml") + ".yaml"); err != nil {
				t.Errorf("%s: the fixture that it is the mended form of is missing", file)
			}
			continue
		}
		wants, passed := r.fixture(file)
		alike := strings.Contains(filepath.Base(file), "lookalike")
		fires = fires || wants > 0
		silent = silent || wants == 0 && passed > 0 && !alike
		lookalike = lookalike || alike
	}
	if !fires {
		t.Errorf("%s: no fixture in which it fires", check.ID)
	}
	if !silent {
		t.Errorf("%s: no silent fixture in which an object passes (look-alikes do not count)", check.ID)
	}
	if !lookalike {
		t.Errorf("%s: no fixture of something that only looks like it (a file name with \"lookalike\")", check.ID)
	}
	r.document()
}

type runner struct {
	T
	check *rule.Check
}

// run judges one text with the check; nil where it could not be used.
func (r *runner) run(name, text string) (*snapshot.Snapshot, *engine.Result) {
	r.Helper()
	on := *r.check
	on.Off = false // what runs only where somebody asks for it is asked for here
	eng, err := engine.New([]*rule.Check{&on}, nil)
	if err != nil {
		r.Errorf("%v", err)
		return nil, nil
	}
	first, _, _ := strings.Cut(text, "\n")
	if rules, ok := strings.CutPrefix(first, "# rules:"); ok {
		c, err := config.Parse(name, []byte("apiVersion: "+config.APIVersion+"\nkind: "+config.Kind+"\nrules:"+rules+"\n"), config.Known{Checks: eng.Checks})
		if err != nil {
			r.Errorf("%s: %v", name, err)
			return nil, nil
		}
		eng.Checks = c.Apply(eng.Checks)
	}
	s, problems, err := collect.Files(collect.FileOptions{
		Paths: []string{"-"}, In: strings.NewReader(text), Namespace: "default", Now: now,
		Closed: strings.TrimSpace(first) == "# closed",
	})
	if err != nil {
		r.Errorf("%s: %v", name, err)
		return nil, nil
	}
	for _, p := range problems {
		r.Errorf("%s: %v", name, p)
	}
	res := eng.Check(s, nil)
	for _, n := range res.NotEvaluated {
		if n.Reason == snapshot.ReasonFailed {
			r.Errorf("%s: %s: %s", name, n.Object, n.Detail)
		}
	}
	for _, f := range res.Findings {
		r.lint(name, f)
	}
	return s, &res
}

// lint holds the style of what checks say.
func (r *runner) lint(name string, f *rule.Finding) {
	r.Helper()
	switch {
	case f.Message == "" || strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "\n"):
		r.Errorf("%s: message %q: one line, without a full stop", name, f.Message)
	case f.Field == nil && f.NoField == "":
		r.Errorf("%s: %q names no field, and no reason why there is none", name, f.Message)
	case f.Fix != nil && (f.Fix.Title == "" || f.Fix.Applicability == ""):
		r.Errorf("%s: the fix of %q needs a title and an applicability", name, f.Message)
	}
}

// fixture judges one file. It tells how many wants it has and how many objects passed.
func (r *runner) fixture(file string) (wanted, passed int) {
	r.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		r.Errorf("%v", err)
		return 0, 0
	}
	wants, errs := parseWants(string(data))
	for _, err := range errs {
		r.Errorf("%s:%v", file, err)
	}
	for _, w := range wants {
		if w.id != r.check.ID {
			r.Errorf("%s:%d: want of %s in the folder of %s", file, w.line, w.id, r.check.ID)
		}
	}
	s, res := r.run(file, string(data))
	if res == nil {
		return len(wants), 0
	}
	for _, f := range res.Findings {
		line, exact := locate(s, f)
		last := lastElement(f)
		i := slices.IndexFunc(wants, func(w *want) bool { return !w.met && w.line == line && w.matches(f, last, exact) })
		if i < 0 {
			r.Errorf("%s:%d: unexpected finding: %s %s %q", file, line, nameOf(f.Rule, last, exact), f.Severity, f.Message)
			continue
		}
		wants[i].met = true
	}
	for _, w := range wants {
		if !w.met {
			r.Errorf("%s:%d: no such finding: %s", file, w.line, w)
		}
	}
	r.fixed(file, s, res.Findings)
	for _, t := range res.Tallies {
		passed += t.Pass
	}
	return len(wants), passed
}

// document runs the examples of the check's document.
func (r *runner) document() {
	r.Helper()
	doc := r.check.Doc.Read()
	if _, res := r.run(r.check.ID+": Before", doc.Before); res != nil && len(res.Findings) == 0 {
		r.Errorf("%s: nothing is found in Before", r.check.ID)
	}
	s, res := r.run(r.check.ID+": After", doc.After)
	if res == nil {
		return
	}
	for _, f := range res.Findings {
		line, _ := locate(s, f)
		r.Errorf("%s: After, line %d: %q", r.check.ID, line, f.Message)
	}
}

// locate is the line that a finding marks, and whether its field stands there.
func locate(s *snapshot.Snapshot, f *rule.Finding) (line int, exact bool) {
	o, _ := s.Lookup(f.Object.GroupKind(), f.Object.Namespace, f.Object.Name)
	if o == nil || o.Origin == nil {
		return 0, false
	}
	path := slices.Clone(o.Origin.Prefix)
	if f.Field != nil {
		path = append(path, source.ParsePath(f.Field.String())...)
	}
	span := o.Origin.Document.Locate(path)
	return span.Line, span.Exact
}

func lastElement(f *rule.Finding) string {
	if f.Field == nil {
		return ""
	}
	path := source.ParsePath(f.Field.String())
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1].Key
}

func nameOf(id, field string, exact bool) string {
	if exact || field == "" {
		return id
	}
	return id + "(" + field + ")"
}

// want is one expectation.
type want struct {
	line     int
	id       string
	field    string
	severity rule.Severity // "": any
	message  *regexp.Regexp
	met      bool
}

func (w *want) matches(f *rule.Finding, last string, exact bool) bool {
	return w.id == f.Rule && (w.field == last || w.field == "" && exact) &&
		(w.severity == "" || w.severity == f.Severity) && w.message.MatchString(f.Message)
}

func (w *want) String() string {
	severity := ""
	if w.severity != "" {
		severity = " " + string(w.severity)
	}
	return fmt.Sprintf("%s%s %q", nameOf(w.id, w.field, w.field == ""), severity, w.message)
}

var (
	wantComment = regexp.MustCompile(`#\s*want(-above)?\s+(.*)$`)
	wantEntry   = regexp.MustCompile(`^([a-z0-9-]+)(?:\(([^)]*)\))?(?:\s+(critical|high|medium|low|info))?\s+`)
)

// parseWants reads the expectations of a fixture.
func parseWants(text string) (wants []*want, errs []error) {
	above := 0 // the last line that is no comment
	for i, row := range strings.Split(text, "\n") {
		number := i + 1
		if !strings.HasPrefix(strings.TrimSpace(row), "#") {
			above = number
		}
		m := wantComment.FindStringSubmatch(row)
		if m == nil {
			continue
		}
		line, rest := number, strings.TrimSpace(m[2])
		if m[1] != "" {
			line = above
			if above == number {
				errs = append(errs, fmt.Errorf("%d: want-above stands on a line of its own, below the one it speaks of", number))
				continue
			}
		}
		for rest != "" {
			w, after, err := parseWant(rest)
			if err != nil {
				errs = append(errs, fmt.Errorf("%d: %w", number, err))
				break
			}
			w.line, rest = line, after
			wants = append(wants, w)
		}
	}
	return wants, errs
}

func parseWant(text string) (w *want, rest string, err error) {
	m := wantEntry.FindStringSubmatch(text)
	if m == nil {
		return nil, "", fmt.Errorf("want %q: write ID \"regexp\" or ID(field) \"regexp\"", text)
	}
	quoted, err := strconv.QuotedPrefix(text[len(m[0]):])
	if err != nil {
		return nil, "", fmt.Errorf("want %s: the regular expression stands in quotes, not %s", m[1], text[len(m[0]):])
	}
	pattern, err := strconv.Unquote(quoted)
	if err != nil {
		return nil, "", fmt.Errorf("want %s: %w", m[1], err)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, "", fmt.Errorf("want %s: %w", m[1], err)
	}
	return &want{id: m[1], field: m[2], severity: rule.Severity(m[3]), message: re}, strings.TrimSpace(text[len(m[0])+len(quoted):]), nil
}
