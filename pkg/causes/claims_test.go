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
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What a report must and must not claim beside its verdict.
func TestCapturesClaim(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		state, target       string
		text, message, note string // parts of what is said
		open, notRuledOut   string // what no finding speaks of; what must not be claimed
	}{
		{state: "pods-odd", target: "pod/gated", text: "scheduling gate example.com/wait"},
		{state: "pods-odd", target: "pod/other-scheduler", text: "scheduler my-scheduler has not said why"},
		{state: "pods-odd", target: "pod/readiness-gate", text: "nobody has set example.com/load-balancer"},
		{state: "pods-odd", target: "pod/half-done", text: "the rest has completed"},
		{state: "pods-odd", target: "pod/bad-image-name", text: "must be lowercase"},
		{state: "service-odd", target: "svc/by-hand-empty", text: "no selector"},
		{state: "service-odd", target: "svc/port-name", text: "no container of the pods has one of the name http"},
		{state: "service-odd", target: "svc/finished", message: "finds 1 pod, which has ended"},
		{state: "oom-limitrange", target: "deploy/web", message: "the 50Mi memory limit that a LimitRange gives it", notRuledOut: "LimitRange"},
		{state: "pending-two-resources", target: "deploy/big", message: "no node has 900Gi of memory either"},
		{state: "liveness-wrong-port", target: "deploy/web", notRuledOut: "wrong port"},
		{state: "exit-137-no-reason", target: "pod/burst-6", notRuledOut: "memory limit"},
		{state: "exit-137-no-reason", target: "pod/own-143", message: "ends with exit 143, that of SIGTERM"},
		{state: "missing-several-volumes", target: "deploy/keyless", message: "also missing: secret/db-login (envFrom)"},
		{state: "missing-several-volumes", target: "deploy/web", message: "configmap/web-rule (volume \"rules\"; there is web-rules), secret/web-tls (volume \"tls\")"},
		{state: "evicted-taint", target: "deploy/batch", message: "is there again, and has as long"},
		{state: "pod-gc", target: "pod/alone", message: "its node does not exist any more", notRuledOut: "the kubelet has stopped the containers"},
		{state: "evicted-node-memory", target: "deploy/web", message: "app used 3.0Gi and requested 64Mi"},
		{state: "statefulset-key-missing", target: "sts/db", note: "delete pod/db-0"},
	} {
		t.Run(c.state+" "+c.target, func(t *testing.T) {
			s, fetcher, _, err := collect.Archive(os.DirFS(filepath.Join(captures, c.state)))
			if err != nil {
				t.Fatal(err)
			}
			targets, err := collect.TargetsIn(s, "", nil, []string{c.target})
			if err != nil {
				t.Fatal(err)
			}
			if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
				t.Fatal(err)
			}
			diagnoses, failed := eng.Explain(s, targets)
			b := report.NewBuilder("explain", s, eng)
			b.Explain(diagnoses, failed)
			e := b.Report.Explained[0]
			if !strings.Contains(e.Text, c.text) {
				t.Errorf("text %q, want %q in it", e.Text, c.text)
			}
			var f report.Finding
			if len(e.Findings) > 0 {
				f = b.Report.Findings[e.Findings[0]]
			}
			if !strings.Contains(f.Message, c.message) {
				t.Errorf("message %q, want %q in it", f.Message, c.message)
			}
			if open := strings.Join(e.Unexplained, "\n"); !strings.Contains(open, c.open) {
				t.Errorf("unexplained: %q, want %q in it", open, c.open)
			}
			if out := strings.Join(f.RuledOut, "\n"); c.notRuledOut != "" && strings.Contains(out, c.notRuledOut) {
				t.Errorf("ruled out: %s", out)
			}
			if c.note != "" && (f.Fix == nil || !strings.Contains(strings.Join(f.Fix.Notes, "\n"), c.note)) {
				t.Errorf("notes of the fix %+v, want %q in them", f.Fix, c.note)
			}
		})
	}
}
