package cluster_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// tableRow is a dimension's row of the table.
var tableRow = regexp.MustCompile(`(?m)^(reliability|security|efficiency|observability|maintenance|state|policy|delivery|troubleshooting) +\S+( +(✓|ok|-|[✗x?] \d/\d)){6}$`)

// placedTable fails the test unless a run printed the table of all dimensions, and nothing that could not be read.
func placedTable(t *testing.T, s said) {
	t.Helper()
	s.exits(t, 0)
	if rows := tableRow.FindAllString(s.out, -1); len(rows) != 9 {
		t.Errorf("%v: %d rows\n%s%s", s.args, len(rows), s.out, s.err)
	}
	for _, word := range []string{"DIMENSION", "held back by", "next 3 steps", "model 1"} {
		if !strings.Contains(s.out, word) {
			t.Errorf("%v: no %q\n%s", s.args, word, s.out)
		}
	}
	if strings.Contains(s.out, "not evaluated") || s.err != "" {
		t.Errorf("%v: something was not evaluated\n%s%s", s.args, s.out, s.err)
	}
	if strings.Contains(s.out+s.err, testcluster.PlantedSecret) {
		t.Errorf("%v shows the value of a Secret", s.args)
	}
}

// level is the output of -o json.
func (s said) level(t *testing.T) *report.Level {
	t.Helper()
	l := &report.Level{}
	if err := json.Unmarshal([]byte(s.out), l); err != nil || l.Kind != "Level" {
		t.Fatalf("%v: not a placement: %v\n%s%s", s.args, err, s.out, s.err)
	}
	return l
}

// TestLevelOfNode places a node with a real kubelet: its version and its certificates are known, and a snapshot of it
// is placed as it is.
func TestLevelOfNode(t *testing.T) {
	c := testcluster.Node(t)
	placedTable(t, maturity(t, c.Kubeconfig, "level", "-A"))
	live := maturity(t, c.Kubeconfig, "level", "-A", "-o", "json").exits(t, 0).level(t)
	for _, id := range []string{"version-supported", "versions-fit", "certificates-last", "may-look"} {
		if g := live.Gate(id); g.Verdict != report.VerdictPass {
			t.Errorf("%s: %s of %d/%d %s %v", id, g.Verdict, g.K, g.N, g.Reason, g.Evidence)
		}
	}
	if live.ServerVersion == "" || live.ClusterUID == "" {
		t.Errorf("version %q, UID %q", live.ServerVersion, live.ClusterUID)
	}

	dir := filepath.Join(t.TempDir(), "saved")
	maturity(t, c.Kubeconfig, "snapshot", dir, "-A").exits(t, 0)
	saved := maturity(t, c.Kubeconfig, "level", "-A", "--from", dir, "-o", "json").exits(t, 0).level(t)
	for _, d := range live.Dimensions {
		for _, g := range d.Gates {
			if s := saved.Gate(g.ID); s.Verdict != g.Verdict {
				t.Errorf("%s is %s (%s), and %s (%s) in a snapshot", g.ID, g.Verdict, g.Reason, s.Verdict, s.Reason)
			}
		}
	}
}
