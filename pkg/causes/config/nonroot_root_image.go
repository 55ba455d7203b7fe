package config

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// anyUser is a user id to begin with where an image names none; any but 0 would do.
const anyUser = 10001

// NonrootRootImage finds containers that may not run as root and whose image does.
var NonrootRootImage = rule.Cause{
	ID: "nonroot-root-image", Title: "must not run as root, and its image does", Doc: rule.ReadDoc(docs, "nonroot_root_image.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if configError(c, imageIsRoot) == nil {
				continue
			}
			container := p.ContainerSetting(c)
			setting := nonRootSetting(p, c)
			p.Report(rule.Finding{
				Object:    setting.Object,
				Seen:      p.Object.In(c.Name),
				Field:     setting.Path,
				Value:     "true",
				Message:   fmt.Sprintf("must not run as root, and the image %s runs as root: no runAsUser says otherwise", c.Image),
				Label:     "the kubelet refuses to start an image whose user is root",
				Evidence:  []rule.Evidence{waitingEvidence(p, c)},
				RuledOut:  []string{"a user that the image names by a word, and runAsUser 0: the kubelet has other messages for those"},
				Certainty: rule.Certain,
				Fix:       userFix(p, container, c),
			})
		}
	},
}

// userFix sets a user for the container.
func userFix(p *rule.Pass, container rule.Setting, c snapshot.Container) *rule.Fix {
	patch := userPatch(container, c, anyUser)
	return &rule.Fix{
		Title:         "run it as another user, or use an image whose USER is one",
		Caution:       fmt.Sprintf("%d is any user but root: the program must be able to read its files and write its directories as that one", anyUser),
		Applicability: rule.NeedsThought,
		Patch:         patch,
		Command:       p.PatchCommand(container.Object, patch),
	}
}

// userPatch sets a user in the container's own securityContext, which it makes where there is none.
func userPatch(container rule.Setting, c snapshot.Container, user any) *rule.Patch {
	op := rule.Op{Op: "add", Path: container.Child("securityContext", "runAsUser").Pointer(), Value: user}
	if c.SecurityContext == nil {
		op = rule.Op{Op: "add", Path: container.Child("securityContext").Pointer(), Value: map[string]any{"runAsUser": user}}
	}
	return &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: container.Child("name").Pointer(), Value: c.Name}, op}}
}
