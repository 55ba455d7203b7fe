package checks_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// defended are the findings on applications that are well kept, and why each is right to be said.
var defended = map[string]string{
	"host-path daemonset/kindling-agent":                            "an agent for logs reads those of the node, and keeps where it was there: true, needed, and worth knowing",
	"run-as-nonroot daemonset/kindling-agent":                       "the log files of the kubelet are root's",
	"replicas-min statefulset/larder-writer":                        "there is one writer by design; while its pod moves nothing can be written",
	"readiness-missing statefulset/larder-writer":                   "an exporter beside the server: low, since no Service leads to it alone",
	"readiness-missing statefulset/larder-replica":                  "the same",
	"readiness-missing deployment/thumbforge-worker":                "nothing sends it requests: low",
	"pdb-eviction-policy poddisruptionbudget/driftwatch-controller": "the API's own documentation recommends AlwaysAllow",
	"pdb-eviction-policy poddisruptionbudget/orchardmap-web":        "the same",
	"pdb-eviction-policy poddisruptionbudget/thumbforge-worker":     "the same",
}

// TestWellKept holds that what good public projects ship has no finding that would stop a release, and that every
// lesser one can be defended.
func TestWellKept(t *testing.T) {
	files, err := filepath.Glob("testdata/wellkept/*.yaml")
	if err != nil || len(files) != 10 {
		t.Fatal(files, err)
	}
	eng, err := engine.New(checks.All(), nil)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, file := range files {
		s, problems, err := collect.Files(collect.FileOptions{Paths: []string{file}, Namespace: "default", Now: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)})
		if err != nil || len(problems) > 0 {
			t.Fatal(file, err, problems)
		}
		res := eng.Check(s, nil)
		for _, f := range res.Findings {
			key := f.Rule + " " + f.Object.String()
			said[key] = true
			switch {
			case f.Severity.Rank() <= rule.Severity(rule.High).Rank():
				t.Errorf("%s: %s %s: %s", file, f.Severity, key, f.Message)
			case f.Severity != rule.Info && defended[key] == "":
				t.Errorf("%s: nobody defends %s %s: %s", file, f.Severity, key, f.Message)
			}
		}
		if len(res.NotEvaluated) > 0 {
			t.Errorf("%s: %v", file, res.NotEvaluated)
		}
	}
	for key := range defended {
		if !said[key] {
			t.Errorf("%s is not said any more", key)
		}
	}
}
