package reliability_test

import (
	"os"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/reliability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

// TestNoSecondWriter holds that no patch or command makes a second server of a database, or puts a second pod on a
// claim for one node.
func TestNoSecondWriter(t *testing.T) {
	text, err := os.ReadFile("testdata/replicas-min/single-writer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(string(text))})
	if err != nil {
		t.Fatal(err)
	}
	found := ruletest.Judge(t, s, ruletest.Named(t, reliability.Checks, "replicas-min")).Findings
	if len(found) != 2 {
		t.Fatalf("%d findings, want 2", len(found))
	}
	for _, f := range found {
		if f.Fix == nil || f.Fix.Patch != nil || len(f.Fix.Command) > 0 {
			t.Errorf("%s: %+v", f.Object, f.Fix)
		}
	}
}

// TestProbeOverHTTP holds which port a probe is proposed to ask: that of the other probe, and of a database none.
func TestProbeOverHTTP(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n"
	for text, want := range map[string]string{
		"    image: web:1\n    ports: [{name: grpc, containerPort: 9090}, {name: ui, containerPort: 8080}]\n    readinessProbe: {httpGet: {port: ui}}\n": "port: ui",
		"    image: web:1\n    ports: [{name: grpc, containerPort: 9090}, {name: http-ui, containerPort: 8080}]\n":                                       "port: http-ui",
		"    image: web:1\n    ports: [{containerPort: 9090}]\n":                                                                                         "port: 9090",
		"    image: postgres:17\n    ports: [{containerPort: 5432}]\n":                                                                                   "command: [<COMMAND>]",
		"    image: minio/minio:1\n    ports: [{containerPort: 9000}]\n":                                                                                 "port: 9000",
	} {
		s, _, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(head + text)})
		if err != nil {
			t.Fatal(err)
		}
		found := ruletest.Judge(t, s, ruletest.Named(t, reliability.Checks, "liveness-missing")).Findings
		if len(found) != 1 || found[0].Fix == nil || !strings.Contains(found[0].Fix.YAML, want) {
			t.Errorf("%s: no %q in %+v", text, want, found)
		}
	}
}
