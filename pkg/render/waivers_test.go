package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func decidedReport() *report.Report {
	web := snapshot.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	inApp := web.In("app")
	return &report.Report{
		Summary: report.Summary{Objects: 3, ByDimension: map[string]report.Counts{"security": {Pass: 2, Fail: 1, Waived: 2}}},
		Config:  "../maturity.yaml", Ignored: []string{"a.yaml", "b.yaml"},
		Baseline: &report.Compared{File: "known.json", Known: 12, Gone: 2},
		Waivers: []report.Waiver{
			{Rule: "image-latest", Object: &inApp, Source: "annotation", At: "web.yaml:6", Reason: "the canary \x1b[31mfollows main", Until: "2027-01-31", State: "active", Severity: "medium", Message: `container "app" runs web:latest`},
			{Rule: "host-path", Object: &web, Source: "kube-linter", State: "active", Severity: "high", Message: "volume logs is /var/log of the node"},
			{Rule: "host-port", Object: &web, Source: "annotation", Reason: "shared", State: "active", Severity: "low", Message: "port 80"},
			{Rule: "privileged", For: "deployment/*", Source: "config", At: "../maturity.yaml:9", Reason: "soon", Until: "2026-01-31", State: "expired"},
			{Rule: "host-port", Object: &web, Source: "annotation", Reason: "r", State: "unused"},
			{Rule: "host-prt", Object: &web, Source: "annotation", State: "invalid", Problem: `unknown rule "host-prt"; did you mean host-port?`},
			{Rule: "elsewhere", For: "pod/x", Source: "config", State: "unknown"},
		},
	}
}

func TestDecisions(t *testing.T) {
	for _, c := range []struct {
		wide bool
		want string
	}{
		{false, `security       2 of 3 pass, 1 fail, 2 waived
✓ 3 objects looked at, no new findings
3 waived (-o wide lists them), 12 known from known.json
2 findings of known.json are gone: --write-baseline takes them out
3 waivers need another look: -o wide tells why
configured by ../maturity.yaml, which leaves out 2 files
`},
		{true, `waived: 3
  • deployment/web -n shop, container app: container "app" runs web:latest (medium, image-latest)
    until 2027-01-31, web.yaml:6: the canary ^[[31mfollows main
  • deployment/web -n shop: volume logs is /var/log of the node (high, host-path)
    by an annotation for kube-linter
  • deployment/web -n shop: port 80 (low, host-port)
    without an end, by its annotation: shared

waivers that need another look: 3
  • ../maturity.yaml:9: privileged on deployment/* expired on 2026-01-31 (soon)
  • host-port on deployment/web -n shop waives nothing: there is no such finding
  • host-prt on deployment/web -n shop: unknown rule "host-prt"; did you mean host-port?

security       2 of 3 pass, 1 fail, 2 waived
✓ 3 objects looked at, no new findings
3 waived, 12 known from known.json
2 findings of known.json are gone: --write-baseline takes them out
configured by ../maturity.yaml, which leaves out 2 files
`},
	} {
		var out bytes.Buffer
		if err := render.Check(&out, decidedReport(), render.NewTheme(false, true, 0), c.wide); err != nil {
			t.Fatal(err)
		}
		if out.String() != c.want {
			t.Errorf("wide %v:\n%s\nwant:\n%s", c.wide, out.String(), c.want)
		}
	}
	r := decidedReport()
	r.Baseline = &report.Compared{File: "known.json", Known: 1, Gone: 1, Written: true}
	r.Waivers, r.Config = r.Waivers[3:4], ""
	var out bytes.Buffer
	if err := render.Check(&out, r, render.NewTheme(true, true, 40), false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 finding written to known.json\n", "1 finding of known.json is gone: --write-baseline takes it out\n", "1 waiver needs another look: -o wide tells why"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}
