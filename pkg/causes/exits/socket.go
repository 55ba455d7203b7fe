package exits

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

var (
	socketPath = knowledge.Regexp(`(?:^|[\s'"=(]|unix:/{0,2})(/[A-Za-z0-9._@%+~/-]*[A-Za-z0-9_-])`)
	unixWord   = knowledge.Regexp(`(?i)\bunix\b|AF_UNIX|\.sock`)
)

// socketOf is the file of a Unix socket that a line is about; "" where it is about a port.
func socketOf(line string) string {
	if !unixWord.MatchString(line) {
		return ""
	}
	if m := socketPath.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// reportSocket tells of a Unix socket whose file is there already: it stays behind when its program ends.
func reportSocket(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	f.RuledOut = []string{"a port that is taken: the address is the file of a Unix socket"}
	f.Fix = &rule.Fix{Title: "have the program remove the file before it listens (unlink), or put its socket into a folder of the image, which is new with each start", Applicability: rule.NeedsThought}
	m := mountAt(c, e.what)
	if m == nil {
		f.Certainty = rule.Possible
		f.NoField = "no volume lies there, and the container's own files are new with each start"
		f.Message = fmt.Sprintf("cannot listen on the Unix socket %s, which is there already%s: does the image have that file, or does the program listen twice?", e.what, e.exit())
		p.Report(f)
		return
	}
	kind, outlives := "volume "+m.Name, "outlives the pod"
	if v := volumeOf(p, m.Name); v != nil && v.EmptyDir != nil {
		kind, outlives = "volume "+m.Name+", an emptyDir,", "outlives the restarts of a container"
		if p.Owner(p.Object) != nil {
			f.Fix.Title += "; a new pod starts with an empty one, until its container is started again"
			f.Fix.Lines = []string{p.Line("delete", "pod", p.Object.Name)}
		}
	}
	pointAtMount(p, c, m, &f, "what lies here "+outlives)
	f.Message = fmt.Sprintf("cannot listen on the Unix socket %s: its file is there already, left by a life before, since %s %s%s", e.what, kind, outlives, e.ends())
	if e.Restarts == 0 && strings.HasSuffix(outlives, "container") {
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("cannot listen on the Unix socket %s, which is there already in its first life%s: does another container with volume %s listen there?", e.what, e.exit(), m.Name)
	}
	p.Report(f)
}
