package render_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// placed is a cluster of which much is known, and not all.
func placed() *report.Level {
	deployment := func(name string) snapshot.Ref {
		return snapshot.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: name}
	}
	gate := func(id, dimension, phase, asks, verdict string, change func(*report.LevelGate)) report.LevelGate {
		g := report.LevelGate{ID: id, Dimension: dimension, Phase: phase, Asks: asks, Verdict: verdict, Needed: 100, Step: "do what it asks", Checks: []string{id + "-missing"}}
		if change != nil {
			change(&g)
		}
		return g
	}
	return &report.Level{
		At: metav1.NewTime(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)), Context: "prod", ServerVersion: "v1.37.1",
		Model: report.LevelModel{Version: "1", Checks: "abc"}, Config: "maturity.yaml",
		Phase: report.LevelSpan{Lo: "deploy", Hi: "deploy"}, HeldBackBy: "readiness-everywhere",
		Cap: &report.LevelCap{Phase: "deploy", Rules: []string{"privileged"}, Objects: []snapshot.Ref{deployment("agent")}},
		Dimensions: []report.LevelDimension{
			{Name: "reliability", LevelSpan: report.LevelSpan{Lo: "deploy", Hi: "deploy"}, Applies: true, HeldBackBy: "readiness-everywhere", Gates: []report.LevelGate{
				gate("no-bare-pods", "reliability", "transform", "every long-running pod has a controller that makes it again", "pass", func(g *report.LevelGate) { g.K, g.N, g.Coverage = 4, 4, "4 of 4" }),
				gate("readiness-most", "reliability", "deploy", "workloads behind Services say when they are ready", "pass", func(g *report.LevelGate) { g.K, g.N, g.Needed, g.Coverage = 41, 52, 80, "41 of 52 (79%), 3 waived" }),
				gate("readiness-everywhere", "reliability", "confidence", "nearly all workloads behind Services say when they are ready", "fail", func(g *report.LevelGate) {
					g.K, g.N, g.Waived, g.Needed, g.Missing, g.Coverage = 41, 52, 3, 95, 6, "41 of 52 (78%), 3 waived"
					g.System = &report.LevelCount{K: 1, N: 2}
					for _, name := range []string{"cart", "checkout", "payments", "web"} {
						g.Evidence = append(g.Evidence, report.LevelEvidence{Object: deployment(name), Verdict: "fail"})
					}
					g.Evidence = append(g.Evidence, report.LevelEvidence{Object: deployment("old"), Verdict: "waived"})
				}),
				gate("survives-a-node", "reliability", "operations", "workloads have two replicas on two nodes", "unknown", func(g *report.LevelGate) { g.Reason = "Node: forbidden" }),
			}},
			{Name: "security", LevelSpan: report.LevelSpan{Lo: "confidence", Hi: "operations"}, Applies: true, HeldBackBy: "default-deny", Narrow: "audited", Gates: []report.LevelGate{
				gate("no-open-doors", "security", "confidence", "neither strangers nor default service accounts have rights", "pass", func(g *report.LevelGate) {
					g.Refuted = &report.Declared{By: "sam", On: "2026-11-02", Until: "2027-05-01"}
				}),
				gate("default-deny", "security", "operations", "namespaces let nobody in but who is named", "unknown", func(g *report.LevelGate) {
					g.K, g.N, g.Coverage, g.Reason, g.Note = 0, 1, "0 of 1, 1 unknown", "NetworkPolicy: forbidden", "that the network enforces NetworkPolicies is not visible"
					g.Evidence = []report.LevelEvidence{{Object: snapshot.Ref{APIVersion: "v1", Kind: "Namespace", Name: "shop"}, Verdict: "unknown", Reason: "NetworkPolicy: forbidden"}}
				}),
				gate("audited", "security", "operations", "who did what is recorded", "unknown", func(g *report.LevelGate) { g.Reason, g.Checks = report.NotDeclared, nil }),
				gate("signed", "security", "control", "only signed images start", "pass", func(g *report.LevelGate) {
					g.Indirect = true
					g.Declared = &report.Declared{Answer: true, By: "sam", On: "2026-11-02", Until: "2027-05-01"}
				}),
			}},
			{Name: "troubleshooting", Gates: []report.LevelGate{
				gate("rollback-possible", "troubleshooting", "deploy", "a bad release can be undone", "notApplicable", func(g *report.LevelGate) { g.Reason = "there is nothing that it asks about" }),
			}},
		},
		Next: []string{"readiness-everywhere", "default-deny", "audited"},
		Lists: []report.LevelList{{ID: "outside", Title: "still lives outside the cluster", Items: []report.LevelEvidence{
			{Object: snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: "shop", Name: "db"}, Verdict: "fail", Reason: "leads to db.example.com, outside of the cluster"},
		}}},
		NotEvaluated: []report.NotEvaluated{{Resource: "nodes", Reason: "forbidden", Detail: `nodes is forbidden: User "sam" cannot list resource "nodes"`}},
		Phases: []report.LevelPhase{
			{ID: "prepare", Title: "Prepare", Number: 1}, {ID: "transform", Title: "Transform", Number: 2}, {ID: "deploy", Title: "Deploy", Number: 3},
			{ID: "confidence", Title: "Build Confidence", Number: 4}, {ID: "operations", Title: "Improve Operations", Number: 5},
			{ID: "control", Title: "Measure and Control", Number: 6}, {ID: "optimize", Title: "Optimize and Automate", Number: 7},
		},
	}
}

func TestLevel(t *testing.T) {
	for _, th := range themes {
		for name, wide := range map[string]bool{"": false, "-wide": true} {
			var out bytes.Buffer
			if err := render.Level(&out, placed(), render.NewTheme(th.color, th.unicode, th.width), wide); err != nil {
				t.Fatal(err)
			}
			golden(t, "level/"+th.name+name, out.Bytes())
			for line := range strings.SplitSeq(out.String(), "\n") {
				if strings.HasPrefix(line, "DIMENSION") && utf8.RuneCountInString(line) > 100 {
					t.Errorf("the table is wider than 100 columns: %s", line)
				}
				if th.width == 80 && utf8.RuneCountInString(line) > th.width && !strings.Contains(line, "kubectl maturity rules") {
					t.Errorf("wider than the terminal: %s", line)
				}
			}
		}
	}
}

func TestLevelDiff(t *testing.T) {
	old, now := placed(), placed()
	now.Phase = report.LevelSpan{Lo: "confidence", Hi: "operations"}
	now.Dimensions[0].Lo, now.Dimensions[0].Hi = "confidence", "operations"
	g := &now.Dimensions[0].Gates[2]
	g.Verdict, g.K, g.Evidence = "pass", 51, append([]report.LevelEvidence{}, g.Evidence[3])
	now.Dimensions[1].Gates = now.Dimensions[1].Gates[:3]
	now.Model.Checks = "def"
	var out bytes.Buffer
	if err := render.LevelDiff(&out, old, now, render.NewTheme(false, true, 80)); err != nil {
		t.Fatal(err)
	}
	golden(t, "level/diff", out.Bytes())
}
