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

// ReadonlyRootfs finds programs that end because they may not write into their root file system.
var ReadonlyRootfs = logCauseOf("readonly-rootfs", readOnly, "writes into a root file system that is read-only", "readonly_rootfs.md", nil,
	func(p *rule.Pass, c snapshot.Container, e *ended) {
		if mountAt(c, e.what) == nil && readOnlyRoot(c) {
			reportRootfs(p, c, e)
		}
	})

// WriteToConfigMap finds programs that end because they may not write into a volume.
var WriteToConfigMap = logCauseOf("write-to-configmap", readOnly, "writes into a volume that is read-only", "write_to_configmap.md", nil,
	func(p *rule.Pass, c snapshot.Container, e *ended) {
		m := mountAt(c, e.what)
		if m == nil {
			return
		}
		if kind, always := readOnlyKind(volumeOf(p, m.Name)); always || m.ReadOnly {
			reportReadOnlyMount(p, c, e, m, kind, always)
		}
	})

var readOnlyWords = knowledge.Regexp(`(?i)read-only file ?system|\bEROFS\b`)

const readOnly = "read-only"

// readOnlyReading serves both causes: which of them it is, the spec says.
var readOnlyReading = reading{
	words: readOnlyWords,
	read: func(lines []string, at int, _ int32) *reason {
		words := readOnlyWords
		if node.MatchString(lines[at]) {
			words = node
		}
		return &reason{cause: readOnly, what: pathBy(lines[at], words)}
	},
}

// node is how Node words an error of the file system: the path stands at its end.
var node = knowledge.Regexp(`\bE[A-Z]{3,8}: [a-z -]+`)

func readOnlyRoot(c snapshot.Container) bool {
	return c.SecurityContext != nil && c.SecurityContext.ReadOnlyRootFilesystem != nil && *c.SecurityContext.ReadOnlyRootFilesystem
}

// readOnlyKind tells the volumes into which nobody may write, whatever their mount says.
func readOnlyKind(v *corev1.Volume) (kind string, always bool) {
	switch {
	case v == nil:
		return "volume", false
	case v.ConfigMap != nil:
		return "ConfigMap", true
	case v.Secret != nil:
		return "Secret", true
	case v.Projected != nil:
		return "projected volume", true
	case v.DownwardAPI != nil:
		return "downward API volume", true
	case v.Image != nil:
		return "image volume", true
	case v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ReadOnly:
		return "claim", true
	}
	return "volume", false
}

func reportRootfs(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	container := p.ContainerSetting(c)
	point(&f, container.Child("securityContext", "readOnlyRootFilesystem"), "true", "the image's own files cannot be written, and no volume lies there")
	where, dir := "its root file system", ""
	if e.what != "" {
		where, dir = e.what, path.Dir(e.what)
		if hasWord(e.line, "mkdir") && commonDir(e.what) {
			dir = e.what
		}
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a volume that is read-only: none is mounted at or above %s", e.what))
	} else {
		f.Certainty = rule.Possible
	}
	f.Message = fmt.Sprintf("may not write %s: its root file system is read-only%s", where, e.ends())
	f.Fix = scratchFix(p, c, dir)
	p.Report(f)
}

// scratchFix mounts an empty volume at a folder. One that only the log names enters no command, and may
// hold files of the image that the volume would hide.
func scratchFix(p *rule.Pass, c snapshot.Container, dir string) *rule.Fix {
	fix := rule.Fix{Title: "give it an empty volume to write into", Applicability: rule.NeedsThought,
		Caution: "what is written there is gone with the pod, and counts against its ephemeral storage"}
	at := "<DIRECTORY>"
	switch hidden := hiddenBy(c, dir); {
	case hidden != "":
		fix.Title = "have it write into a folder of its own, and give it an empty volume there"
		fix.Applicability = rule.Placeholders
		fix.Caution += fmt.Sprintf("; not at %s, where a volume would hide %s", dir, hidden)
	case dir != "" && (commonDir(dir) || written(c, dir, "") != ""):
		at = dir
		fix.Title = fmt.Sprintf("give it an empty volume at %s", dir)
	default:
		fix.Applicability = rule.Placeholders
		fix.Caution += "; a volume hides what the image has in that folder"
		if dir != "" {
			fix.Title = fmt.Sprintf("give it an empty volume at %s, if the image has nothing there that it needs", dir)
		}
	}
	const name = "scratch"
	container := p.ContainerSetting(c)
	fix.Object = container.Object
	yaml := fmt.Sprintf("containers:\n- name: %s\n  volumeMounts:\n  - name: %s\n    mountPath: %s\nvolumes:\n- name: %s\n  emptyDir: {}\n", c.Name, name, at, name)
	own, spec := containerOf(p, c), podSpecOf(p, container.Object)
	if own == nil || spec == nil || hasVolume(spec, name) {
		fix.YAML = yaml
		return &fix
	}
	return patched(p, container.Object, []rule.Op{
		sameName(container, c),
		appendTo(p.PodSpec().Child("volumes"), len(spec.Volumes), map[string]any{"name": name, "emptyDir": map[string]any{}}),
		appendTo(container.Child("volumeMounts"), len(own.VolumeMounts), map[string]any{"name": name, "mountPath": at}),
	}, fix)
}

// systemDirs are folders that hold what an image is made of, and everything below; tops are those of which only
// what is below may be anything else.
var (
	systemDirs = []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys", "/usr"}
	tops       = []string{"/", "/home", "/mnt", "/opt", "/root", "/srv", "/var", "/var/lib", "/var/www"}
)

// hiddenBy is what of the image an empty volume at a folder would hide that the program cannot do without; ""
// where nothing is known of it.
func hiddenBy(c snapshot.Container, dir string) string {
	switch {
	case dir == "" || commonDir(dir):
		return ""
	case slices.Contains(tops, dir), slices.ContainsFunc(systemDirs, func(system string) bool { return under(dir, system) }):
		return "what the image is made of"
	case c.WorkingDir != "" && under(path.Clean(c.WorkingDir), dir):
		return "its working directory"
	}
	for _, word := range c.Command {
		if !path.IsAbs(word) && strings.Contains(word, "/") && c.WorkingDir != "" {
			word = path.Join(c.WorkingDir, word)
		}
		if path.IsAbs(word) && word != dir && under(path.Clean(word), dir) {
			return "its own program"
		}
	}
	return ""
}

func hasVolume(spec *corev1.PodSpec, name string) bool {
	for _, v := range spec.Volumes {
		if v.Name == name {
			return true
		}
	}
	return false
}

func reportReadOnlyMount(p *rule.Pass, c snapshot.Container, e *ended, m *corev1.VolumeMount, kind string, always bool) {
	f := e.finding(p, c)
	what := fmt.Sprintf("volume %s", m.Name)
	if always {
		what = fmt.Sprintf("the %s in volume %s", kind, m.Name)
	}
	mount, own := pointAtMount(p, c, m, &f, "nobody may write below this: it is "+what)
	f.Message = fmt.Sprintf("may not write %s: %s, mounted at %s, is read-only%s", e.what, what, m.MountPath, e.ends())
	f.RuledOut = append(f.RuledOut, "a read-only root file system: the path lies in a volume")
	if !own {
		f.Fix = &rule.Fix{Title: "have it write elsewhere", Applicability: rule.NeedsThought}
		p.Report(f)
		return
	}
	if !always {
		readOnly := mount.Child("readOnly")
		point(&f, readOnly, "true", "nobody may write below "+m.MountPath)
		patch := readOnly.ReplaceValue(true, false)
		f.Fix = &rule.Fix{
			Title: "let it write there, or have it write elsewhere", Caution: "somebody made this mount read-only on purpose: see who else uses the volume",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(readOnly.Object, patch),
		}
		p.Report(f)
		return
	}
	f.Fix = &rule.Fix{
		Title:         "have it write elsewhere; or copy the files into an emptyDir in an init container, and mount that instead",
		Applicability: rule.NeedsThought,
		YAML: fmt.Sprintf("initContainers:\n- name: copy\n  image: <IMAGE_WITH_A_SHELL>\n  command: [sh, -c, \"cp -L /from/* /to/\"]\n  volumeMounts:\n  - {name: %s, mountPath: /from}\n  - {name: writable, mountPath: /to}\ncontainers:\n- name: %s\n  volumeMounts:\n  - {name: writable, mountPath: %s}\nvolumes:\n- {name: writable, emptyDir: {}}\n",
			m.Name, c.Name, m.MountPath),
	}
	p.Report(f)
}
