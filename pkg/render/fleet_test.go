package render_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

// fleetLevel is a placement by hand: the phases of the whole, and of three dimensions.
func fleetLevel(version, uid string, spans ...report.LevelSpan) *report.Level {
	l := &report.Level{At: metav1.NewTime(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)), ServerVersion: version, ClusterUID: uid, Phase: spans[0]}
	for i, name := range []string{"reliability", "security", "troubleshooting"} {
		l.Dimensions = append(l.Dimensions, report.LevelDimension{Name: name, LevelSpan: spans[i+1], Applies: spans[i+1].Lo != ""})
	}
	return l
}

// fleetOf is so many clusters, with a fact of each verdict.
func fleetOf(names ...string) *report.Fleet {
	span := func(lo, hi string) report.LevelSpan { return report.LevelSpan{Lo: lo, Hi: hi} }
	f := &report.Fleet{}
	for i, name := range names {
		c := report.FleetContext{Context: name}
		switch i % 4 {
		case 0:
			c.Level = fleetLevel("v1.37.1", "1", span("confidence", "confidence"), span("confidence", "operations"), span("deploy", "deploy"), span("operations", "optimize"))
		case 1:
			c.Level = fleetLevel("v1.36.4", "2", span("transform", "deploy"), span("transform", "operations"), span("deploy", "deploy"), span("", ""))
			c.Level.Cap = &report.LevelCap{Phase: "deploy", Rules: []string{"privileged", "rbac-anonymous"}}
		case 2:
			c.Error = "The connection to the server 192.0.2.1:6443 was refused - did you specify the right host or port?"
		case 3:
			c.Level = fleetLevel("v1.37.1", "1", span("confidence", "confidence"), span("confidence", "operations"), span("deploy", "deploy"), span("operations", "optimize"))
		}
		f.Contexts = append(f.Contexts, c)
	}
	read := f.Read()
	if len(read) < 2 {
		return f
	}
	a, b := read[0], read[1]
	row := func(topic, name, verdict, of, other string) report.FleetRow {
		r := report.FleetRow{Topic: topic, Name: name, Verdict: verdict, Values: map[string]string{}}
		for _, c := range read {
			r.Values[c] = of
		}
		if r.Values[b] = other; other == "" {
			delete(r.Values, b)
		}
		return r
	}
	missing, unknown := row("namespaces", "shop", "missing", "present", ""), row("quotas", "store/compute", "unknown", "pods=20", "")
	missing.Missing, unknown.Unknown = []string{b}, map[string]string{b: "forbidden"}
	both := row("add-ons", "kube-system/kube-proxy", "differs", "v1.37.1", "")
	both.Values[a], both.Unknown = "v1.37.0", map[string]string{b: "forbidden"}
	f.Standard = []report.FleetRow{
		row("versions", "API server", "differs", "v1.37.1", "v1.36.4"), row("versions", "kubelets", "same", "1.36", "1.36"),
		missing, row("pod security", "store", "differs", "enforce=baseline, warn=restricted", "enforce=privileged, warn=restricted"),
		unknown, row("limits", "store/all", "same", "Container.default.memory=256Mi", "Container.default.memory=256Mi"), both,
	}
	return f
}

func TestFleet(t *testing.T) {
	for name, f := range map[string]*report.Fleet{
		"two":  fleetOf("east", "west"),
		"four": fleetOf("east", "west", "gone", "east-again"),
		"long": fleetOf("arn:aws:eks:eu-west-1:123456789012:cluster/production", "gke_shop_europe-west1_staging", "kind", "admin@prod"),
		"six":  fleetOf("a", "b", "c", "d", "e", "f"),
		"one":  fleetOf("east"),
	} {
		for _, th := range themes {
			for _, wide := range []bool{false, true} {
				var out bytes.Buffer
				if err := render.Fleet(&out, f, render.NewTheme(th.color, th.unicode, th.width), wide); err != nil {
					t.Fatal(err)
				}
				golden(t, fmt.Sprintf("fleet/%s.%s.wide-%v", name, th.name, wide), out.Bytes())
				if th.color {
					continue
				}
				table, _, _ := strings.Cut(out.String()[strings.Index(out.String(), "DIMENSION"):], "\n\n")
				limit := 100
				if th.width > 0 {
					limit = th.width
				}
				for line := range strings.SplitSeq(table, "\n") {
					if n := len([]rune(line)); n > limit {
						t.Errorf("%s.%s: %d columns: %s", name, th.name, n, line)
					}
				}
			}
		}
	}
}
