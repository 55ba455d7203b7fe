package exits

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// UserLacksRights finds programs that end because the user or the capabilities that the spec gives them do not allow
// what they do, outside of volumes.
var UserLacksRights = logCauseOf("user-lacks-rights", "permission-denied-volume", "its user or capabilities do not allow what it does", "user_lacks_rights.md", nil,
	func(p *rule.Pass, c snapshot.Container, e *ended) {
		switch {
		case e.more != "":
			reportCapability(p, c, e)
		case mountAt(c, e.what) == nil:
			reportImageFile(p, c, e)
		}
	})

// needed is what the kernel asks of a program that does something.
type needed struct {
	words        *knowledge.Pattern
	capabilities []string
	what         string
	given        bool // by container runtimes to whoever runs as root, unless it is dropped
}

// needs are told apart by what stands on a line that says "operation not permitted". Sources: capabilities(7), and
// containerd's default capabilities. Who changes its group changes its user next.
var needs = []needed{
	{knowledge.Regexp(`(?i)\bset(?:re|res|e)?gid\b|\bsetgroups\b|\binitgroups\b|set groups|\bset(?:re|res|e)?uid\b|setting (?:user|group) id|switch(?:ing)? (?:to )?user`), []string{"SETGID", "SETUID"}, "change its user and group", true},
	{knowledge.Regexp(`(?i)\b[fl]?chown(?:at)?\b|changing (?:ownership|group)`), []string{"CHOWN"}, "give files to another user", true},
	{knowledge.Regexp(`(?i)\bf?chmod(?:at)?\b|changing permissions|utimes?\b|setting times`), []string{"FOWNER"}, "change files of another user", true},
	{knowledge.Regexp(`(?i)\bping\b|raw socket|SOCK_RAW|lacking privilege for`), []string{"NET_RAW"}, "open a raw socket", true},
	{knowledge.Regexp(`(?i)RTNETLINK|netlink|ip6?tables|nf_tables|\btun\b|TUNSETIFF`), []string{"NET_ADMIN"}, "change the network", false},
	{knowledge.Regexp(`(?i)\bmlock(?:all)?\b`), []string{"IPC_LOCK"}, "lock its memory", false},
	{knowledge.Regexp(`(?i)\bmount\b|\bunshare\b|\bsetns\b`), []string{"SYS_ADMIN"}, "mount, or make namespaces", false},
}

// rightsReading reads what the kernel refuses for want of a capability; files that a user may not open are denied in
// other words.
var rightsReading = reading{
	words: knowledge.Regexp(`(?i)operation not permitted|\bEPERM\b|lacking privilege|\(1: `),
	read: func(lines []string, at int, _ int32) *reason {
		for _, n := range needs {
			if n.words.MatchString(lines[at]) {
				return &reason{cause: "permission-denied-volume", more: n.capabilities[0]}
			}
		}
		return nil
	},
}

// has tells whether a list of capabilities has one of them, by its name or as ALL.
func has(list []corev1.Capability, name string) bool {
	return slices.ContainsFunc(list, func(c corev1.Capability) bool {
		bare := strings.TrimPrefix(strings.ToUpper(string(c)), "CAP_")
		return bare == name || bare == "ALL"
	})
}

// nonRoot is where the spec says that the container does not run as root; nil where it does not say so.
func nonRoot(p *rule.Pass, c snapshot.Container) *rule.Setting {
	if sc := c.SecurityContext; sc != nil && sc.RunAsNonRoot != nil {
		if s := p.ContainerSetting(c).Child("securityContext", "runAsNonRoot"); *sc.RunAsNonRoot {
			return &s
		}
		return nil
	}
	if sc := p.Object.Pod().Spec.SecurityContext; sc != nil && sc.RunAsNonRoot != nil && *sc.RunAsNonRoot {
		s := p.PodSpec().Child("securityContext", "runAsNonRoot")
		return &s
	}
	return nil
}

func reportCapability(p *rule.Pass, c snapshot.Container, e *ended) {
	n := needs[slices.IndexFunc(needs, func(n needed) bool { return n.capabilities[0] == e.more })]
	var caps corev1.Capabilities
	if sc := c.SecurityContext; sc != nil && sc.Capabilities != nil {
		caps = *sc.Capabilities
	}
	user, setting := runsAs(p, c)
	root := user == nil || *user == 0
	if c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged || root && has(caps.Add, e.more) {
		return
	}
	f := e.finding(p, c)
	names := strings.Join(n.capabilities, " and ")
	at := p.ContainerSetting(c).Child("securityContext")
	switch dropped := has(caps.Drop, e.more); {
	case !root:
		point(&f, setting, fmt.Sprint(*user), fmt.Sprintf("only root, with %s, may %s", names, n.what))
		f.Message = fmt.Sprintf("may not %s, since it runs as user %d, which is not root%s", n.what, *user, e.ends())
		f.Fix = &rule.Fix{Title: fmt.Sprintf("use an image that does not %s, or let the image's own user run it (without runAsUser)", n.what), Applicability: rule.NeedsThought}
		p.Report(f)
		return
	case user == nil && nonRoot(p, c) != nil:
		own := nonRoot(p, c)
		point(&f, *own, "true", fmt.Sprintf("only root, with %s, may %s", names, n.what))
		f.Message = fmt.Sprintf("may not %s, since it runs as another user than root%s", n.what, e.ends())
		f.Fix = &rule.Fix{Title: fmt.Sprintf("use an image that does not %s", n.what), Applicability: rule.NeedsThought}
		p.Report(f)
		return
	case dropped:
		point(&f, at.Child("capabilities", "drop"), "", fmt.Sprintf("takes %s from it too", names))
		f.Message = fmt.Sprintf("may not %s: its capabilities are dropped, %s with them%s", n.what, names, e.ends())
	case n.given:
		return // it had the capability, and was refused by something else: storage, a profile
	default:
		point(&f, at, "", fmt.Sprintf("does not add %s, which no container has by itself", names))
		f.Message = fmt.Sprintf("may not %s: that takes %s, which the container is not given%s", n.what, names, e.ends())
	}
	if user == nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "securityContext.runAsUser", Text: "no runAsUser: the image decides whether it runs as root"})
	}
	add := at.Child("capabilities", "add")
	var seen any
	list := slices.Clone(caps.Add)
	if len(list) > 0 {
		seen = rule.Plain(list)
	}
	for _, name := range n.capabilities {
		list = append(list, corev1.Capability(name))
	}
	patch := p.Change(add, seen, rule.Plain(list))
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("use an image that runs as another user than root and does not %s; or give it %s", n.what, names),
		Caution:       "a capability helps root alone; what the program does next may take another one; a namespace with the restricted Pod Security Standard lets none in but NET_BIND_SERVICE",
		Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(add.Object, patch),
	}
	p.Report(f)
}

// reportImageFile tells of a file of the image that the user of the spec may not use: the image was built for another.
func reportImageFile(p *rule.Pass, c snapshot.Container, e *ended) {
	user, setting := runsAs(p, c)
	if user == nil || *user == 0 || strings.HasPrefix(e.what, "/proc/") || strings.HasPrefix(e.what, "/sys/") || under(e.what, "/dev") {
		return
	}
	f := e.finding(p, c)
	point(&f, setting, fmt.Sprint(*user), "the image was built for another user than this")
	f.Message = fmt.Sprintf("user %d may not use %s, which is a path of the image and belongs to another user%s", *user, e.what, e.ends())
	f.RuledOut = []string{fmt.Sprintf("the owner of a volume: none is mounted at or above %s", e.what)}
	switch dir := path.Dir(e.what); {
	case strings.HasPrefix(e.what, "/."): // a user whom the image does not know has / for its home
		f.Message = fmt.Sprintf("user %d may not write %s: the image does not know that user, so that its home is /%s", *user, e.what, e.ends())
		f.Fix = &rule.Fix{
			Title: "give the user a home that it may write", Applicability: rule.NeedsThought,
			Command: []string{"set", "env", setting.Object.String(), "-c", c.Name, "HOME=/tmp"}, Caution: "what is written there is gone with the container",
		}
	case commonDir(dir) || commonDir(e.what):
		if commonDir(e.what) {
			dir = e.what
		}
		f.Fix = scratchFix(p, c, dir)
		f.Fix.Title += "; or use an image that is built for any user"
	default:
		f.Fix = &rule.Fix{Title: "let the image's own user run it (without runAsUser), use an image that is built for any user, or mount a volume where it writes", Applicability: rule.NeedsThought}
	}
	p.Report(f)
}
