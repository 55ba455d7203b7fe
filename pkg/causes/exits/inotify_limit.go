package exits

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// InotifyLimit finds programs that end because their node lets them watch no more files.
var InotifyLimit = logCause("inotify-limit", "it may not watch more files on its node", "inotify_limit.md", nil, reportInotify)

// What the kernel counts for each user of a node. Source: inotify(7), /proc interfaces.
const (
	ofWatches   = "watches"
	ofInstances = "instances"
)

var (
	watchesFull   = knowledge.Regexp(`(?i)\bENOSPC\b|no space left on device|file watchers reached|max_user_watches`)
	instancesFull = knowledge.Regexp(`(?i)\bEMFILE\b|too many open files|max_user_instances`)
)

var inotifyReading = reading{
	words: knowledge.Regexp(`(?i)inotify|fsnotify|file ?watch|watcher|, watch '`),
	read: func(lines []string, at int, _ int32) *reason {
		r := &reason{cause: "inotify-limit"}
		switch {
		case watchesFull.MatchString(lines[at]):
			r.what = ofWatches
		case instancesFull.MatchString(lines[at]):
			r.what = ofInstances
		default:
			return nil
		}
		return r
	},
}

func reportInotify(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	sysctl := "fs.inotify.max_user_" + e.what
	node := "its node"
	if name := p.Object.Pod().Spec.NodeName; name != "" {
		node = "node/" + name
	}
	f.Message = fmt.Sprintf("may not watch more files: %s has no %s left for its user%s", node, e.what, e.ends())
	f.NoField = fmt.Sprintf("no field of a pod sets %s: it is a sysctl of %s, and counts for all programs of one user there", sysctl, node)
	f.RuledOut = []string{"a disk or volume that is full: the words are the same, and no file is written here"}
	if e.what == ofInstances {
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("may not watch files: %s has no %s left for its user, or the program has too many files open%s", node, e.what, e.ends())
		f.RuledOut = nil
	}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("have whoever runs %s raise %s, or have the program watch less: fewer folders, or look by itself from time to time", node, sysctl),
		Caution:       "pods of other nodes have the same limit, unless their nodes are set up in another way",
		Applicability: rule.NeedsThought,
		Lines:         []string{"# on the node:", fmt.Sprintf("sysctl %s", sysctl)},
	}
	p.Report(f)
}
