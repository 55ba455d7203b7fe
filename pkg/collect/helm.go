package collect

import (
	"regexp"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// templateLine is what helm writes above each document that it renders: the chart, its subcharts, and the file.
// Source: renderResources in pkg/action of helm.sh/helm; files of crds/ are written with --include-crds.
var templateLine = regexp.MustCompile(`^# Source: ((?:[^\s/]+/)+(?:templates|crds)/\S+)$`)

// templateOf is the file of a chart that a document was rendered from, "" for one that helm did not render. A
// comment that only begins alike names no file of a chart, or does not stand first.
func templateOf(doc *source.Document) string {
	text := strings.TrimLeft(doc.Text(), "\r\n")
	if !strings.HasPrefix(text, "# Source: ") {
		return ""
	}
	line, _, _ := strings.Cut(text, "\n")
	if m := templateLine.FindStringSubmatch(strings.TrimRight(line, "\r")); m != nil {
		return m[1]
	}
	return ""
}
