package causes_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// TestTargets holds what is said of targets that have no pods of their own, and the way from them to the
// verdict.
func TestTargets(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		state, target string
		want          string // state, verdict and what its evidence ends with, or the text of a target without
		path          string
	}{
		// A node that is well stays so, whatever runs on it.
		{"captures/oomkilled", "node/real-1", "healthy: ready; 1 pod on it is not healthy: pod/web-6c7b5b68c6-shdgj -n s-oomkilled", ""},
		{"composed/healthy-nodes", "node/real-2", "healthy: ready, and cordoned: it takes no new pods", ""},
		// One that is not names those it hurts.
		{"captures/node-not-ready", "node/real-1", "unhealthy node-notready-kubelet: 2 pods on it not healthy: pod/", ""},
		// A namespace is one line, or ends in what keeps it.
		{"captures/oomkilled", "ns/s-oomkilled", "healthy: active; kubectl maturity explain -n s-oomkilled", ""},
		{"captures/ns-terminating", "ns/s-ns-terminating", "unhealthy ns-terminating", ""},
		// What leads to pods says by which way.
		{"captures/service-not-ready", "svc/web", "unhealthy readiness-failing", "service/web pod/web-5b5986b746-645gt"},
		{"captures/evictions-blocked", "pdb/sick", "unhealthy readiness-failing", "poddisruptionbudget/sick pod/sick-7fb975c4fc-jrwzx"},
		{"composed/custom-unwell", "application.example.com/shop", "unhealthy missing-env-var", "application.example.com/shop deployment/api pod/api-65889b8b89-z5csw"},
		{"composed/custom-unwell", "database.example.com/main", "unhealthy missing-env-var", "database.example.com/main statefulset/main-pods pod/main-pods-0"},
		{"composed/custom-unwell", "widget.example.com/outer", "unhealthy missing-env-var", "widget.example.com/outer widget.example.com/inner statefulset/inner-pods pod/inner-pods-0"},
		// What no pod explains is told as its controller told it.
		{"composed/custom-unwell", "bucket.example.com/denied", "unhealthy: Synced is False for 3h", ""},
		{"composed/custom-unwell", "bucket.example.com/drifted", "unhealthy: Synced is False for ", ""},
		{"composed/custom-unwell", "certificate.example.com/web", "unhealthy: Ready is False for 3h", ""},
		{"composed/custom-unwell", "widget.example.com/short", "unhealthy: MemoryPressure is True for ", ""},
		{"composed/custom-unwell", "widget.example.com/degraded", "unhealthy: Degraded is True for ", ""},
		{"composed/custom-unwell", "widget.example.com/changed", "unknown: Ready is True of an older spec", ""},
		{"composed/custom-unwell", "widget.example.com/asked", "unknown: Ready is Unknown for ", ""},
		{"composed/custom-unwell", "widget.example.com/leaving", "unhealthy terminating-finalizer", ""},
		{"composed/custom-unwell", "taskrun.example.com/test", `unhealthy: Succeeded is False for `, ""},
		{"composed/custom-unwell", "database.example.com/failed", "unhealthy: phase Failed: disk is full", ""},
		{"composed/healthy-custom", "database.example.com/backed-up", "healthy: ready; LastBackupSucceeded is False", ""},
		{"composed/healthy-custom", "kustomization.example.com/frozen", "healthy: ready; suspended", ""},
		{"composed/routes-refused", "httproute/fine", "healthy: served by gateway shop", ""},
		{"composed/routes-refused", "httproute/mended", "unknown: what Gateways say is of an older spec", ""},
		{"captures/load-balancer-pending", "svc/web", "unhealthy svc-lb-pending", ""},
		{"captures/healthy-young", "svc/web-outside", "starting: 1 of 1 endpoint ready, and no load balancer yet", ""},
		{"captures/healthy-young", "gateway/edge", "starting: ", ""},
	} {
		t.Run(c.state+" "+c.target, func(t *testing.T) {
			s, fetcher, _, err := collect.Archive(os.DirFS(filepath.Join("../../test", c.state)))
			if err != nil {
				t.Fatal(err)
			}
			targets, err := collect.TargetsIn(s, "", nil, []string{c.target})
			if err != nil || len(targets) != 1 {
				t.Fatal(targets, err)
			}
			if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
				t.Fatal(err)
			}
			diagnoses, _ := eng.Explain(s, targets)
			d := diagnoses[0]
			got := string(d.Health.State)
			if len(d.Findings) > 0 {
				f := d.Findings[0]
				got += " " + f.Rule
				if len(f.Evidence) > 0 {
					got += ": " + f.Evidence[len(f.Evidence)-1].Text
				}
			} else {
				got += ": " + d.Health.Text
			}
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			var path []string
			for _, r := range d.Path {
				if r.Kind != "ReplicaSet" {
					path = append(path, r.String())
				}
			}
			if got := strings.Join(path, " "); got != c.path {
				t.Errorf("path: got  %s\nwant %s", got, c.path)
			}
		})
	}
}
