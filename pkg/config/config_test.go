package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

var known = config.Known{
	Gates: func() []string { return []string{"audited", "right-sized"} },
	Checks: []*rule.Check{
		{ID: "image-latest", Severity: rule.Medium},
		{ID: "host-path", Severity: rule.Critical},
		{ID: "probe-missing", Severity: rule.High},
		{ID: "probe-same", Severity: rule.Low, Off: true},
	},
	Causes: []*rule.Cause{{ID: "oom-limit"}},
	Type: func(word string) string {
		if word == "deploy" {
			return "deployment"
		}
		return word
	},
}

const top = "apiVersion: kubectl-maturity/v1alpha1\nkind: Config\n"

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("maturity.yaml", []byte(top+text), known)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestApply(t *testing.T) {
	c := parse(t, `
rules:
  image-latest: off
  host-path: {severity: high}
  probe-same: low
  probe-missing: {enabled: true, severity: info}
`)
	want := map[string]struct {
		off      bool
		severity rule.Severity
	}{"image-latest": {true, rule.Medium}, "host-path": {false, rule.High}, "probe-same": {false, rule.Low}, "probe-missing": {false, rule.Info}}
	for _, check := range c.Apply(known.Checks) {
		if w := want[check.ID]; check.Off != w.off || check.Severity != w.severity {
			t.Errorf("%s: off %v, severity %s", check.ID, check.Off, check.Severity)
		}
	}
	if known.Checks[0].Off || known.Checks[1].Severity != rule.Critical || !known.Checks[3].Off {
		t.Error("the checks themselves were changed")
	}
	for _, on := range []string{"on", "{enabled: true}", "medium", "{severity: medium}"} {
		if checks := parse(t, "rules: {probe-same: "+on+"}").Apply(known.Checks); checks[3].Off {
			t.Errorf("%s does not turn on what is off", on)
		}
	}
	if checks := parse(t, "rules: {probe-same: {severity: high, enabled: false}}").Apply(known.Checks); !checks[3].Off {
		t.Error("enabled: false with a severity turns on")
	}
}

func TestExemption(t *testing.T) {
	c := parse(t, `
exemptions:
- rule: host-path
  object: deploy/web-*
  namespace: shop
  container: app
  reason: reads the node's logs
  until: 2027-01-31
- {rule: "probe-*", namespace: "*-test", reason: nobody is woken by it, until: none}
- {rule: image-latest, object: Widget/w, reason: r, until: "2027-01-31"}
`)
	e := c.Exemptions[0]
	if !e.CoversObject("shop", "deployment/web-1") || e.CoversObject("shop", "deployment/api") || e.CoversObject("other", "deployment/web-1") || e.CoversObject("shop", "statefulset/web-1") {
		t.Error("objects")
	}
	if !e.CoversContainer("app") || e.CoversContainer("") || !c.Exemptions[1].CoversContainer("") {
		t.Error("containers")
	}
	if !e.ByName() || c.Exemptions[1].ByName() || !c.Exemptions[1].CoversRule("probe-missing") || c.Exemptions[1].CoversRule("host-path") {
		t.Error("rules")
	}
	for day, expired := range map[string]bool{"2027-01-31T23:59:59Z": false, "2027-02-01T00:00:00Z": true} {
		now, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		if e.Expired(now) != expired || c.Exemptions[1].Expired(now) {
			t.Errorf("at %s", day)
		}
	}
	if e.End() != "2027-01-31" || c.Exemptions[1].End() != "" || e.Line != 5 || c.Exemptions[2].Object != "widget/w" {
		t.Errorf("%+v", c.Exemptions)
	}
	if got := e.For(); got != "deployment/web-*, container app in namespace shop" {
		t.Error(got)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "maturity.yaml:1: a configuration starts with apiVersion: kubectl-maturity/v1alpha1 and kind: Config"},
		{"rules: {}", "maturity.yaml:1: a configuration starts with"},
		{"apiVersion: kubectl-maturity/v1\nkind: Config", "maturity.yaml:1:13: apiVersion must be kubectl-maturity/v1alpha1"},
		{"- a", "maturity.yaml:1:1: a configuration must be a mapping"},
		{top + "---\na: b", "maturity.yaml:4: a second document"},
		{top + "a: b: c", "maturity.yaml:3:5: mapping values are not allowed"},
		{top + "rules:\n  image-latest: off\n  image-latest: on", `maturity.yaml:5:3: key "image-latest" is already set on line 4`},
		{top + "rule: {}", `maturity.yaml:3:1: unknown field "rule"; did you mean rules?`},
		{top + "declarations:\n- {gate: audited, answer: maybe, by: sam, on: 2026-01-01}", `maturity.yaml:4:27: declarations[0].answer is "maybe" and must be yes or no`},
		{top + "declarations:\n- {gate: audited, by: sam, on: 2026-01-01}", `maturity.yaml:4:3: declarations[0] has no answer: yes or no`},
		{top + "declarations:\n- {gate: audited, answer: yes, on: 2026-01-01}", `maturity.yaml:4:3: declarations[0] does not say by whom`},
		{top + "declarations:\n- {gate: audited, answer: yes, by: sam, on: today}", `maturity.yaml:4:45: declarations[0].on is "today" and must be a date`},
		{top + "declarations:\n- {gate: audited, answer: yes, by: sam, on: 2026-01-01, until: none}", `maturity.yaml:4:64: declarations[0].until is "none" and must be a date`},
		{top + "declarations:\n- {gate: audted, answer: yes, by: sam, on: 2026-01-01}", `maturity.yaml:4:10: unknown gate "audted"; did you mean audited?`},
		{top + "declarations:\n- {gate: audited, answer: yes, by: sam, on: 2026-01-01}\n- {gate: audited, answer: no, by: kim, on: 2026-02-01}", `maturity.yaml:5:3: declarations[1]: gate audited is declared on line 4 already`},
		{top + "thresholds: {}", `maturity.yaml:3:1: unknown field "thresholds": known are apiVersion, declarations, exemptions, honour, ignore, kind, rules`},
		{top + "rules:\n  image-latst: off", `maturity.yaml:4:3: unknown rule "image-latst"; did you mean image-latest?`},
		{top + "rules:\n  oom-limit: off", `maturity.yaml:4:3: rule "oom-limit" is a cause: what is broken now is always told`},
		{top + "rules:\n  'probe-*': off", `maturity.yaml:4:3: rules are named here one by one`},
		{top + "rules: [image-latest]", `maturity.yaml:3:8: rules must be a mapping`},
		{top + "rules:\n  image-latest: hihg", `maturity.yaml:4:17: rules.image-latest is "hihg" and must be on, off, a severity (critical, high, medium, low, info), or a mapping`},
		{top + "rules:\n  image-latest: {severity: urgent}", `maturity.yaml:4:28: rules.image-latest.severity is "urgent" and must be one of critical`},
		{top + "rules:\n  image-latest: {severty: low}", `maturity.yaml:4:18: unknown field "rules.image-latest.severty"; did you mean severity?`},
		{top + "rules:\n  image-latest: {enabled: maybe}", `maturity.yaml:4:27: rules.image-latest.enabled must be true or false`},
		{top + "exemptions:\n- rule: image-latest\n  until: none", `maturity.yaml:4:3: exemptions[0] has no reason`},
		{top + "exemptions:\n- rule: image-latest\n  reason: r", `maturity.yaml:4:3: exemptions[0] has no end: until takes the last day (YYYY-MM-DD), or none`},
		{top + "exemptions:\n- {rule: image-latest, reason: r, until: 31.1.2027}", `maturity.yaml:4:42: exemptions[0].until is "31.1.2027" and must be a date`},
		{top + "exemptions:\n- {rule: image-latest, reason: r, until: 2027-02-30}", `exemptions[0].until is "2027-02-30" and must be a date`},
		{top + "exemptions:\n- {rule: image-latest, object: web, reason: r, until: none}", `maturity.yaml:4:32: exemptions[0].object is "web" and must be TYPE/NAME`},
		{top + "exemptions:\n- {rule: 'nope-*', object: pod/a, reason: r, until: none}", `no rule fits "nope-*"`},
		{top + "exemptions:\n- {rule: '*', reason: r, until: none}", `exemptions[0] would hide nearly everything`},
		{top + "exemptions:\n- {rule: image-latest, namespace: '[', reason: r, until: none}", `exemptions[0].namespace: "[" is no pattern`},
		{top + "exemptions:\n- {reason: r, until: none}", `exemptions[0] names no rule`},
		{top + "exemptions: {}", `exemptions must be a list`},
		{top + "honour: [kube-lint]", `honour[0]: the annotations of "kube-lint" are not known here; did you mean kube-linter?`},
		{top + "ignore: ['!a']", `ignore[0]: "!a" cannot take back`},
		{top + "ignore: ['../a']", `ignore[0]: "../a" lies outside`},
		{top + "ignore: ['[']", `ignore[0]: "[" is no pattern`},
		{"a\x00", "maturity.yaml: not a text file"},
	} {
		_, err := config.Parse("maturity.yaml", []byte(c.text), known)
		if err == nil || !strings.HasPrefix(strings.TrimPrefix(err.Error(), "["), c.want) && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, file string
		want          bool
	}{
		{"testdata", "testdata/a.yaml", true},
		{"testdata", "deep/down/testdata/x/a.yaml", true},
		{"testdata/", "deep/testdata/a.yaml", true},
		{"values.yaml/", "values.yaml", false},
		{"values*.yaml", "chart/values-prod.yaml", true},
		{"values.yaml", "chart/myvalues.yaml", false},
		{"chart/templates", "chart/templates/a.yaml", true},
		{"chart/templates", "other/chart/templates/a.yaml", false},
		{"/a.yaml", "a.yaml", true},
		{"/a.yaml", "b/a.yaml", false},
		{"**/gen/*.yaml", "gen/a.yaml", true},
		{"**/gen/*.yaml", "x/y/gen/a.yaml", true},
		{"**/gen/*.yaml", "x/y/gen/z/a.yml", false},
		{"a/**", "a/b/c.yaml", true},
		{"a/**", "b/a/c.yaml", false},
		{"a/**/c.yaml", "a/c.yaml", true},
		{"a/**/c.yaml", "a/b/d/c.yaml", true},
		{"**", "a.yaml", true},
	} {
		if got := config.Pattern(c.pattern).Matches(c.file); got != c.want {
			t.Errorf("%s fits %s: %v", c.pattern, c.file, got)
		}
	}
}

func TestAnnotation(t *testing.T) {
	got := config.ParseAnnotation("image-latest@canary until=2027-01-31 reason=the canary follows main = a branch;\n"+
		"probe-* reason=\"no traffic\" until=none\n ; host-pat until=none reason=x; host-path until=soon reason=x; host-path until=none; host-path reason=x; host-path because", known)
	if len(got) != 7 {
		t.Fatalf("%d entries: %+v", len(got), got)
	}
	if e := got[0]; e.Problem != "" || e.Rule != "image-latest" || e.Container != "canary" || e.End() != "2027-01-31" || e.Reason != "the canary follows main = a branch" {
		t.Errorf("%+v", e)
	}
	for i, want := range map[int]string{
		2: `unknown rule "host-pat"; did you mean host-path?`, 3: `"soon" is no date: until= takes YYYY-MM-DD, or none`,
		4: "it has no reason=", 5: "it has no end: until= takes the last day (YYYY-MM-DD), or none", 6: `"because" is neither until= nor reason=`,
	} {
		if got[i].Problem != want {
			t.Errorf("%d: %q, want %q", i, got[i].Problem, want)
		}
	}
	if e := got[1]; e.Problem != "" || e.Reason != "no traffic" || !e.Until.IsZero() {
		t.Errorf("%+v", e)
	}
}

func TestPeers(t *testing.T) {
	annotations := map[string]string{
		"ignore-check.kube-linter.io/latest-tag": "on purpose", "kube-linter.io/ignore-all": "", "kube-score/ignore": "container-image-tag, pod-probes,",
		"polaris.fairwinds.com/tagNotSpecified-exempt": "True", "polaris.fairwinds.com/hostPIDSet-exempt": "false", "polaris.fairwinds.com/exempt": "true",
		"kube-score/enable": "a", "polaris.fairwinds.com/-exempt": "true", "ignore-check.kube-linter.io/": "x",
	}
	var got []string
	for _, p := range config.ParsePeers(annotations, config.Tools(), false) {
		got = append(got, p.Tool+":"+p.ID+":"+p.Reason)
	}
	if want := "kube-linter:latest-tag:on purpose kube-linter:: kube-score:container-image-tag: kube-score:pod-probes: polaris:: polaris:tagNotSpecified:"; strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if list := config.ParsePeers(annotations, config.Tools(), true); len(list) != 2 || list[0].Tool != "kube-score" {
		t.Errorf("of a template: %+v", list)
	}
	if list := config.ParsePeers(annotations, nil, false); len(list) != 0 {
		t.Errorf("not asked for: %+v", list)
	}
}

func TestThresholds(t *testing.T) {
	known := config.Known{Checks: append(slices.Clone(known.Checks), &rule.Check{
		ID: "replicas", Severity: rule.Medium, Off: true,
		Numbers: map[string]rule.Number{"least": {Value: 2, Least: 1, Most: 9}, "days": {Value: 90, Least: 1, Most: 99}}, Lists: map[string][]string{"allow": nil},
	})}
	parse := func(t *testing.T, text string) *config.Config {
		t.Helper()
		c, err := config.Parse("maturity.yaml", []byte(top+text), known)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	find := func(checks []*rule.Check) *rule.Check {
		return checks[slices.IndexFunc(checks, func(c *rule.Check) bool { return c.ID == "replicas" })]
	}
	got := find(parse(t, "rules: {replicas: {least: 3, allow: [a, b]}}").Apply(known.Checks))
	if got.Off || got.Numbers["least"].Value != 3 || got.Numbers["days"].Value != 90 || !slices.Equal(got.Lists["allow"], []string{"a", "b"}) {
		t.Errorf("%+v", got)
	}
	if before := find(known.Checks); !before.Off || before.Numbers["least"].Value != 2 || len(before.Lists["allow"]) > 0 {
		t.Errorf("the check itself was changed: %+v", before)
	}
	if off := find(parse(t, "rules: {replicas: {enabled: false, least: 3}}").Apply(known.Checks)); !off.Off {
		t.Error("a threshold turns on what is turned off")
	}
	for text, want := range map[string]string{
		"rules: {replicas: {least: 10}}":    "maturity.yaml:3:27: rules.replicas.least must be a number from 1 to 9",
		"rules: {replicas: {least: some}}":  "maturity.yaml:3:27: rules.replicas.least must be a number from 1 to 9",
		"rules: {replicas: {leest: 1}}":     `maturity.yaml:3:20: unknown field "rules.replicas.leest"; did you mean least?`,
		"rules: {replicas: {allow: a}}":     "maturity.yaml:3:27: rules.replicas.allow must be a list",
		"rules: {host-path: {replicas: 1}}": `maturity.yaml:3:21: unknown field "rules.host-path.replicas": known are enabled, severity`,
	} {
		if _, err := config.Parse("maturity.yaml", []byte(top+text), known); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// The examples of the page are what they say they are.
func TestPage(t *testing.T) {
	names := config.Known{Type: known.Type}
	for _, id := range []string{"image-latest", "probes-identical", "host-path"} {
		names.Checks = append(names.Checks, &rule.Check{ID: id})
	}
	names.Checks = append(names.Checks,
		&rule.Check{ID: "replicas-min", Numbers: map[string]rule.Number{"replicas": {Value: 2, Least: 2, Most: 100}}},
		&rule.Check{ID: "image-registry", Lists: map[string][]string{"allow": nil}},
	)
	blocks := strings.Split(config.Page, "```yaml\n")
	if len(blocks) != 4 {
		t.Fatalf("%d examples", len(blocks)-1)
	}
	example, _, _ := strings.Cut(blocks[1], "```")
	c, err := config.Parse("maturity.yaml", []byte(example), names)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Rules) != 4 || len(c.Exemptions) != 1 || len(c.Honour) != 1 || len(c.Ignore) != 2 {
		t.Errorf("%+v", c)
	}
	declared, _, _ := strings.Cut(blocks[2], "```")
	if c, err = config.Parse("maturity.yaml", []byte(declared), names); err != nil {
		t.Fatal(err)
	}
	if d := c.Declarations; len(d) != 1 || d[0].Gate != "audited" || !d[0].Answer || d[0].End() != "2027-04-30" {
		t.Errorf("%+v", d)
	}
	_, value, _ := strings.Cut(blocks[3], config.Annotation+": |\n")
	value, _, _ = strings.Cut(value, "```")
	list := config.ParseAnnotation(value, names)
	if len(list) != 2 || list[0].Problem != "" || list[1].Problem != "" || list[0].Container != "canary" {
		t.Errorf("%+v", list)
	}
	for _, tool := range config.Tools() {
		if !strings.Contains(config.Page, "| "+tool+" |") {
			t.Errorf("the page does not know %s", tool)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(top + "rules: {image-latest: {severity: low}}\nexemptions:\n- &a {rule: host-path, reason: r, until: none}\n- *a\nignore: [a/**]\n")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Parse("f", []byte(text), known)
		if (c == nil) == (err == nil) {
			t.Fatal(c, err)
		}
	})
}
