package render

import (
	"io"
	"slices"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

// Changes prints what a later report says that an earlier one on the same targets did not, and what it says
// no longer.
func Changes(w io.Writer, before, after *report.Report, t *Theme) error {
	p := &writer{w: w, t: t, at: after.At.Time}
	clock := after.At.Format(time.TimeOnly) + "  "
	for _, e := range after.Explained {
		old := report.Explained{}
		if i := slices.IndexFunc(before.Explained, func(o report.Explained) bool { return o.Object.Same(e.Object) }); i >= 0 {
			old = before.Explained[i]
		}
		was, is := before.Current(old), after.Current(e)
		for _, f := range was {
			if !says(is, f) {
				p.hanging(clock, t.good+" no longer: "+clean(p.titleOf(&f))+"  ("+f.Rule+")")
			}
		}
		for _, f := range is {
			if says(was, f) {
				continue
			}
			p.hanging(clock, t.bad+" now: "+where(f.Seen, false)+": "+clean(f.Message)+"  ("+f.Certainty+", "+f.Rule+")")
			if f.Fix != nil && f.Fix.Command != "" {
				p.line("          %s", t.strong.Sprint(clean(f.Fix.Command)))
			}
		}
		if e.Progress() != old.Progress() {
			p.hanging(clock, where(e.Object, false)+" "+clean(stateText(e)))
		}
	}
	return p.err
}

func says(list []report.Finding, f report.Finding) bool {
	return slices.ContainsFunc(list, func(o report.Finding) bool { return o.Fingerprint == f.Fingerprint })
}
