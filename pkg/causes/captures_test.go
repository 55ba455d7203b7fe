package causes_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// captures holds what a real kubelet showed; see its README.
const captures = "../../test/captures"

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
	files, err := filepath.Glob(filepath.Join(captures, "*", "expect.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in %s: %v", captures, err)
	}
	folders, _ := filepath.Glob(filepath.Join(captures, "*", "README.txt"))
	if len(folders) != len(files) {
		t.Errorf("%d captures, and %d of them with expect.txt", len(folders), len(files))
	}
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			data, err := os.ReadFile(file)
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
