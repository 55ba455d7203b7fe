package exits

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RunsAsRootRefused finds programs that end because they do not want to run as root.
var RunsAsRootRefused = logCause("runs-as-root-refused", "refuses to run as root", "runs_as_root_refused.md", nil, reportRoot)

var rootReading = reading{
	words: knowledge.Regexp(`(?i)(?:can ?not|can't|must not|should not|may not|refus\w+ to|not allowed to|do not|don't) (?:be )?(?:run|execut|start)\w*[^\n]{0,40} (?:as|with) (?:the )?["']?(?:root|superuser|administrator)|"root" execution of|running as root is not (?:permitted|allowed|supported)|must be (?:started|run) (?:under|as) (?:an? )?(?:unprivileged|non-root)`),
	read:  func([]string, int, int32) *reason { return &reason{cause: "runs-as-root-refused"} },
}

func reportRoot(p *rule.Pass, c snapshot.Container, e *ended) {
	user, setting := runsAs(p, c)
	if user != nil && *user != 0 {
		return // it is not root that it runs as
	}
	f := e.finding(p, c)
	container := p.ContainerSetting(c)
	f.Message = fmt.Sprintf("refuses to run as root, the user of the image %s%s", c.Image, e.ends())
	point(&f, setting, "", "no runAsUser here: the image's own user is root")
	if user != nil {
		f.Message = fmt.Sprintf("refuses to run as root, and runAsUser is 0%s", e.ends())
		point(&f, setting, "0", "this is root")
	}
	other := knowledge.ImageUser(c.Image)
	caution := fmt.Sprintf("%d is the user that images of this name bring; files in its volumes must belong to that one, or to an fsGroup", other)
	if other == 0 {
		other = anyUser
		caution = fmt.Sprintf("%d is any user but root: the program must be able to read its files and write its directories as that one", other)
	}
	own := containerOf(p, c)
	fix := rule.Fix{Title: "run it as another user", Caution: caution, Applicability: rule.NeedsThought}
	if own == nil {
		fix.YAML = fmt.Sprintf("securityContext:\n  runAsUser: %d\n", other)
		f.Fix = &fix
		p.Report(f)
		return
	}
	var seen any
	if own.SecurityContext != nil && own.SecurityContext.RunAsUser != nil {
		seen = *own.SecurityContext.RunAsUser
	}
	ops := append([]rule.Op{sameName(container, c)}, putContext(container.Child("securityContext"), own.SecurityContext != nil, "runAsUser", seen, other)...)
	f.Fix = patched(p, container.Object, ops, fix)
	p.Report(f)
}

// anyUser is a user id to begin with where nothing names one; any but 0 would do.
const anyUser int64 = 10001
