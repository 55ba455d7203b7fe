package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// perContainer fires on each container, spec on the pod spec, and worst is critical.
func waiveChecks() []*rule.Check {
	check := func(id string, severity rule.Severity, run func(*rule.Pass)) *rule.Check {
		return &rule.Check{ID: id, Severity: severity, Dimension: rule.Security, On: rule.Workloads, Run: run}
	}
	onSpec := func(p *rule.Pass) { p.Reportf(field.NewPath("spec"), "spec") }
	checks := []*rule.Check{
		check("per-container", rule.Medium, func(p *rule.Pass) {
			for _, t := range p.Object.Templates {
				for _, c := range t.Containers() {
					p.Reportf(c.Path.Child("image"), "%s", c.Name) // names no container: the path does
				}
			}
		}),
		check("spec", rule.High, onSpec), check("worst", rule.Critical, onSpec), check("passes", rule.Low, func(*rule.Pass) {}),
		check("blind", rule.Low, func(p *rule.Pass) { p.Unknown("nobody knows") }), check("asked-for", rule.Low, onSpec),
	}
	checks[0].Peers = map[string][]string{"kube-linter": {"latest-tag"}, "kube-score": {"container-image-tag"}}
	checks[2].Peers = map[string][]string{"kube-linter": {"privileged"}, "polaris": {"runAsPrivileged"}}
	checks[5].Off = true
	return checks
}

const waivePod = `apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: shop
  annotations: {%s}
spec:
  containers:
  - {name: app, image: a}
  - {name: side, image: b}
`

func waive(t *testing.T, w engine.Waivers, manifests ...string) (findings string, states string, tallies string) {
	t.Helper()
	s, problems, err := collect.Files(collect.FileOptions{
		Paths: []string{"-"}, In: strings.NewReader(strings.Join(manifests, "---\n")), Now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
	})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	w.Known.Checks = waiveChecks()
	eng := &engine.Engine{Checks: waiveChecks()}
	res := eng.Check(s, w.Keep)
	list := eng.Waive(s, &res, w)
	var out []string
	for _, f := range res.Findings {
		out = append(out, f.Object.Name+":"+f.Rule+":"+f.Message)
	}
	var say []string
	for _, x := range list {
		say = append(say, fmt.Sprintf("%s %s %s %d %s", x.Source, x.Rule, x.State, len(x.Findings), x.Problem))
	}
	var counts []string
	for _, c := range res.Tallies {
		counts = append(counts, fmt.Sprintf("%s %d/%d/%d/%d", c.Rule, c.Pass, len(c.Fail), len(c.Waived), len(c.Unknown)))
	}
	return strings.Join(out, " "), strings.Join(say, "\n"), strings.Join(counts, " ")
}

func TestWaiveNothing(t *testing.T) {
	findings, states, tallies := waive(t, engine.Waivers{}, fmt.Sprintf(waivePod, "a", ""))
	if findings != "a:worst:spec a:spec:spec a:per-container:app a:per-container:side" || states != "" {
		t.Error(findings, states)
	}
	if tallies != "blind 0/0/0/1 passes 1/0/0/0 per-container 0/1/0/0 spec 0/1/0/0 worst 0/1/0/0" {
		t.Error("what is off was counted, or something else is wrong:", tallies)
	}
}

func TestWaiveByAnnotation(t *testing.T) {
	for _, c := range []struct{ annotation, findings, states, tallies string }{
		{"per-container@app until=none reason=r", "worst spec side", "annotation per-container active 1 ", "per-container 0/1/0/0"},
		{"per-container until=none reason=r", "worst spec", "annotation per-container active 2 ", "per-container 0/0/1/0"},
		{"per-container@app until=none reason=r; per-container@s* until=none reason=r", "worst spec", "annotation per-container active 1 \nannotation per-container active 1 ", "per-container 0/0/1/0"},
		{"per-container@nope until=none reason=r", "worst spec app side", "annotation per-container unused 0 what is found is not in container nope", "per-container 0/1/0/0"},
		{"spec until=2026-11-21 reason=r", "worst app side", "annotation spec active 1 ", "spec 0/0/1/0"},
		{"spec until=2026-11-20 reason=r", "worst spec app side", "annotation spec expired 0 ", "spec 0/1/0/0"},
		{"'*' until=none reason=r", "worst spec app side", `annotation '*' invalid 0 no rule fits "'*'"`, "spec 0/1/0/0"},
		{"* until=none reason=r", "worst", "annotation * active 3 ", "worst 0/1/0/0"},
		{"wors* until=none reason=r", "worst spec app side", "annotation wors* unused 0 critical findings are waived by the name of their rule alone", "worst 0/1/0/0"},
		{"worst until=none reason=r", "spec app side", "annotation worst active 1 ", "worst 0/0/1/0"},
		{"passes until=none reason=r", "worst spec app side", "annotation passes unused 0 ", "passes 1/0/0/0"},
		{"blind until=none reason=r", "worst spec app side", "annotation blind unknown 0 ", "blind 0/0/0/1"},
		{"asked-for until=none reason=r", "worst spec app side", "annotation asked-for unknown 0 ", "spec 0/1/0/0"},
		{"spec reason=r", "worst spec app side", "annotation spec invalid 0 it has no end: until= takes the last day (YYYY-MM-DD), or none", "spec 0/1/0/0"},
	} {
		findings, states, tallies := waive(t, engine.Waivers{}, fmt.Sprintf(waivePod, "a", fmt.Sprintf("kubectl-maturity/waive: %q", c.annotation)))
		var left []string
		for _, f := range strings.Fields(findings) {
			left = append(left, f[strings.LastIndex(f, ":")+1:])
		}
		want := strings.ReplaceAll(c.findings, "worst", "spec")
		if strings.Join(left, " ") != want || states != c.states || !strings.Contains(" "+tallies+" ", " "+c.tallies+" ") {
			t.Errorf("%s:\n%s (want %s)\n%s (want %s)\n%s (want %s)", c.annotation, strings.Join(left, " "), want, states, c.states, tallies, c.tallies)
		}
	}
}

func TestWaiveOfOthers(t *testing.T) {
	annotations := `ignore-check.kube-linter.io/latest-tag: on purpose, ignore-check.kube-linter.io/nobody-knows-it: x, polaris.fairwinds.com/exempt: "true"`
	findings, states, _ := waive(t, engine.Waivers{Honour: []string{"kube-linter", "polaris"}}, fmt.Sprintf(waivePod, "a", annotations))
	if findings != "a:worst:spec a:spec:spec" || states != "kube-linter latest-tag active 2 " {
		t.Error(findings, states)
	}
	if findings, _, _ := waive(t, engine.Waivers{Honour: []string{"kube-score"}}, fmt.Sprintf(waivePod, "a", annotations)); !strings.Contains(findings, "app") {
		t.Error("not asked for:", findings)
	}
	// What kube-linter knows, and that alone; critical ones by name.
	if findings, _, _ := waive(t, engine.Waivers{Honour: []string{"kube-linter"}}, fmt.Sprintf(waivePod, "a", "kube-linter.io/ignore-all: all")); findings != "a:worst:spec a:spec:spec" {
		t.Error(findings)
	}
	if findings, _, _ := waive(t, engine.Waivers{Honour: []string{"polaris"}}, fmt.Sprintf(waivePod, "a", `polaris.fairwinds.com/runAsPrivileged-exempt: "true"`)); strings.Contains(findings, "worst") {
		t.Error(findings)
	}
}

func TestWaiveByConfig(t *testing.T) {
	pods := []string{fmt.Sprintf(waivePod, "a", ""), fmt.Sprintf(waivePod, "b", "")}
	exempt := func(x config.Exemption) *config.Config {
		x.Reason, x.Line = "r", 7
		return &config.Config{Name: "maturity.yaml", Exemptions: []config.Exemption{x}}
	}
	onlyA := func(o *snapshot.Object) bool { return o.Name == "a" }
	for _, c := range []struct {
		name             string
		waivers          engine.Waivers
		findings, states string
	}{
		{"one object", engine.Waivers{Config: exempt(config.Exemption{Rule: "spec", Object: "pod/a"})}, "b", "config spec active 1 "},
		{"a pattern", engine.Waivers{Config: exempt(config.Exemption{Rule: "spec", Object: "pod/*", Namespace: "s*"})}, "", "config spec active 2 "},
		{"another namespace", engine.Waivers{Config: exempt(config.Exemption{Rule: "spec", Namespace: "x"})}, "a b", "config spec unknown 0 "},
		{"nowhere", engine.Waivers{Config: exempt(config.Exemption{Rule: "spec", Namespace: "x"}), Complete: true}, "a b", "config spec unused 0 "},
		{"not asked for", engine.Waivers{Config: exempt(config.Exemption{Rule: "spec", Object: "pod/b"}), Keep: onlyA}, "a", "config spec unknown 0 "},
		{"well", engine.Waivers{Config: exempt(config.Exemption{Rule: "passes", Object: "pod/b"})}, "a b", "config passes unused 0 "},
	} {
		findings, states, _ := waive(t, c.waivers, pods...)
		var names []string
		for _, f := range strings.Fields(findings) {
			if name, rest, _ := strings.Cut(f, ":"); rest == "spec:spec" {
				names = append(names, name)
			}
		}
		if strings.Join(names, " ") != c.findings || states != c.states {
			t.Errorf("%s: %v, %s", c.name, names, states)
		}
	}
}

// What a Deployment's template says is said once, not for each of its pods.
func TestWaiveCopies(t *testing.T) {
	const controlled = `apiVersion: v1
kind: Pod
metadata:
  name: web-1
  namespace: shop
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u, controller: true}]
  annotations: {kubectl-maturity/waive: passes until=none reason=r}
spec: {containers: [{name: app, image: a}]}
`
	if _, states, _ := waive(t, engine.Waivers{}, controlled); states != "" {
		t.Error(states)
	}
}

// A mistyped annotation would waive nothing, and nobody would know.
func TestWaiveMistyped(t *testing.T) {
	_, states, _ := waive(t, engine.Waivers{}, fmt.Sprintf(waivePod, "a", "kubectl-maturity/waiver: spec until=none reason=r"))
	if states != "annotation kubectl-maturity/waiver invalid 0 no such annotation; did you mean kubectl-maturity/waive?" {
		t.Error(states)
	}
}

// Two files may hold objects of one name, of which one is waived.
func TestWaiveTwins(t *testing.T) {
	findings, _, tallies := waive(t, engine.Waivers{}, fmt.Sprintf(waivePod, "a", ""), fmt.Sprintf(waivePod, "a", "kubectl-maturity/waive: spec until=none reason=r"))
	if strings.Count(findings, ":spec:") != 1 || !strings.Contains(tallies, " spec 0/1/1/0 ") {
		t.Error(findings, tallies)
	}
}

func TestFixedSeverity(t *testing.T) {
	check := &rule.Check{ID: "mixed", Severity: rule.Low, Dimension: rule.Security, On: rule.Pods, Run: func(p *rule.Pass) {
		p.Report(rule.Finding{Message: "m", Severity: rule.Critical})
	}}
	fixed := (&config.Config{Rules: map[string]config.Rule{"mixed": {Severity: rule.Medium}}}).Apply([]*rule.Check{check})
	s, _, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(fmt.Sprintf(waivePod, "a", ""))})
	if err != nil {
		t.Fatal(err)
	}
	for checks, want := range map[*rule.Check]rule.Severity{check: rule.Critical, fixed[0]: rule.Medium} {
		eng := &engine.Engine{Checks: []*rule.Check{checks}}
		if res := eng.Check(s, nil); len(res.Findings) != 1 || res.Findings[0].Severity != want {
			t.Errorf("%+v, want %s", res.Findings, want)
		}
	}
}
