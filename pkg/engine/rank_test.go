package engine

import (
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func ref(kind, name string) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: kind, Namespace: "a", Name: name}
}

// The order of verdicts, one law at a time: each case would pass with the laws before it
// alone in the other order.
func TestRank(t *testing.T) {
	pod, claim, service := ref("Pod", "p"), ref("PersistentVolumeClaim", "c"), ref("Service", "s")
	find := func(id string, seen snapshot.Ref, stage rule.Stage, c rule.Certainty) *rule.Finding {
		return &rule.Finding{Rule: id, Seen: seen, Object: seen, Stage: stage, Certainty: c}
	}
	because := func(f *rule.Finding, r snapshot.Ref) *rule.Finding { f.Because = &r; return f }
	history := func(f *rule.Finding) *rule.Finding { f.History = true; return f }
	eng := &Engine{Causes: []*rule.Cause{{ID: "special", Beats: []string{"general"}}, {ID: "general"}}}
	for name, c := range map[string]struct {
		findings []*rule.Finding
		want     string
	}{
		"what others point to comes first, though its stage is later": {
			[]*rule.Finding{because(find("pending", pod, rule.StageNotScheduled, rule.Certain), claim), find("claim", claim, rule.StageVolume, rule.Certain)}, "claim pending"},
		"along the whole chain": {
			[]*rule.Finding{because(find("route", service, rule.StageNotReady, rule.Certain), pod), because(find("pending", pod, rule.StageController, rule.Certain), claim), find("claim", claim, rule.StageRoute, rule.Certain)}, "claim pending route"},
		"likely before possible, though its stage is later": {
			[]*rule.Finding{find("maybe", pod, rule.StageImage, rule.Possible), find("likely", pod, rule.StageExit, rule.Likely)}, "likely maybe"},
		"now before the past, though its stage is later": {
			[]*rule.Finding{history(find("past", pod, rule.StageImage, rule.Certain)), find("now", pod, rule.StageExit, rule.Certain)}, "now past"},
		"the earliest stage": {
			[]*rule.Finding{find("exit", pod, rule.StageExit, rule.Certain), find("image", pod, rule.StageImage, rule.Likely)}, "image exit"},
		"the general cause of the same place is not said": {
			[]*rule.Finding{find("general", pod, rule.StageExit, rule.Certain), find("special", pod, rule.StageExit, rule.Likely)}, "special"},
		"but that of another place is": {
			[]*rule.Finding{find("general", ref("Pod", "q"), rule.StageExit, rule.Certain), find("special", pod, rule.StageExit, rule.Certain)}, "special general"},
		"a guess does not silence what is certain": {
			[]*rule.Finding{find("general", pod, rule.StageExit, rule.Certain), find("special", pod, rule.StageExit, rule.Possible)}, "general special"},
	} {
		var got []string
		for _, f := range eng.rank(c.findings) {
			got = append(got, f.Rule)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		}
	}
}

// Findings that wait for each other must not hang or crash the ranking.
func TestRankOfACircle(t *testing.T) {
	a, b := ref("Pod", "a"), ref("Pod", "b")
	eng := &Engine{}
	got := eng.rank([]*rule.Finding{{Rule: "x", Seen: a, Object: a, Because: &b}, {Rule: "y", Seen: b, Object: b, Because: &a}})
	if len(got) != 2 {
		t.Errorf("got %d findings", len(got))
	}
}

// The same verdict on several pods is said once, with the names of all.
func TestMerge(t *testing.T) {
	d := ref("Deployment", "web")
	one := &rule.Finding{Rule: "x", Object: d, Seen: ref("Pod", "a").In("app"), Certainty: rule.Likely}
	two := &rule.Finding{Rule: "x", Object: d, Seen: ref("Pod", "b").In("app"), Certainty: rule.Certain}
	other := &rule.Finding{Rule: "x", Object: d, Seen: ref("Pod", "b").In("sidecar"), Certainty: rule.Certain}
	got := merge([]*rule.Finding{one, two, other})
	if len(got) != 2 || len(got[0].Pods) != 2 || got[0].Certainty != rule.Certain {
		t.Errorf("got %d findings, first %+v", len(got), got[0])
	}
}

// One rule's mistake is one line, and the others still speak.
func TestAPanicIsOneLine(t *testing.T) {
	s := snapshot.New(timeZero)
	addPod(t, s, "web")
	eng := &Engine{Checks: []*rule.Check{
		{ID: "breaks", Dimension: rule.Reliability, On: rule.Pods, Run: func(*rule.Pass) { panic("no such field") }},
		{ID: "works", Dimension: rule.Reliability, On: rule.Pods, Run: func(p *rule.Pass) { p.Reportf(nil, "found") }},
	}}
	res := eng.Check(s, nil)
	if len(res.Findings) != 1 || len(res.NotEvaluated) != 1 || res.NotEvaluated[0].Rule != "breaks" {
		t.Errorf("findings %v, not evaluated %+v", res.Findings, res.NotEvaluated)
	}
	for _, tally := range res.Tallies {
		if tally.Rule == "breaks" && (tally.Pass != 0 || len(tally.Unknown) != 1) {
			t.Errorf("a rule that failed counts as %+v", tally)
		}
	}
}

// A deleted target is kept by its own finalizer, whatever keeps its pods.
func TestOwnDeletionFirst(t *testing.T) {
	service := snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: "a", Name: "web"}
	pod := snapshot.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "a", Name: "web-1"}
	ofPod := &rule.Finding{Rule: "terminating-finalizer", Seen: pod, Stage: rule.StageStuckDeletion, Certainty: rule.Certain}
	own := &rule.Finding{Rule: "terminating-finalizer", Seen: service, Stage: rule.StageStuckDeletion, Certainty: rule.Certain}
	crash := &rule.Finding{Rule: "app-exit", Seen: service, Stage: rule.StageRoute, Certainty: rule.Certain}
	if got := ownDeletionFirst(service, []*rule.Finding{ofPod, crash, own}); got[0] != own || got[1] != ofPod || got[2] != crash {
		t.Errorf("%v", got)
	}
	if got := ownDeletionFirst(service, []*rule.Finding{ofPod, crash}); got[0] != ofPod {
		t.Error("without an own deletion the order changed")
	}
}
