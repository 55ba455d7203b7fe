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

// EntrypointNotExecutable finds containers whose program is a file that may not be executed.
var EntrypointNotExecutable = execCause("entrypoint-not-executable", "the program to start may not be executed", "entrypoint_not_executable.md", reportNotExecutable)

// ExecFormatError finds containers whose program is not one for the node's processor, or no program.
var ExecFormatError = execCause("exec-format-error", "the program is none that this node can run", "exec_format_error.md", reportFormat)

// BadInterpreter finds containers whose program needs another one that is not there.
var BadInterpreter = execCause("bad-interpreter", "what the program needs to be started with is not there", "bad_interpreter.md", reportInterpreter)

// execCause is a cause of containers whose program the kernel refused. The runtime says so in the
// container's log, in whose process it tries, or where it notices before, in the status.
func execCause(id, title, doc string, report func(*rule.Pass, snapshot.Container, *refusedExec)) rule.Cause {
	of := func(p *rule.Pass, c snapshot.Container) *refusedExec {
		if x := execRefusal(p, c); x != nil && x.cause == id {
			return x
		}
		return nil
	}
	return rule.Cause{
		ID: id, Title: title, Doc: rule.ReadDoc(docs, doc),
		Stage: rule.StageExit, Beats: beatenByLog, On: rule.Pods,
		Wants: func(p *rule.Pass) []snapshot.Want {
			wants := logsOfFailed(p, func(snapshot.Container, *rule.Death) bool { return true })
			for _, c := range p.Object.PodContainers() {
				if x := of(p, c); x != nil {
					if s := scriptOf(p, c, x.program); s != nil && s.volume.ConfigMap != nil {
						wants = append(wants, snapshot.WantGet(snapshot.ConfigMapKind, p.Object.Namespace, s.volume.ConfigMap.Name))
					}
				}
			}
			return wants
		},
		Run: func(p *rule.Pass) {
			for _, c := range p.Object.PodContainers() {
				if x := of(p, c); x != nil {
					report(p, c, x)
				}
			}
		},
	}
}

// refusedExec is a program that the kernel did not start.
type refusedExec struct {
	cause    string
	program  string
	death    *rule.Death
	evidence []rule.Evidence
	api      bool // the status says so, not only the log
}

var (
	startRefused = knowledge.Regexp(`exec: "([^"]+)": (permission denied|exec format error)|exec (/\S+): (permission denied|exec format error)`)
	// What runc's own process writes into the log when it cannot become the program, and shells.
	execRefused = knowledge.Regexp(`^exec (/\S+): (exec format error|no such file or directory|permission denied)$`)
	execCaused  = knowledge.Regexp(`exec user process caused:? "?(exec format error|no such file or directory|permission denied)`)
	shellFormat = knowledge.Regexp(`(/[^\s:]+): cannot execute binary file: Exec format error|(/[^\s:]+): Exec format error`)
	shellInterp = knowledge.Regexp(`(/[^\s:]+): (?:\S+: )?bad interpreter: |(/[^\s:]+): cannot execute: required file not found`)
)

var execReading = reading{
	words: knowledge.Regexp(`(?i)^exec /|exec user process|exec format error|bad interpreter|required file not found`),
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		if m := shellFormat.FindStringSubmatch(line); m != nil {
			return &reason{cause: "exec-format-error", what: m[1] + m[2]}
		}
		if m := shellInterp.FindStringSubmatch(line); m != nil {
			return &reason{cause: "bad-interpreter", what: m[1] + m[2]}
		}
		program, why := "", ""
		if m := execRefused.FindStringSubmatch(line); m != nil {
			program, why = m[1], m[2]
		} else if m := execCaused.FindStringSubmatch(line); m != nil {
			why = m[1]
		}
		switch why {
		case "exec format error":
			return &reason{cause: "exec-format-error", what: program}
		case "no such file or directory":
			return &reason{cause: "bad-interpreter", what: program}
		case "permission denied":
			return &reason{cause: "entrypoint-not-executable", what: program}
		}
		return nil
	},
}

// execRefusal is the program of a container that the kernel did not start; nil where it did.
func execRefusal(p *rule.Pass, c snapshot.Container) *refusedExec {
	if message, evidence := startError(p, c); message != "" {
		m := startRefused.FindStringSubmatch(message)
		if m == nil {
			return nil
		}
		x := &refusedExec{cause: "entrypoint-not-executable", program: m[1] + m[3], death: p.LastDeath(c), evidence: []rule.Evidence{evidence}, api: true}
		if m[2]+m[4] == "exec format error" {
			x.cause = "exec-format-error"
		}
		return x
	}
	for _, id := range []string{"entrypoint-not-executable", "exec-format-error", "bad-interpreter"} {
		if e := endOf(p, c, id); e != nil {
			return &refusedExec{cause: id, program: e.what, death: e.Death, evidence: []rule.Evidence{e.evidence, p.DeathEvidence(c, e.Death)}}
		}
	}
	return nil
}

// script is a file of a ConfigMap or Secret that the container runs.
type script struct {
	mount   *corev1.VolumeMount
	volume  *corev1.Volume
	key     string
	text    string // "" where it was not read
	known   bool
	binary  bool
	mode    *int32
	setting string // the field of the volume's source that holds the mode
}

// scriptOf is the file of a volume that holds a program; nil where it is in the image or in another kind
// of volume.
func scriptOf(p *rule.Pass, c snapshot.Container, program string) *script {
	m := mountAt(c, program)
	if m == nil {
		return nil
	}
	v := volumeOf(p, m.Name)
	if v == nil || v.ConfigMap == nil && v.Secret == nil {
		return nil
	}
	file := m.SubPath
	if file == "" {
		file = strings.TrimPrefix(strings.TrimPrefix(program, path.Clean(m.MountPath)), "/")
	}
	s := &script{mount: m, volume: v, key: file}
	var items []corev1.KeyToPath
	if v.ConfigMap != nil {
		s.setting, s.mode, items = "configMap", v.ConfigMap.DefaultMode, v.ConfigMap.Items
	} else {
		s.setting, s.mode, items = "secret", v.Secret.DefaultMode, v.Secret.Items
	}
	for _, item := range items {
		if item.Path == file {
			s.key = item.Key
			if item.Mode != nil {
				s.mode = item.Mode
			}
		}
	}
	if v.ConfigMap != nil {
		if o, _ := p.Lookup(snapshot.ConfigMapKind, p.Object.Namespace, v.ConfigMap.Name); o != nil {
			if typed, ok := o.Typed.(*corev1.ConfigMap); ok {
				s.text, s.known = typed.Data[s.key]
				_, s.binary = typed.BinaryData[s.key]
			}
		}
	}
	return s
}

// source is the field of the ConfigMap that holds the script.
func (s *script) source(p *rule.Pass) rule.Setting {
	ref := snapshot.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: p.Object.Namespace, Name: s.volume.ConfigMap.Name}
	return rule.Setting{Object: ref, Path: rule.FieldPath("data").Key(s.key)}
}

// programWord is where the spec names the program that was not started, else the image that does.
func programWord(p *rule.Pass, c snapshot.Container, program string) rule.Setting {
	container := p.ContainerSetting(c)
	if i := slices.Index(c.Command, program); i >= 0 {
		return container.Child("command").Index(i)
	}
	if i := slices.Index(c.Args, program); i >= 0 {
		return container.Child("args").Index(i)
	}
	if len(c.Command) > 0 {
		return container.Child("command")
	}
	return container.Child("image")
}

func (x *refusedExec) finding(p *rule.Pass, c snapshot.Container) rule.Finding {
	f := rule.Finding{
		Object: p.ContainerSetting(c).Object, Seen: p.Object.In(c.Name), Evidence: x.evidence, Certainty: rule.Likely, Stage: stage(c),
		RuledOut: []string{"the program itself: not one instruction of it ran"},
	}
	if x.api {
		f.Certainty = rule.Certain
	}
	if x.death != nil {
		f.History = past(p, x.death)
	}
	return f
}

func (x *refusedExec) name() string {
	if x.program == "" {
		return "the program of its image"
	}
	return x.program
}

func reportNotExecutable(p *rule.Pass, c snapshot.Container, x *refusedExec) {
	f := x.finding(p, c)
	point(&f, programWord(p, c, x.program), x.program, "nobody, or not its user, may execute this file")
	f.Message = fmt.Sprintf("cannot be started: %s may not be executed", x.name())
	f.RuledOut = append(f.RuledOut, "a file that is not there: the runtime would say so")
	f.Fix = &rule.Fix{Title: "set the x bit of the file in the image (chmod +x), or start it with its interpreter", Applicability: rule.NeedsThought}
	s := scriptOf(p, c, x.program)
	if s == nil {
		if i := slices.Index(c.Command, x.program); i == 0 && strings.HasSuffix(x.program, ".sh") {
			f.Fix = withShell(p, c)
		}
		p.Report(f)
		return
	}
	f.Message = fmt.Sprintf("cannot be started: %s is a file of volume %s, whose files have no x bit", x.program, s.mount.Name)
	volume, ok := volumeSetting(p, s.mount.Name)
	if !ok || s.mode != nil && *s.mode&0o111 != 0 {
		f.Message = fmt.Sprintf("cannot be started: %s, a file of volume %s, may not be executed", x.program, s.mount.Name)
		p.Report(f)
		return
	}
	mode := volume.Child(s.setting, "defaultMode")
	const executable = 0o755
	ops := []rule.Op{{Op: "test", Path: volume.Child("name").Pointer(), Value: s.mount.Name}}
	if s.mode == nil {
		ops = append(ops, rule.Op{Op: "add", Path: mode.Pointer(), Value: executable})
	} else {
		if slices.Contains(c.Command, x.program) {
			f.Marks = append(f.Marks, rule.Mark{Field: f.Field, Label: "the file that is to be started"})
		}
		point(&f, mode, fmt.Sprintf("%#o", *s.mode), fmt.Sprintf("%#o: nobody may execute the files of this volume", *s.mode))
		ops = append(ops, rule.Op{Op: "test", Path: mode.Pointer(), Value: *s.mode}, rule.Op{Op: "replace", Path: mode.Pointer(), Value: executable})
	}
	f.Fix = patched(p, volume.Object, ops, rule.Fix{
		Title: "let the files of the volume be executed: 493 is 0755", Applicability: rule.NeedsThought,
		Caution: "everybody in the container may then read them all; list the script alone under items to give only that one the mode",
	})
	p.Report(f)
}

// withShell starts a script with a shell, which needs no x bit.
func withShell(p *rule.Pass, c snapshot.Container) *rule.Fix {
	command := p.ContainerSetting(c).Child("command")
	patch := command.ReplaceValue(c.Command, append([]string{"sh"}, c.Command...))
	return &rule.Fix{
		Title: "start it with a shell, or set its x bit in the image (chmod +x)", Applicability: rule.NeedsThought,
		Caution: "the image must have sh, and the script be one for it", Patch: patch, Command: p.PatchCommand(command.Object, patch),
	}
}

// noFirstLine tells of a script without a line that says what to run it with.
func (s *script) noFirstLine() bool {
	return s != nil && s.known && !s.binary && !strings.HasPrefix(s.text, "#!") && !strings.HasPrefix(s.text, "\x7fELF")
}

func reportFormat(p *rule.Pass, c snapshot.Container, x *refusedExec) {
	f := x.finding(p, c)
	s := scriptOf(p, c, x.program)
	if s.noFirstLine() {
		point(&f, s.source(p), "", "does not begin with #!, so that the kernel does not know what to run it with")
		f.Message = fmt.Sprintf("cannot be started: %s is a script whose first line does not say what to run it with", x.program)
		f.RuledOut = append(f.RuledOut, "another processor architecture: the file is text")
		f.Fix = &rule.Fix{Title: "begin the script with #!/bin/sh, or with what else it is for", Applicability: rule.NeedsThought,
			YAML: rule.Nest("|\n    #!/bin/sh\n    ...", "data", s.key)}
		p.Report(f)
		return
	}
	arch := ""
	if node, _ := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName); node != nil {
		arch = node.Meta.GetLabels()[corev1.LabelArchStable]
	}
	f.Value = c.Image
	image := p.ContainerSetting(c).Child("image")
	point(&f, image, c.Image, "is it built for the node's processor?")
	f.Message = fmt.Sprintf("cannot be started: %s is not a program for this node's processor, or a script without #!", x.name())
	f.Fix = &rule.Fix{
		Title: "use an image that is built for the node's processor, or nodes that the image is built for", Applicability: rule.Placeholders,
		Command: []string{"set", "image", image.Object.String(), c.Name + "=<IMAGE>"},
	}
	if arch != "" {
		f.Message = fmt.Sprintf("cannot be started: %s is not a program for %s, the node's processor, or a script without #!", x.name(), arch)
		f.Label = "is it built for " + arch + "?"
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: snapshot.NodeRef(p.Object.Pod().Spec.NodeName), Field: "metadata.labels[kubernetes.io/arch]", Text: "the node's label kubernetes.io/arch: " + arch})
		f.Fix.Title = fmt.Sprintf("use an image that is built for %s, or nodes that the image is built for (nodeSelector kubernetes.io/arch)", arch)
	}
	if s != nil && !s.noFirstLine() {
		pointAtMount(p, c, s.mount, &f, "the file that is started lies in this volume")
		f.Fix = &rule.Fix{Title: fmt.Sprintf("put a program for the node's processor into volume %s", s.mount.Name), Applicability: rule.NeedsThought}
	}
	p.Report(f)
}

func reportInterpreter(p *rule.Pass, c snapshot.Container, x *refusedExec) {
	f := x.finding(p, c)
	point(&f, programWord(p, c, x.program), x.program, "the file is there; what its first line names, or the libraries that it was built for, are not")
	f.Message = fmt.Sprintf("cannot be started: %s is there, and what it is to be run with is not", x.name())
	f.RuledOut = append(f.RuledOut, "a file that is not there: the runtime would have said so before it started anything")
	f.Fix = &rule.Fix{
		Title:         "see the first line of the file: bash or another interpreter that the image lacks, or the line end of Windows; of a binary, the C library it was built for (alpine has musl, not glibc)",
		Applicability: rule.NeedsThought,
	}
	s := scriptOf(p, c, x.program)
	if s == nil || !s.known || !strings.HasPrefix(s.text, "#!") {
		p.Report(f)
		return
	}
	first, _, _ := strings.Cut(s.text, "\n")
	interpreter, _, _ := strings.Cut(strings.TrimSpace(strings.TrimSuffix(first, "\r")[2:]), " ")
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: s.source(p).Object, Field: "data", Text: fmt.Sprintf("the first line of %s: %q", s.key, first)})
	if strings.HasSuffix(first, "\r") {
		point(&f, s.source(p), "", "has the line ends of Windows")
		f.Message = fmt.Sprintf("cannot be started: the first line of %s ends with a carriage return, and no interpreter is called %q", x.program, interpreter+"\r")
		f.Fix.Title = "write the script with the line ends of Unix (dos2unix, or git's autocrlf=input), and create the ConfigMap again"
		p.Report(f)
		return
	}
	point(&f, s.source(p), first, fmt.Sprintf("the image has no %s", interpreter))
	f.Message = fmt.Sprintf("cannot be started: %s wants %s, which the image %s does not have", x.program, interpreter, c.Image)
	f.Fix.Title = fmt.Sprintf("name an interpreter that the image has (/bin/sh, where the script needs no more), or use an image with %s", interpreter)
	p.Report(f)
}
