package model_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// small is a model with one dimension that the phases require, and one that only the last does.
const small = `
apiVersion: kubectl-maturity/v1alpha1
kind: Model
version: test
phases:
- {id: prepare, title: Prepare, number: 1}
- {id: transform, title: Transform, number: 2, requires: [reliability]}
- {id: deploy, title: Deploy, number: 3, requires: [reliability]}
- {id: confidence, title: Build Confidence, number: 4, requires: [reliability, state]}
dimensions:
- {id: reliability, about: a}
- {id: state, about: b}
sources:
- {id: S, title: s, url: "https://example.com"}
gates:
- {id: bare, dimension: reliability, phase: transform, asks: a, checks: [naked-pod], sources: [S], why: w, step: s}
- {id: most, dimension: reliability, phase: deploy, asks: a, checks: [readiness-missing], atLeast: 80, sources: [S], why: w, step: s}
- {id: both, dimension: reliability, phase: confidence, asks: a, checks: [replicas-min, pdb-missing], sources: [S], why: w, step: s}
- {id: any, dimension: state, phase: deploy, asks: a, checks: [label-owner, labels-common], any: true, sources: [S], why: w, step: s}
- {id: drill, dimension: state, phase: confidence, asks: a, declared: true, sources: [S], why: w, step: s}
`

func parse(t *testing.T, text string) *model.Model {
	t.Helper()
	m, err := model.Parse("model.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func named(namespace string, names ...string) []*snapshot.Object {
	var list []*snapshot.Object
	for _, n := range names {
		list = append(list, &snapshot.Object{Ref: snapshot.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: n}})
	}
	return list
}

func tally(check string, pass, fail []*snapshot.Object) *engine.Tally {
	t := &engine.Tally{Rule: check, Passed: pass, Pass: len(pass), Fail: fail}
	for _, list := range [][]*snapshot.Object{pass, fail} {
		for _, o := range list {
			t.Namespace = o.Namespace
		}
	}
	return t
}

func input(tallies ...*engine.Tally) model.Input {
	return model.Input{
		Tallies: tallies, Unread: func(string, []string) string { return "" }, Served: func(snapshot.Ref) bool { return true },
		Why: func(string, snapshot.Ref) string { return "" },
		Now: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
	}
}

// words are the spans of the whole and of each dimension, and the gates.
func words(p *model.Placement) string {
	var b strings.Builder
	held := ""
	if p.HeldBackBy != nil {
		held = " held by " + p.HeldBackBy.ID
	}
	fmt.Fprintf(&b, "%s..%s%s", p.Lo, p.Hi, held)
	for _, d := range p.Dimensions {
		fmt.Fprintf(&b, "; %s %s..%s", d.ID, d.Lo, d.Hi)
		for _, g := range d.Gates {
			fmt.Fprintf(&b, " %s=%s", g.ID, g.Verdict)
			if c := g.Count; c.N > 0 {
				fmt.Fprintf(&b, "(%d/%d)", c.K, c.N)
			}
		}
	}
	return b.String()
}

func TestPlace(t *testing.T) {
	bare := tally("naked-pod", named("a", "w1", "w2"), nil)
	ready := tally("readiness-missing", named("a", "w1", "w2", "w3", "w4"), named("a", "w5"))
	sound := []*engine.Tally{tally("replicas-min", named("a", "w1"), nil), tally("pdb-missing", named("a", "w1"), nil), tally("label-owner", nil, named("a", "w1")), tally("labels-common", named("a", "w1"), nil)}
	yes := config.Declaration{Gate: "drill", Answer: true, By: "sam"}
	unreadable := func(in model.Input, checks ...string) model.Input {
		in.Unread = func(id string, _ []string) string {
			for _, c := range checks {
				if c == id {
					return "Deployment: forbidden"
				}
			}
			return ""
		}
		return in
	}
	with := func(in model.Input, change func(*model.Input)) model.Input {
		change(&in)
		return in
	}
	for _, tt := range []struct {
		name string
		in   model.Input
		want string
	}{
		{"nothing", input(), "prepare..confidence held by drill; reliability prepare..prepare bare=notApplicable most=notApplicable both=notApplicable; state prepare..confidence any=notApplicable drill=unknown"},
		{"four of five are enough", input(bare, ready), "deploy..confidence held by drill; reliability deploy..deploy bare=pass(2/2) most=pass(4/5) both=notApplicable; state prepare..confidence any=notApplicable drill=unknown"},
		{"three of five are not", input(bare, tally("readiness-missing", named("a", "w1", "w2", "w3"), named("a", "w4", "w5"))), "transform..transform held by most; reliability transform..transform bare=pass(2/2) most=fail(3/5) both=notApplicable; state prepare..confidence any=notApplicable drill=unknown"},
		{"an object passes all checks of a gate, or fails", input(append([]*engine.Tally{bare, ready}, tally("replicas-min", named("a", "w1", "w2"), nil), tally("pdb-missing", named("a", "w1"), named("a", "w2")))...), "deploy..deploy held by both; reliability deploy..deploy bare=pass(2/2) most=pass(4/5) both=fail(1/2); state prepare..confidence any=notApplicable drill=unknown"},
		{"one of several checks is enough where any is", with(input(append(sound, bare, ready)...), func(in *model.Input) { in.Declarations = []config.Declaration{declaration(t, yes, "2026-11-02")} }), "confidence..confidence; reliability confidence..confidence bare=pass(2/2) most=pass(4/5) both=pass(1/1); state confidence..confidence any=pass(1/1) drill=pass"},
		{"a declaration that is over", with(input(append(sound, bare, ready)...), func(in *model.Input) { in.Declarations = []config.Declaration{declaration(t, yes, "2026-01-02")} }), "deploy..confidence held by drill; reliability confidence..confidence bare=pass(2/2) most=pass(4/5) both=pass(1/1); state deploy..confidence any=pass(1/1) drill=unknown"},
		{"a lower phase that fails holds back higher ones that hold", input(append(sound, tally("naked-pod", nil, named("a", "w1")), ready)...), "prepare..prepare held by bare; reliability prepare..prepare bare=fail(0/1) most=pass(4/5) both=pass(1/1); state deploy..confidence any=pass(1/1) drill=unknown"},
		{"not all objects are known", unreadable(input(bare, ready), "naked-pod"), "prepare..confidence held by bare; reliability prepare..deploy bare=unknown(2/2) most=pass(4/5) both=notApplicable; state prepare..confidence any=notApplicable drill=unknown"},
		{"of what must hold for all one failure is enough", unreadable(input(tally("naked-pod", named("a", "w1"), named("a", "w2"))), "naked-pod"), "prepare..prepare held by bare; reliability prepare..prepare bare=fail(1/2) most=notApplicable both=notApplicable; state prepare..confidence any=notApplicable drill=unknown"},
		{"unknown objects may pass or fail", input(bare, &engine.Tally{Rule: "readiness-missing", Namespace: "a", Passed: named("a", "w1", "w2", "w3"), Unknown: []engine.Unjudged{{Object: named("a", "w4")[0].Ref, Reason: "x: forbidden"}}}), "transform..confidence held by most; reliability transform..deploy bare=pass(2/2) most=unknown(3/4) both=notApplicable; state prepare..confidence any=notApplicable drill=unknown"},
		{"waived objects are in nobody's way", input(bare, &engine.Tally{Rule: "readiness-missing", Namespace: "a", Passed: named("a", "w1", "w2"), Waived: named("a", "w3")}), "deploy..confidence held by drill; reliability deploy..deploy bare=pass(2/2) most=pass(2/3) both=notApplicable; state prepare..confidence any=notApplicable drill=unknown"},
		{"the system's namespaces are counted apart", input(bare, ready, tally("naked-pod", nil, named("kube-system", "w9"))), "deploy..confidence held by drill; reliability deploy..deploy bare=pass(2/2) most=pass(4/5) both=notApplicable; state prepare..confidence any=notApplicable drill=unknown"},
		{"what is critical caps", with(input(append(sound, bare, ready)...), func(in *model.Input) {
			in.Declarations = []config.Declaration{declaration(t, yes, "2026-11-02")}
			in.Critical = []*rule.Finding{{Rule: "db-in-deployment", Dimension: rule.State}}
		}), "deploy..deploy; reliability confidence..confidence bare=pass(2/2) most=pass(4/5) both=pass(1/1); state deploy..deploy any=pass(1/1) drill=pass"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := words(parse(t, small).Place(tt.in)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// declaration is one of a day, as a configuration has it.
func declaration(t *testing.T, d config.Declaration, on string) config.Declaration {
	t.Helper()
	answer := "no"
	if d.Answer {
		answer = "yes"
	}
	text := fmt.Sprintf("apiVersion: kubectl-maturity/v1alpha1\nkind: Config\ndeclarations:\n- {gate: %s, answer: %s, by: %s, on: %s}\n", d.Gate, answer, d.By, on)
	c, err := config.Parse("maturity.yaml", []byte(text), config.Known{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Declarations[0]
}

// What is measured counts: who declares otherwise is told so.
func TestContradicted(t *testing.T) {
	in := input(tally("naked-pod", nil, named("a", "w1")))
	in.Declarations = []config.Declaration{declaration(t, config.Declaration{Gate: "bare", Answer: true, By: "sam"}, "2026-11-02")}
	gate := parse(t, small).Place(in).Dimensions[0].Gates[0]
	if gate.Verdict != model.Fail || gate.Contradicted == nil || gate.Declaration != nil {
		t.Errorf("%s, contradicted %v", gate.Verdict, gate.Contradicted)
	}
}

// Of what was read too much fails: nobody's word lifts what is missing above that.
func TestContradictedInPart(t *testing.T) {
	in := input(tally("naked-pod", named("a", "w1"), nil), tally("readiness-missing", nil, named("a", "w1")))
	in.Unread = func(check string, _ []string) string {
		return map[string]string{"readiness-missing": "Deployment: forbidden"}[check]
	}
	in.Declarations = []config.Declaration{declaration(t, config.Declaration{Gate: "most", Answer: true, By: "sam"}, "2026-11-02")}
	gate := parse(t, small).Place(in).Dimensions[0].Gates[1]
	if gate.Verdict != model.Unknown || gate.Contradicted == nil {
		t.Errorf("%s, contradicted %v", gate.Verdict, gate.Contradicted)
	}
}

// Where Services lead is not known: nothing is concluded from it.
func TestServicesUnread(t *testing.T) {
	text := strings.Replace(small, "checks: [naked-pod],", "checks: [naked-pod], served: true,", 1)
	in := input(tally("naked-pod", nil, named("a", "w1")))
	in.Served, in.NoServices = func(snapshot.Ref) bool { return false }, "Service: forbidden"
	if gate := parse(t, text).Place(in).Dimensions[0].Gates[0]; gate.Verdict != model.Unknown || gate.Reason != "Service: forbidden" {
		t.Errorf("%s %s", gate.Verdict, gate.Reason)
	}
	in.NoServices = ""
	if gate := parse(t, text).Place(in).Dimensions[0].Gates[0]; gate.Verdict != model.NotApplicable {
		t.Errorf("%s", gate.Verdict)
	}
}

// A declaration of a day to come is none yet.
func TestDeclaredForLater(t *testing.T) {
	in := input()
	in.Declarations = []config.Declaration{declaration(t, config.Declaration{Gate: "drill", Answer: true, By: "sam"}, "2027-01-02")}
	if gate := parse(t, small).Place(in).Dimensions[1].Gates[1]; gate.Verdict != model.Unknown || !strings.Contains(gate.Reason, "to come") {
		t.Errorf("%s %s", gate.Verdict, gate.Reason)
	}
}

// The program's own model is well-formed, and each dimension has gates.
func TestDefault(t *testing.T) {
	m, err := model.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Dimensions {
		n := 0
		for _, g := range m.Gates {
			if g.Dimension == d.ID {
				n++
			}
		}
		if n < 4 {
			t.Errorf("%s has %d gates", d.ID, n)
		}
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ change, to, want string }{
		{"kind: Model", "kind: Config", "a model starts with"},
		{"phase: transform,", "phase: transforms,", `gate bare: unknown phase "transforms"; did you mean transform?`},
		{"sources: [S], why: w, step: s}\n- {id: most", "sources: [T], why: w, step: s}\n- {id: most", `gate bare: unknown source "T": known are S`},
		{"checks: [naked-pod]", "declared: true, checks: [naked-pod]", "gate bare: must either name checks or be declared"},
		{"atLeast: 80", "atLeast: 180", "gate most: atLeast is 180 and must be a percentage"},
		{"id: most", "id: bare", `"bare" is there twice`},
		{"asks: a, checks: [naked-pod]", "ask: a, checks: [naked-pod]", `model.yaml: while decoding JSON: json: unknown field "ask"`},
	} {
		_, err := model.Parse("model.yaml", []byte(strings.Replace(small, tt.change, tt.to, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.to, err, tt.want)
		}
	}
	if err := parse(t, small).Unknown("model.yaml", []string{"naked-pods"}); err == nil || !strings.Contains(err.Error(), `model.yaml: gate bare: unknown check "naked-pod"; did you mean naked-pods?`) {
		t.Error(err)
	}
}
