package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const baselinePods = `apiVersion: v1
kind: Pod
metadata:
  name: one
spec:
  containers: [{name: app, image: "registry.example.com/web:latest"}]
---
apiVersion: v1
kind: Pod
metadata:
  name: two
  annotations:
    kubectl-maturity/waive: |
      image-latest until=none reason=it follows <main> & is watched
      privileged until=2020-01-01 reason=was once
spec:
  containers: [{name: app, image: "registry.example.com/web:latest"}]
`

func judged(t *testing.T, text string, keep func(*snapshot.Object) bool) (*report.Builder, engine.Result) {
	t.Helper()
	s, problems, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text), Namespace: "shop", Now: time.Unix(1_700_000_000, 0)})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	few := slices.DeleteFunc(checks.All(), func(c *rule.Check) bool { // others may come and find more
		return !slices.Contains([]string{"image-latest", "privileged", "host-path", "cpu-request-missing", "memory-limit-missing"}, c.ID)
	})
	eng, err := engine.New(few, nil)
	if err != nil {
		t.Fatal(err)
	}
	res := eng.Check(s, keep)
	waivers := eng.Waive(s, &res, engine.Waivers{Known: config.Known{Checks: checks.All()}, Keep: keep})
	b := report.NewBuilder("check", s, eng)
	b.Check(res)
	b.Waivers(waivers, "")
	return b, res
}

func TestBaseline(t *testing.T) {
	b, _ := judged(t, baselinePods, nil)
	base := report.NewBaseline(b.Report)
	data, err := base.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := report.NewBaseline(b.Report).Marshal()
	if string(again) != string(data) {
		t.Error("not stable")
	}
	if strings.Count(string(data), "image-latest") != 1 {
		t.Errorf("what is waived is in it, or what is not is missing:\n%s", data)
	}
	read, err := report.ParseBaseline("b.json", data)
	if err != nil || len(read.Findings) != len(base.Findings) {
		t.Fatal(err, read)
	}
	total := len(b.Report.Findings)

	same, res := judged(t, baselinePods, nil)
	same.Without(read, "b.json", res, nil, false)
	if c := same.Report.Baseline; len(same.Report.Findings) != 0 || c.Known != total || c.Gone != 0 {
		t.Errorf("the same again: %d new, %+v", len(same.Report.Findings), c)
	}

	changed := strings.Replace(baselinePods, `web:latest"`, `web:1.0", securityContext: {privileged: true}`, 1)
	b, res = judged(t, changed, nil)
	b.Without(read, "b.json", res, nil, false)
	var rules []string
	for _, f := range b.Report.Findings {
		rules = append(rules, f.Rule)
	}
	if c := b.Report.Baseline; c.Gone != 1 || !strings.Contains(strings.Join(rules, " "), "privileged") || strings.Contains(strings.Join(rules, " "), "image-latest") {
		t.Errorf("%v, %+v", rules, c)
	}

	// Of what was not judged nobody knows whether it is gone, unless there is nothing else.
	onlyTwo := strings.Split(baselinePods, "---\n")[1]
	for complete, gone := range map[bool]bool{false: false, true: true} {
		b, res := judged(t, onlyTwo, nil)
		b.Without(read, "b.json", res, nil, complete)
		if c := b.Report.Baseline; c.Gone > 0 != gone {
			t.Errorf("complete %v: %+v", complete, c)
		}
	}
	keepTwo := func(o *snapshot.Object) bool { return o.Name == "two" }
	b, res = judged(t, baselinePods, keepTwo)
	b.Without(read, "b.json", res, keepTwo, false)
	if c := b.Report.Baseline; c.Gone != 0 {
		t.Errorf("%+v", c)
	}
}

// A finding keeps its fingerprint when something of the same list comes before it.
func TestFingerprintStays(t *testing.T) {
	const pod = `apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  containers:
  - {name: app, image: "registry.example.com/web:latest", volumeMounts: [{name: logs, mountPath: /logs}]}
  volumes:
  - {name: logs, hostPath: {path: /var/log}}
`
	before := strings.Replace(pod, "  - {name: app", "  - {name: new, image: \"registry.example.com/new:1.0\"}\n  - {name: app", 1)
	before = strings.Replace(before, "  - {name: logs, hostPath", "  - {name: other, emptyDir: {}}\n  - {name: logs, hostPath", 1)
	known := map[string]string{}
	b, _ := judged(t, pod, nil)
	for _, f := range b.Report.Findings {
		if slices.Contains([]string{"image-latest", "cpu-request-missing", "host-path"}, f.Rule) {
			known[f.Fingerprint] = f.Rule
		}
	}
	if len(known) != 3 {
		t.Fatal(known)
	}
	b, _ = judged(t, before, nil)
	for _, f := range b.Report.Findings {
		delete(known, f.Fingerprint)
	}
	if len(known) > 0 {
		t.Errorf("not known again: %v", known)
	}
}

// What is broken now is in no baseline, and no baseline hides it.
func TestBaselineOfBroken(t *testing.T) {
	b, res := judged(t, baselinePods, nil)
	broken := report.Finding{Rule: "oom-limit", Fingerprint: "0123456789abcdef"}
	b.Report.Findings = append([]report.Finding{broken}, b.Report.Findings...)
	base := report.NewBaseline(b.Report)
	base.Findings = append(base.Findings, report.Known{Fingerprint: broken.Fingerprint, Rule: "renamed-since"})
	b.Without(base, "b.json", res, nil, false)
	if len(b.Report.Findings) != 1 || b.Report.Findings[0].Rule != "oom-limit" {
		t.Errorf("%+v", b.Report.Findings)
	}
	if b.Report.Baseline.Gone != 1 {
		t.Errorf("an entry of a rule that does not exist: %+v", b.Report.Baseline)
	}
}

func TestBaselineErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "b.json: empty, and no baseline",
		"a: b":              "b.json:1: no baseline: invalid character 'a' looking for beginning of value",
		"{\n\"kind\": 1}":   "b.json: no baseline: cannot unmarshal number",
		"{\"kind\": \"X\"}": "b.json: no baseline: it must have apiVersion kubectl-maturity/v1alpha1 and kind Baseline",
		"{\"findngs\": []}": `b.json: no baseline: unknown field "findngs"`,
	} {
		if _, err := report.ParseBaseline("b.json", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestWaiversInReport(t *testing.T) {
	b, _ := judged(t, baselinePods, nil)
	if n := len(b.Report.Waivers); n != 2 {
		t.Fatalf("%+v", b.Report.Waivers)
	}
	if w := b.Report.Waived(); len(w) != 1 || w[0].At != "standard input:13" || w[0].Reason != "it follows <main> & is watched" || w[0].Object.Container != "app" || w[0].Message == "" {
		t.Errorf("%+v", w)
	}
	if w := b.Report.StaleWaivers(); len(w) != 1 || !w[0].Expired() || w[0].Until != "2020-01-01" {
		t.Errorf("%+v", w)
	}
	if b.Report.Summary.ByDimension["efficiency"].Waived != 1 {
		t.Errorf("%+v", b.Report.Summary)
	}
}
