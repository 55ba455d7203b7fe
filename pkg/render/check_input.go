package render

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// otherFiles says how many files of folders are no manifests, and with wide which.
func (p *writer) otherFiles(r *report.Report, wide bool) {
	if len(r.OtherFiles) == 0 {
		return
	}
	what := "other YAML file"
	if slices.ContainsFunc(r.OtherFiles, func(name string) bool { return filepath.Ext(name) == ".json" }) {
		what = "other YAML or JSON file"
	}
	text := rule.Count(len(r.OtherFiles), what) + " skipped"
	if !wide {
		p.line("%s: -o wide lists them", text)
		return
	}
	p.line("%s: %s", text, clean(strings.Join(r.OtherFiles, ", ")))
}

// unresolvedWords are the title of the list of names that nobody could look up, and what is said instead of it.
func unresolvedWords(r *report.Report) (title, short string) {
	if r.Beside {
		return "not in the input, and the cluster does not tell", "not in the input, and the cluster does not tell: -o wide lists them"
	}
	return "not in the input, and not judged (--closed judges them, --with-cluster looks them up)", "not in the input: -o wide lists them, --closed judges them, --with-cluster looks them up"
}

func because(u report.Unresolved) string {
	if u.Reason == "" {
		return ""
	}
	return " (" + clean(u.Reason) + ")"
}

// missing says how much of what was to be judged, or looked up, could not be read.
func (p *writer) missing() string {
	parts := 0
	for _, n := range p.top {
		if !isRead(n) {
			parts++
		}
	}
	var list []string
	if parts > 0 {
		list = append(list, rule.Count(parts, "part")+" of the input could not be judged")
	}
	if reads := len(p.top) - parts; reads > 0 {
		list = append(list, rule.Count(reads, "thing")+" could not be read")
	}
	return strings.Join(list, ", ")
}
