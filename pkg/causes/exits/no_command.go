package exits

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// noCommandWords are what containerd, CRI-O and Docker say of a container without a program.
var noCommandWords = knowledge.Regexp(`(?i)no command specified|no command or entrypoint provided`)

// NoCommand finds containers for which neither the spec nor the image names a program.
var NoCommand = rule.Cause{
	ID: "no-command", Title: "neither spec nor image says what to start", Doc: rule.ReadDoc(docs, "no_command.md"),
	Stage: rule.StageContainerConfig, Beats: []string{"app-exit", "init-failing"}, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if message, evidence := startError(p, c); noCommandWords.MatchString(message) {
				reportNoCommand(p, c, evidence)
			}
		}
	},
}

func reportNoCommand(p *rule.Pass, c snapshot.Container, evidence rule.Evidence) {
	container := p.ContainerSetting(c)
	command := container.Child("command")
	f := rule.Finding{
		Object: container.Object, Seen: p.Object.In(c.Name), Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		Message:  fmt.Sprintf("cannot be created: the image %s names no program to start, and the container has no command", c.Image),
		RuledOut: []string{"a program that is not in the image: none is named at all"},
	}
	point(&f, command, "", "no command here, and no ENTRYPOINT or CMD in the image")
	f.Fix = patched(p, container.Object, []rule.Op{sameName(container, c), {Op: "add", Path: command.Pointer(), Value: []any{"<PROGRAM>"}}}, rule.Fix{
		Title:         "name the program to start; or see whether the image is the one that is meant",
		Caution:       "an image without a program is often one of the wrong stage or kind: one that only carries files",
		Applicability: rule.Placeholders,
	})
	p.Report(f)
}
