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

// notFound are the words of runc and crun for a program that they do not find, behind those of
// containerd, CRI-O and Docker.
var notFound = knowledge.Regexp("exec: \"([^\"]*)\": (?:stat .*: )?(no such file or directory|executable file not found in \\$PATH)|executable file [`']([^`']*)[`'] (not found(?: in \\$PATH)?)")

// EntrypointNotFound finds containers whose program is not in the image.
var EntrypointNotFound = rule.Cause{
	ID: "entrypoint-not-found", Title: "the program to start is not in the image", Doc: rule.ReadDoc(docs, "entrypoint_not_found.md"),
	Peers: map[string][]string{"popeye": {"POP-203"}},
	Stage: rule.StageExit, Beats: []string{"app-exit", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if program, why, evidence, ok := entrypoint(p, c); ok {
				reportEntrypoint(p, c, program, why, evidence)
			}
		}
	},
}

// startError is why the runtime could not start the container's first process, from why the container
// waits or how it ended; "" where it could.
func startError(p *rule.Pass, c snapshot.Container) (message string, evidence rule.Evidence) {
	if c.Status == nil || takenAway(p) {
		return "", rule.Evidence{}
	}
	if w := c.Status.State.Waiting; w != nil && (w.Reason == "RunContainerError" || w.Reason == "CreateContainerError") {
		message = w.Message
		evidence = rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + shortened(w.Message)}
	}
	if d := p.LastDeath(c); d != nil && neverStarted(d) && !d.Over && c.Status.State.Running == nil {
		message = d.Message
		evidence = p.DeathEvidence(c, d)
		evidence.Text += ": " + shortened(d.Message)
	}
	return message, evidence
}

// entrypoint reads which program the runtime did not find.
func entrypoint(p *rule.Pass, c snapshot.Container) (program, why string, evidence rule.Evidence, ok bool) {
	message, evidence := startError(p, c)
	m := notFound.FindStringSubmatch(message)
	if m == nil {
		return "", "", rule.Evidence{}, false
	}
	if m[1] == "" && m[3] != "" {
		return m[3], m[4], evidence, true
	}
	return m[1], m[2], evidence, true
}

// shortened is what the runtime says, without all that it says of itself.
func shortened(message string) string {
	if at := runtimeWords.FindStringIndex(message); at != nil {
		message = message[at[1]:]
	}
	return rule.Quote(strings.TrimSuffix(message, ": unknown"))
}

func reportEntrypoint(p *rule.Pass, c snapshot.Container, program, why string, evidence rule.Evidence) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		Value:     program,
		Message:   fmt.Sprintf("cannot be started: %q is not in the image %s", program, c.Image),
		Label:     "the runtime looks for this file in the image and finds none",
		Evidence:  []rule.Evidence{evidence},
		RuledOut:  []string{"the program itself: not one instruction of it ran"},
		Certainty: rule.Certain,
		Stage:     stage(c),
	}
	if why != "no such file or directory" {
		f.Label = "the runtime looks for this file in the directories of PATH and finds none"
		f.Message = fmt.Sprintf("cannot be started: no %q in any directory of PATH in the image %s", program, c.Image)
	}
	f.RuledOut = append(f.RuledOut, "a file without the x bit: the runtime would say permission denied")
	setting, named := container.Child("image"), false
	switch {
	case slices.Index(c.Command, program) == 0:
		setting, named = container.Child("command").Index(0), true
	case len(c.Command) == 0 && slices.Index(c.Args, program) == 0:
		setting, named = container.Child("args").Index(0), true
	case len(c.Command) > 0:
		setting, f.Value = container.Child("command"), strings.Join(c.Command[:1], "") // the image's env or a wrapper changed the name
	default:
		f.Value = c.Image
		f.Label = fmt.Sprintf("its own entrypoint is %q, and it does not have that file", program)
		f.Message = fmt.Sprintf("cannot be started: the image %s names %q as its entrypoint and does not have that file", c.Image, program)
	}
	f.Field = setting.Path
	f.Fix = entrypointFix(p, c, setting, program, named)
	if over := hides(c, program); over >= 0 {
		mount := container.Child("volumeMounts").Index(over)
		f.Fix = hidingFix(p, c, &c.VolumeMounts[over])
		f.Marks = append(f.Marks, rule.Mark{Field: mount.Child("mountPath").Path, Label: "hides what the image has here"})
		f.Message += fmt.Sprintf("; the volume %s mounted at %s hides what the image has there", c.VolumeMounts[over].Name, c.VolumeMounts[over].MountPath)
	} else if path.IsAbs(program) {
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a volume that hides it: none is mounted at or above %s", path.Dir(program)))
	}
	p.Report(f)
}

// hides is the volume mount under whose path the program would lie, or -1.
func hides(c snapshot.Container, program string) int {
	if !path.IsAbs(program) {
		return -1
	}
	for i, m := range c.VolumeMounts {
		dir := strings.TrimSuffix(path.Clean(m.MountPath), "/")
		if program == dir || strings.HasPrefix(program, dir+"/") {
			return i
		}
	}
	return -1
}

// hidingFix moves a volume away from what the image has there.
func hidingFix(p *rule.Pass, c snapshot.Container, m *corev1.VolumeMount) *rule.Fix {
	fix := &rule.Fix{
		Title:   "mount the volume at a folder of its own, or only its files one by one (subPath)",
		Caution: "whatever reads the volume must look for it there; if the program is to come from the volume, see what that holds instead", Applicability: rule.NeedsThought,
	}
	if mount, ok := mountSetting(p, c, m); ok {
		at := mount.Child("mountPath")
		fix.Applicability, fix.Patch = rule.Placeholders, at.ReplaceValue(m.MountPath, "<PATH>")
		fix.Command = p.PatchCommand(at.Object, fix.Patch)
	}
	return fix
}

func entrypointFix(p *rule.Pass, c snapshot.Container, setting rule.Setting, program string, named bool) *rule.Fix {
	switch words := strings.Fields(program); {
	case !named:
		return &rule.Fix{
			Title:         "use an image that has the program, or set command to one that the image has",
			Applicability: rule.Placeholders,
			Command:       []string{"set", "image", setting.Object.String(), c.Name + "=<IMAGE>"},
		}
	case len(words) > 1 && !strings.ContainsAny(program, "|&;<>$`\"'()*\\"):
		list, have := p.ContainerSetting(c).Child("command"), c.Command
		if len(have) == 0 {
			list, have = p.ContainerSetting(c).Child("args"), c.Args
		}
		patch := list.ReplaceValue(have, append(words, have[1:]...))
		return &rule.Fix{
			Title:         "give every word an item of its own: the whole line was taken for the name of a file",
			Caution:       "a line that needs a shell is written as sh, -c and the line; the image must have sh then",
			Applicability: rule.NeedsThought,
			Patch:         patch,
			Command:       p.PatchCommand(setting.Object, patch),
		}
	}
	patch := setting.ReplaceValue(program, "<PATH>")
	return &rule.Fix{
		Title:         "name a program that is in the image, or drop command: the image then starts its own",
		Applicability: rule.Placeholders,
		Patch:         patch,
		Command:       p.PatchCommand(setting.Object, patch),
	}
}
