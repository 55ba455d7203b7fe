package causes_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Events live for an hour; a verdict must not need them where the status tells enough, and must be
// less sure where the events were one of two signals.
func TestCapturesWithoutEvents(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for state, want := range map[string]struct {
		verdict   string
		certainty rule.Certainty
	}{
		"slow-start":            {"liveness-slow-start", rule.Possible},
		"startup-probe-fails":   {"startup-probe-failed", rule.Likely},
		"sidecar-startup-fails": {"startup-probe-failed", rule.Likely},
		"rollout-stuck":         {"image-not-found", rule.Certain},
		"bad-command":           {"entrypoint-not-found", rule.Certain},
		"configmap-missing":     {"cm-missing-env", rule.Certain},
		"panic":                 {"app-panic", rule.Likely},
		"init-fails":            {"init-failing", rule.Certain},
		"liveness-404":          {"liveness-slow-start", rule.Possible},
		"runtime-restarted":     {"node-rebooted", rule.Likely},
		"liveness-fails":        {"", ""},
		"job-sidecar":           {"", ""},
	} {
		t.Run(state, func(t *testing.T) {
			dir, folder := filepath.Join(captures, state), fstest.MapFS{}
			files, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if f.Name() == "events.yaml" {
					continue
				}
				data, err := os.ReadFile(filepath.Join(dir, f.Name()))
				if err != nil {
					t.Fatal(err)
				}
				folder[f.Name()] = &fstest.MapFile{Data: data}
			}
			s, fetcher, problems, err := collect.Archive(folder)
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			targets, err := collect.TargetsIn(s, "", nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
				t.Fatal(err)
			}
			diagnoses, _ := eng.Explain(s, targets)
			for _, d := range diagnoses {
				var verdict string
				var certainty rule.Certainty
				if len(d.Findings) > 0 {
					verdict, certainty = d.Findings[0].Rule, d.Findings[0].Certainty
				}
				if verdict != want.verdict || certainty != want.certainty {
					t.Errorf("%s: %s (%s), want %s (%s)", d.Target, verdict, certainty, want.verdict, want.certainty)
				}
			}
		})
	}
}
