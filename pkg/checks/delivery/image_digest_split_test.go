package delivery_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/delivery"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// TestNodesUnread holds that a difference is neither told nor denied where nobody knows whether the nodes are
// of one architecture.
func TestNodesUnread(t *testing.T) {
	for file, want := range map[string]string{
		"lookalike-nodes-unread":              "the architecture of their nodes was not read",
		"lookalike-rollout-and-architectures": "",
		"same":                                "",
	} {
		text, err := os.ReadFile("testdata/image-digest-split/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		s, problems, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(string(text)), Namespace: "default", Now: time.Unix(0, 0)})
		if err != nil || len(problems) > 0 {
			t.Fatal(file, err, problems)
		}
		unknown, found := "", 0
		for _, o := range s.Workloads("") {
			delivery.ImageDigestSplit.Run(rule.NewPass(s, o, &delivery.ImageDigestSplit, nil, rule.Sink{
				Report: func(*rule.Finding) { found++ }, Unknown: func(reason string) { unknown += reason },
			}))
		}
		if found > 0 || !strings.Contains(unknown, want) || want == "" && unknown != "" {
			t.Errorf("%s: %d findings, unknown: %q", file, found, unknown)
		}
	}
}
