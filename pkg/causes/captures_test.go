package causes_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// captures holds what a real kubelet showed, composed what none on one node can show; see their READMEs.
const (
	captures = "../../test/captures"
	composed = "../../test/composed"
)

// folders are all captures, and all that was composed.
func folders(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, root := range []string{captures, composed} {
		files, err := filepath.Glob(filepath.Join(root, "*", "README.txt"))
		if err != nil || len(files) == 0 && root == captures {
			t.Fatalf("nothing in %s: %v", root, err)
		}
		for _, f := range files {
			dirs = append(dirs, filepath.Dir(f))
		}
	}
	return dirs
}

// A state that somebody put together says so, and out of what; a captured one never does.
func TestComposedSaysSo(t *testing.T) {
	for _, dir := range folders(t) {
		data, err := os.ReadFile(filepath.Join(dir, "README.txt"))
		if err != nil {
			t.Fatal(err)
		}
		says := strings.HasPrefix(string(data), "composed:")
		if in := filepath.Base(filepath.Dir(dir)) == filepath.Base(composed); says != in {
			t.Errorf("%s: README.txt starts with composed: %v, want %v", dir, says, in)
		}
		if says && strings.Count(string(data), "\n") < 2 {
			t.Errorf("%s: README.txt does not say out of what it is composed", dir)
		}
	}
}

// expectation is expect.txt of a capture: the verdict on one target, "" for a healthy one.
type expectation struct {
	Target    string   `json:"target"` // TYPE/NAME; all targets of the folder without it
	Verdict   string   `json:"verdict"`
	Object    string   `json:"object,omitempty"`
	Field     string   `json:"field,omitempty"`
	Certainty string   `json:"certainty,omitempty"`
	Fix       string   `json:"fix,omitempty"` // applicability
	Also      []string `json:"also,omitempty"`
	State     string   `json:"state,omitempty"`
}

func TestCaptures(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	for _, dir := range folders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, "expect.txt"))
			if err != nil {
				t.Fatal(err)
			}
			var want []expectation
			if err := yaml.UnmarshalStrict(data, &want); err != nil {
				t.Fatal(err)
			}
			for _, w := range want {
				check(t, eng, dir, w, fired)
			}
		})
	}
	for _, c := range causes.All() {
		if !fired[c.ID] {
			t.Errorf("cause %s fires in no capture: capture one, or leave it for later", c.ID)
		}
	}
}

func check(t *testing.T, eng *engine.Engine, dir string, want expectation, fired map[string]bool) {
	t.Helper()
	s, fetcher, problems, err := collect.Archive(os.DirFS(dir))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	var args []string
	if want.Target != "" {
		args = []string{want.Target}
	}
	targets, err := collect.TargetsIn(s, "", nil, args)
	if err != nil || len(targets) == 0 {
		t.Fatalf("target %q: %v, %v", want.Target, targets, err)
	}
	if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
		t.Fatal(err)
	}
	diagnoses, failed := eng.Explain(s, targets)
	for _, f := range failed {
		t.Errorf("%s: rule failed: %+v", want.Target, f)
	}
	b := report.NewBuilder("explain", s, eng)
	b.Explain(diagnoses, nil)
	for _, e := range b.Report.Explained {
		var rules []string
		for _, i := range e.Findings {
			rules = append(rules, b.Report.Findings[i].Rule)
			fired[b.Report.Findings[i].Rule] = true
		}
		if want.Verdict == "" {
			if len(rules) > 0 {
				t.Errorf("%s: found %v, and it is healthy", e.Object, rules)
			}
			if state := stateOr(want.State, "healthy"); e.State != state {
				t.Errorf("%s: state %s (%s), want %s", e.Object, e.State, e.Text, state)
			}
			continue
		}
		if len(rules) == 0 {
			t.Errorf("%s: nothing found, want %s (state %s: %s)", e.Object, want.Verdict, e.State, e.Text)
			continue
		}
		f := b.Report.Findings[e.Findings[0]]
		got := expectation{Target: want.Target, Verdict: f.Rule, Object: f.Object.String(), Field: f.FieldName, Certainty: f.Certainty, State: want.State}
		if want.State != "" { // of what is past: the finding is history, and the state tells
			got.State = e.State
		}
		if f.Fix != nil {
			got.Fix = f.Fix.Applicability
		}
		if len(rules) > 1 {
			got.Also = rules[1:]
		}
		gotYAML, _ := yaml.Marshal(got)
		wantYAML, _ := yaml.Marshal(want)
		if string(gotYAML) != string(wantYAML) {
			t.Errorf("%s:\ngot\n%swant\n%s", e.Object, gotYAML, wantYAML)
		}
		if f.Field == "" && f.NoField == "" {
			t.Errorf("%s: no field, and no word on why", f.Rule)
		}
		if f.Certainty == string(rule.Certain) && len(f.Evidence) == 0 {
			t.Errorf("%s: certain without evidence", f.Rule)
		}
	}
}

func stateOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
