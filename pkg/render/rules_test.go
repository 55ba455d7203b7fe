package render_test

import (
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

func rendered(t *testing.T, write func(*strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func compare(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestRuleTableFoldsTitles(t *testing.T) {
	rules := []report.Rule{
		{ID: "readiness-probe-missing", Kind: report.KindCheck, Severity: "medium", Dimension: "reliability", Title: "traffic reaches the container before it can answer"},
		{ID: "exit-error", Kind: report.KindCause, Stage: "container exit", Title: "exits with an error"},
	}
	got := rendered(t, func(b *strings.Builder) error {
		return render.RuleTable(b, rules, render.NewTheme(false, false, 80), false)
	})
	compare(t, got, `
CHECK                    SEVERITY  DIMENSION    TITLE
readiness-probe-missing  medium    reliability  traffic reaches the container
                                                before it can answer

CAUSE        STAGE            TITLE
exit-error   container exit   exits with an error
`)
	got = rendered(t, func(b *strings.Builder) error {
		return render.RuleTable(b, rules[:1], render.NewTheme(false, false, 0), false)
	})
	compare(t, got, `
CHECK                     SEVERITY   DIMENSION     TITLE
readiness-probe-missing   medium     reliability   traffic reaches the container before it can answer
`)
}

func TestRuleThatIsOff(t *testing.T) {
	off := report.Rule{ID: "label-missing", Kind: report.KindCheck, Severity: "low", Dimension: "policy", On: "workloads", Off: true, Title: "no label"}
	got := rendered(t, func(b *strings.Builder) error {
		return render.RuleTable(b, []report.Rule{off}, render.NewTheme(false, false, 0), false)
	})
	compare(t, got, `
CHECK           SEVERITY   DIMENSION   TITLE
label-missing   low, off   policy      no label
`)
	got = rendered(t, func(b *strings.Builder) error { return render.Rule(b, off, render.NewTheme(false, false, 0)) })
	compare(t, got, `
label-missing  no label

  kind        check
  severity    low
  dimension   policy
  off         unless maturity.yaml turns it on, rules: {label-missing: on}
  looks at    workloads
`)
}

func TestRuleWrapsProseOnly(t *testing.T) {
	r := report.Rule{
		ID: "exit-error", Kind: report.KindCause, Stage: "container exit", On: "Pod", Title: "exits with an error",
		Doc: &report.RuleDoc{
			Why: "The process ended by itself, with a code that is not 0. What it\nsaid last is in the log.\n\n" +
				"- 1 is anything at all, and the log tells more than the number ever does\n- 2 is a shell's word for\n  wrong usage\n\n" +
				"1. look at the log, of the life that ended\n2. then at the command\n\n" +
				"```sh\nkubectl logs web-7d4b9c6f5-abcde --container application --previous --tail 50\n  # two spaces\n```\n" +
				"    kubectl get pod web-7d4b9c6f5-abcde --output jsonpath='{.status.containerStatuses}'\nAt the end.",
			Before:     "spec:\n  containers:\n  - command: [\"this\", \"line\", \"is\", \"longer\", \"than\", \"the\", \"terminal\"]\n",
			References: []string{"https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/"},
		},
	}
	got := rendered(t, func(b *strings.Builder) error { return render.Rule(b, r, render.NewTheme(false, false, 50)) })
	compare(t, got, `
exit-error  exits with an error

  kind       cause
  stage      container exit
  looks at   Pod

The process ended by itself, with a code that is
not 0. What it said last is in the log.

- 1 is anything at all, and the log tells more
  than the number ever does
- 2 is a shell's word for wrong usage

1. look at the log, of the life that ended
2. then at the command

`+"```sh"+`
kubectl logs web-7d4b9c6f5-abcde --container application --previous --tail 50
  # two spaces
`+"```"+`
    kubectl get pod web-7d4b9c6f5-abcde --output jsonpath='{.status.containerStatuses}'
At the end.

Before
  spec:
    containers:
    - command: ["this", "line", "is", "longer", "than", "the", "terminal"]

References
  - https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
`)
	piped := rendered(t, func(b *strings.Builder) error { return render.Rule(b, r, render.NewTheme(false, false, 0)) })
	if !strings.Contains(piped, r.Doc.Why) {
		t.Errorf("off a terminal the text is as it was written; got:\n%s", piped)
	}
}
