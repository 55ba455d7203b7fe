package report

import (
	"regexp"
	"slices"
)

// Well tells whether every target is healthy, or has nothing to do.
func (r *Report) Well() bool {
	return len(r.Explained) > 0 && !slices.ContainsFunc(r.Explained, func(e Explained) bool {
		return e.State != "healthy" && e.State != "finished" && e.State != "idle" || len(r.Current(e)) > 0
	})
}

// Current are the findings on a target that are not history, the verdict first.
func (r *Report) Current(e Explained) []Finding {
	var list []Finding
	for _, i := range e.Findings {
		if !r.Findings[i].History {
			list = append(list, r.Findings[i])
		}
	}
	return list
}

// ready is how the text of a workload's state starts.
var ready = regexp.MustCompile(`^\d+ of \d+ pods ready`)

// Progress is what of a target's state is worth saying again when it changes: ages and counts of restarts
// change all the time.
func (e Explained) Progress() string { return e.State + " " + ready.FindString(e.Text) }

// Differ tells whether two reports on the same targets say something different.
func Differ(a, b *Report) bool {
	of := func(r *Report) []string {
		var said []string
		for _, e := range r.Explained {
			said = append(said, e.Object.Key().String(), e.Progress())
			for _, f := range r.Current(e) {
				said = append(said, f.Fingerprint)
			}
		}
		return said
	}
	return !slices.Equal(of(a), of(b))
}
