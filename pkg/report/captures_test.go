package report_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// explained is the report on one target of a capture.
func explained(t *testing.T, state, target string) *report.Report {
	t.Helper()
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	s, fetcher, problems, err := collect.Archive(os.DirFS(filepath.Join("../../test/captures", state)))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	targets, err := collect.TargetsIn(s, "", nil, []string{target})
	if err != nil {
		t.Fatal(err)
	}
	if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
		t.Fatal(err)
	}
	b := report.NewBuilder("explain", s, eng)
	b.Explain(eng.Explain(s, targets))
	return b.Report
}

// What a fix says of how a changed object reaches its pods.
func TestFixReachesPods(t *testing.T) {
	for target, want := range map[string]struct{ command, notes string }{
		"rs/keeps":         {"set env replicaset/keeps", "does not replace the pod by itself: then kubectl --context real -n odd delete pod/keeps-"},
		"rs/mended":        {"delete pod/mended-67tjc", ""},
		"rc/mended-rc":     {"delete pod/mended-rc-", ""},
		"pod/bare-image":   {"set image pod/bare-image", ""},
		"pod/image-volume": {"", "cannot be changed in place"},
		"deploy/back":      {"set env deployment/back", ""},
	} {
		fix := explained(t, "fixes-odd", target).Findings[0].Fix
		notes := strings.Join(fix.Notes, "\n")
		if !strings.Contains(fix.Command, want.command) || want.command == "" && fix.Command != "" || !strings.Contains(notes, want.notes) || want.notes == "" && notes != "" {
			t.Errorf("%s: %q, %q; want %v", target, fix.Command, notes, want)
		}
	}
}

// To go back is offered only to what is known to have worked, or may have where the new revision replaced it.
func TestUndo(t *testing.T) {
	for _, c := range []struct {
		state, target string
		undo          bool
	}{
		{"fixes-odd", "deploy/back", false},
		{"rollout-deadline", "deploy/web", true},
		{"rollout-both-broken", "deploy/web", false},
	} {
		for _, e := range explained(t, c.state, c.target).Explained {
			if e.Changed == nil {
				if c.undo {
					t.Errorf("%s: nothing was changed", c.state)
				}
				continue
			}
			if got := e.Changed.Undo != ""; got != c.undo {
				t.Errorf("%s: undo %q, and %d pods of the old revision are ready", c.state, e.Changed.Undo, e.Changed.From.ReadyPods)
			}
		}
	}
}

// Where no cause is known, what Kubernetes warns of is told: masked, and not where the state says it already.
func TestWarning(t *testing.T) {
	e := explained(t, "fixes-odd", "pod/no-user-namespace").Explained[0]
	if e.Warning == nil || e.Warning.Time == nil || !strings.Contains(e.Warning.Text, "FailedCreatePodSandBox: \"Failed to create pod sandbox: can't set `spec.hostUsers: false`") {
		t.Errorf("warning %v", e.Warning)
	}
	for _, target := range []string{"pod/nfs", "deploy/back"} {
		if e := explained(t, "fixes-odd", target).Explained[0]; e.Warning != nil {
			t.Errorf("%s has a verdict, and the warning %v", target, e.Warning)
		}
	}
}
