package config

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The kubelet's words, from verifyRunAsNonRoot. On Windows a name stands for the user.
var (
	userByName = knowledge.Regexp(`^container has runAsNonRoot and image has non-numeric user \(([^)]*)\)`)
	userIsZero = knowledge.Regexp(`^container's runAsUser breaks non-root policy`)
)

// NonrootNonnumeric finds containers that may not run as root and whose image names its user by a word.
var NonrootNonnumeric = rule.Cause{
	ID: "nonroot-nonnumeric", Title: "must not run as root, and its image names no user id", Doc: rule.ReadDoc(docs, "nonroot_nonnumeric.md"),
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			m := configError(c, userByName)
			if m == nil {
				continue
			}
			container, setting := p.ContainerSetting(c), nonRootSetting(p, c)
			fix := userFix(p, container, c)
			fix.Title = fmt.Sprintf("say which user id %q is in the image, or build it with USER and a number", m[1])
			fix.Caution = "the id stands in /etc/passwd of the image; another one may lack rights to the program's files"
			fix.Applicability = rule.Placeholders
			fix.Patch = nil // a number belongs there, and a placeholder is none
			fix.Command = p.PatchCommand(container.Object, userPatch(container, c, placeholderUser))
			fix.Command[len(fix.Command)-1] = strings.ReplaceAll(fix.Command[len(fix.Command)-1], `"`+placeholderUser+`"`, placeholderUser)
			p.Report(rule.Finding{
				Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: "true",
				Message:   fmt.Sprintf("must not run as root, and the image %s names its user %q: the kubelet cannot tell whether that is root, and no runAsUser says it", c.Image, m[1]),
				Label:     "the kubelet refuses to start an image whose user is no number",
				Evidence:  []rule.Evidence{waitingEvidence(p, c)},
				RuledOut:  []string{"an image that runs as root, and runAsUser 0: the kubelet has other messages for those"},
				Certainty: rule.Certain,
				Fix:       fix,
			})
		}
	},
}

// placeholderUser is a user id that is to be filled in.
const placeholderUser = "<UID>"

// NonrootUID0 finds containers that may not run as root and are told to run as user 0.
var NonrootUID0 = rule.Cause{
	ID: "nonroot-uid0", Title: "must not run as root, and runAsUser is 0", Doc: rule.ReadDoc(docs, "nonroot_uid0.md"),
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if configError(c, userIsZero) == nil {
				continue
			}
			user, nonRoot := userSetting(p, c), nonRootSetting(p, c)
			patch := user.ReplaceValue(0, anyUser)
			p.Report(rule.Finding{
				Object: user.Object, Seen: p.Object.In(c.Name), Field: user.Path, Value: "0",
				Message:   "must not run as root (runAsNonRoot), and must run as user 0 (runAsUser), which is root: the kubelet starts it as neither",
				Label:     "user 0 is root",
				Marks:     []rule.Mark{{Field: nonRoot.Path, Label: "forbids root"}},
				Evidence:  []rule.Evidence{waitingEvidence(p, c)},
				RuledOut:  []string{"the user of the image: runAsUser takes its place"},
				Certainty: rule.Certain,
				Fix: &rule.Fix{
					Title:         "run it as another user; or, if it must be root, take runAsNonRoot away",
					Caution:       fmt.Sprintf("%d is any user but root: the program must be able to read its files and write its directories as that one. Root in a container is one step from root on the node", anyUser),
					Applicability: rule.NeedsThought, Object: user.Object, Patch: patch, Command: p.PatchCommand(user.Object, patch),
				},
			})
		}
	},
}

// nonRootSetting is where runAsNonRoot is said that holds for the container: its own, or the pod's.
func nonRootSetting(p *rule.Pass, c snapshot.Container) rule.Setting {
	if sc := c.SecurityContext; sc != nil && sc.RunAsNonRoot != nil || p.Object.Pod().Spec.SecurityContext == nil {
		return p.ContainerSetting(c).Child("securityContext", "runAsNonRoot")
	}
	return p.PodSpec().Child("securityContext", "runAsNonRoot")
}

// userSetting is where runAsUser is said that holds for the container: its own, or the pod's.
func userSetting(p *rule.Pass, c snapshot.Container) rule.Setting {
	if sc := c.SecurityContext; sc != nil && sc.RunAsUser != nil || p.Object.Pod().Spec.SecurityContext == nil {
		return p.ContainerSetting(c).Child("securityContext", "runAsUser")
	}
	return p.PodSpec().Child("securityContext", "runAsUser")
}
