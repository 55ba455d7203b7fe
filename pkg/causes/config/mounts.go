package config

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

// What runc and crun say of a mount that does not fit, and the kubelet of a subPath that it cannot
// prepare. Sources: runc's rootfs_linux.go, kubelet's makeMounts.
var (
	notADirectory = knowledge.Regexp(`to rootfs(?: "[^"]*")? at "([^"]+)".*not a directory`)
	vesselOfSub   = knowledge.Regexp(`failed to (?:prepare subPath|create subPath directory) for volumeMount "([^"]+)"`)
)

// SubpathMismatch finds containers in which a folder is to be mounted onto a file, or a file onto a folder.
var SubpathMismatch = rule.Cause{
	ID: "subpath-mismatch", Title: "a folder is mounted onto a file, or a file onto a folder", Doc: rule.ReadDoc(docs, "subpath_mismatch.md"),
	Stage: rule.StageContainerConfig, Beats: []string{"app-exit", "init-failing"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			if i, _, ok := badMount(p, c); ok {
				if kind, name := madeFrom(p, c.VolumeMounts[i].Name); name != "" {
					wants = append(wants, snapshot.WantGet(kind.GroupKind, p.Object.Namespace, name))
				}
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if i, evidence, ok := badMount(p, c); ok {
				reportMount(p, c, i, evidence)
			}
		}
	},
}

// badMount is the volume mount of the container that the runtime could not make.
func badMount(p *rule.Pass, c snapshot.Container) (i int, evidence rule.Evidence, ok bool) {
	if c.Status == nil || p.Object.Pod().DeletionTimestamp != nil || c.Status.State.Running != nil {
		return 0, rule.Evidence{}, false
	}
	message := ""
	if w := c.Status.State.Waiting; w != nil && (w.Reason == "RunContainerError" || w.Reason == "CreateContainerError" || w.Reason == "CreateContainerConfigError") {
		message = w.Message
		evidence = rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + mountWords(w.Message)}
	}
	if d := p.LastDeath(c); message == "" && d != nil && (d.Reason == "StartError" || d.Reason == "ContainerCannotRun") {
		message = d.Message
		evidence = p.DeathEvidence(c, d)
		evidence.Text += ": " + mountWords(d.Message)
	}
	if m := notADirectory.FindStringSubmatch(message); m != nil {
		for i, v := range c.VolumeMounts {
			if at := path.Clean(v.MountPath); at == path.Clean(m[1]) || strings.HasSuffix(m[1], "/rootfs"+at) {
				return i, evidence, true
			}
		}
	}
	if m := vesselOfSub.FindStringSubmatch(message); m != nil {
		for i, v := range c.VolumeMounts {
			if v.Name == m[1] && (v.SubPath != "" || v.SubPathExpr != "") {
				return i, evidence, true
			}
		}
	}
	return 0, rule.Evidence{}, false
}

// mountWords is what a runtime says of the mount, without the folders of the node.
func mountWords(message string) string {
	if m := notADirectory.FindStringSubmatch(message); m != nil {
		return rule.Quote(fmt.Sprintf(`error mounting ... to rootfs at "%s": ... not a directory`, m[1]))
	}
	return rule.Quote(message)
}

// madeFrom is the ConfigMap or Secret that a volume of the pod is made from, or "".
func madeFrom(p *rule.Pass, volume string) (k kind, name string) {
	for _, v := range p.Object.Pod().Spec.Volumes {
		switch {
		case v.Name != volume:
		case v.ConfigMap != nil:
			return configMaps, v.ConfigMap.Name
		case v.Secret != nil:
			return secrets, v.Secret.SecretName
		}
	}
	return kind{}, ""
}

// filesOf are the names of the files in a volume that is made from a ConfigMap or Secret; known is false
// where that cannot be told.
func filesOf(p *rule.Pass, volume string) (files []string, of string, known bool) {
	k, name := madeFrom(p, volume)
	if name == "" {
		return nil, "", false
	}
	var items []corev1.KeyToPath
	for _, v := range p.Object.Pod().Spec.Volumes {
		switch {
		case v.Name != volume:
		case v.ConfigMap != nil:
			items = v.ConfigMap.Items
		case v.Secret != nil:
			items = v.Secret.Items
		}
	}
	for _, item := range items {
		files = append(files, item.Path)
	}
	if len(items) > 0 {
		return files, k.word + "/" + name, true
	}
	o, _ := p.Lookup(k.GroupKind, p.Object.Namespace, name)
	if o == nil || !o.KeysKnown {
		return nil, k.word + "/" + name, false
	}
	return o.Keys, k.word + "/" + name, true
}

func reportMount(p *rule.Pass, c snapshot.Container, i int, evidence rule.Evidence) {
	m := c.VolumeMounts[i]
	mount := p.ContainerSetting(c).Child("volumeMounts").Index(mountIndex(p, c, i))
	files, of, known := filesOf(p, m.Name)
	f := rule.Finding{
		Object: mount.Object, Seen: p.Object.In(c.Name), Evidence: []rule.Evidence{evidence}, Certainty: rule.Certain,
		RuledOut: []string{"the program: not one instruction of it ran"},
	}
	if known {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.volumes", Text: fmt.Sprintf("files in volume %s, from %s: %s", m.Name, of, strings.Join(files, ", "))})
	}
	fix := func(setting rule.Setting, seen, to, title, caution string, how rule.Applicability) {
		patch := setting.ReplaceValue(seen, to)
		f.Fix = &rule.Fix{Title: title, Caution: caution, Applicability: how, Object: setting.Object, Patch: patch, Command: p.PatchCommand(setting.Object, patch)}
	}
	sub, at := mount.Child("subPath"), mount.Child("mountPath")
	switch {
	case m.SubPath != "" && known && !slices.Contains(files, m.SubPath):
		f.Field, f.Value = sub.Path, m.SubPath
		f.Message = fmt.Sprintf("volume %s has no file %q, so subPath makes an empty folder of that name, and the image has a file at %s: a folder cannot be mounted onto a file", m.Name, m.SubPath, m.MountPath)
		f.Label = "not a file of the volume"
		f.Marks = []rule.Mark{{Field: at.Path, Label: "a file in the image"}}
		if near := nearFile(m.SubPath, m.MountPath, files); near != "" {
			fix(sub, m.SubPath, near, fmt.Sprintf("use the file %q, which the volume has", near), "the name is alike; that its content is meant, only you know", rule.NeedsThought)
			break
		}
		fix(sub, m.SubPath, "<FILE>", "name a file that the volume has", "", rule.Placeholders)
	case m.SubPath != "" && known:
		f.Field, f.Value = at.Path, m.MountPath
		f.Message = fmt.Sprintf("subPath %q is a file, and the image has a folder at %s: a file cannot be mounted onto a folder", m.SubPath, m.MountPath)
		f.Label = "a folder in the image; the path of the file is meant"
		f.Marks = []rule.Mark{{Field: sub.Path, Label: "a file"}}
		fix(at, m.MountPath, path.Join(m.MountPath, path.Base(m.SubPath)), "write the path of the file, and not of its folder", "the program must look for the file under this name", rule.NeedsThought)
	case m.SubPath == "" && m.SubPathExpr == "":
		f.Field, f.Value = at.Path, m.MountPath
		f.Message = fmt.Sprintf("volume %s is a folder, and the image has a file at %s: a folder cannot be mounted onto a file", m.Name, m.MountPath)
		f.Label = "a file in the image"
		if near := nearFile(path.Base(m.MountPath), m.MountPath, files); near != "" {
			patch := &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: at.Pointer(), Value: m.MountPath}, {Op: "add", Path: sub.Pointer(), Value: near}}}
			f.Fix = &rule.Fix{
				Title: fmt.Sprintf("mount the file %q alone, with subPath", near), Caution: "what is mounted with subPath is not renewed when " + of + " changes",
				Applicability: rule.NeedsThought, Object: at.Object, Patch: patch, Command: p.PatchCommand(at.Object, patch),
			}
			break
		}
		fix(at, m.MountPath, "<FOLDER>", "mount the volume where the image has a folder, or nothing; or mount one file of it with subPath", "what the image has below that path is hidden", rule.Placeholders)
	default:
		f.Field, f.Value = sub.Path, m.SubPath
		if m.SubPathExpr != "" {
			f.Field, f.Value = mount.Child("subPathExpr").Path, m.SubPathExpr
		}
		f.Message = fmt.Sprintf("%s of volume %s cannot be mounted at %s: one of the two is a file, and the other a folder", rule.Quote(f.Value), m.Name, m.MountPath)
		f.Label = "a folder where a file is wanted, or the other way round"
		f.Marks = []rule.Mark{{Field: at.Path, Label: "in the image"}}
		fix(at, m.MountPath, "<PATH>", "write the path of a file for a file, and of a folder for a folder", "what is made by subPath and is not there yet becomes a folder", rule.Placeholders)
	}
	p.Report(f)
}

// nearFile is the file that is likely to be meant: of that very name, of the mount's, or alike.
func nearFile(name, at string, files []string) string {
	for _, want := range []string{name, path.Base(at)} {
		if slices.Contains(files, want) {
			return want
		}
	}
	return knowledge.Nearest(name, files)
}

// mountIndex is the place of the container's i-th volume mount in the template, which lacks those that
// admission added.
func mountIndex(p *rule.Pass, c snapshot.Container, i int) int {
	for _, t := range p.TopOwner(p.Object).Templates {
		for _, tc := range t.Containers() {
			if tc.Name != c.Name {
				continue
			}
			for j, m := range tc.VolumeMounts {
				if m.MountPath == c.VolumeMounts[i].MountPath {
					return j
				}
			}
		}
	}
	return i
}

// typeFails are the kubelet's words of a hostPath whose type is another; older ones end before the comma.
// Source: kubelet's pkg/volume/hostpath.
var typeFails = knowledge.Regexp(`hostPath type check failed[:,] (\S.*?) is not an? (directory|file|socket file|character device|block device)(?:, it's an? ([A-Za-z ]+)|, unable to determine its type: (.*))?`)

// HostpathType finds pods whose hostPath is not on the node, or is something else than they say.
var HostpathType = rule.Cause{
	ID: "hostpath-type", Title: "a hostPath is not what its type says", Doc: rule.ReadDoc(docs, "hostpath_type.md"),
	Stage: rule.StageVolume, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodPending {
			return
		}
		for i, v := range pod.Spec.Volumes {
			if v.HostPath == nil || v.HostPath.Type == nil {
				continue
			}
			e := p.Event(p.Object, "FailedMount", fmt.Sprintf("%q", v.Name), "hostPath type check failed")
			if e == nil || startedSince(p, e) {
				continue
			}
			if m := typeFails.FindStringSubmatch(e.Message); m != nil && m[1] == v.HostPath.Path {
				reportHostPath(p, i, m, e)
			}
		}
	},
}

// startedSince tells whether a container came after the event: what it speaks of is over.
func startedSince(p *rule.Pass, e *corev1.Event) bool {
	for _, reason := range []string{"Pulling", "Pulled", "Created", "Started"} {
		if l := p.Event(p.Object, reason); l != nil && snapshot.EventTime(l).After(snapshot.EventTime(e)) {
			return true
		}
	}
	return false
}

// orCreate are the types that make what is missing.
var orCreate = map[corev1.HostPathType]corev1.HostPathType{
	corev1.HostPathDirectory: corev1.HostPathDirectoryOrCreate,
	corev1.HostPathFile:      corev1.HostPathFileOrCreate,
}

// typeOf are the types as the kubelet words them.
var typeOf = map[string]corev1.HostPathType{
	"File": corev1.HostPathFile, "Directory": corev1.HostPathDirectory, "Socket": corev1.HostPathSocket, "CharDevice": corev1.HostPathCharDev, "BlockDevice": corev1.HostPathBlockDev,
}

func reportHostPath(p *rule.Pass, i int, m []string, e *corev1.Event) {
	v := p.Object.Pod().Spec.Volumes[i]
	hostPath := volumeSetting(p, i).Child("hostPath")
	at, kind := hostPath.Child("path"), hostPath.Child("type")
	node := "node/" + p.Object.Pod().Spec.NodeName
	f := rule.Finding{
		Object: at.Object, Seen: p.Object.Ref, Field: at.Path, Value: v.HostPath.Path, Certainty: rule.Certain,
		Message:  fmt.Sprintf("%s has no %s at %s, as volume %q demands: no container can start", node, m[2], v.HostPath.Path, v.Name),
		Label:    fmt.Sprintf("no %s on %s", m[2], node),
		Marks:    []rule.Mark{{Field: kind.Path, Label: "demands it before the start"}},
		Evidence: []rule.Evidence{rule.EventEvidence(e)},
		RuledOut: []string{"the rights of the pod: the kubelet looks at the path itself"},
		Fix: &rule.Fix{
			Title: "name a path that is there on every node that the pod may go to; or keep the pod to nodes that have it (nodeSelector)", Applicability: rule.Placeholders,
			Caution: "a hostPath holds other files on every node",
		},
	}
	f.Fix.Patch = at.ReplaceValue(v.HostPath.Path, "<PATH>")
	change := func(to corev1.HostPathType, title, caution string) {
		f.Fix.Title, f.Fix.Caution, f.Fix.Applicability = title, caution, rule.NeedsThought
		f.Fix.Patch = kind.ReplaceValue(string(*v.HostPath.Type), string(to))
	}
	missing := strings.Contains(m[4], "does not exist")
	switch made, ok := orCreate[*v.HostPath.Type]; {
	case m[3] != "" && typeOf[strings.TrimSpace(m[3])] != "":
		is := typeOf[strings.TrimSpace(m[3])]
		f.Field, f.Value, f.Marks = kind.Path, string(*v.HostPath.Type), nil
		f.Message = fmt.Sprintf("%s on %s is a %s, and volume %q demands a %s: no container can start", v.HostPath.Path, node, strings.ToLower(m[3]), v.Name, m[2])
		f.Label = "it is a " + strings.ToLower(m[3])
		change(is, fmt.Sprintf("say that it is a %s, if %s is the path that is meant", m[3], v.HostPath.Path), "the program must expect a "+strings.ToLower(m[3])+" where it is mounted")
	case missing:
		f.Message = fmt.Sprintf("%s has nothing at %s, where volume %q demands a %s: no container can start", node, v.HostPath.Path, v.Name, m[2])
		f.Label = "not there on " + node
		fallthrough
	default:
		if ok {
			change(made, fmt.Sprintf("have the kubelet make it where it is missing (%s), if an empty one will do", made), "it is empty, belongs to root, and lies on this node alone: where the program needs what is in it, the path is wrong")
		}
	}
	f.Fix.Command = p.PatchCommand(f.Object, f.Fix.Patch)
	p.Report(f)
}

// volumeSetting is the i-th volume of the pod in the object to change; one that its template does not
// have, because admission added it, is the pod's own.
func volumeSetting(p *rule.Pass, i int) rule.Setting {
	spec, name := p.PodSpec(), p.Object.Pod().Spec.Volumes[i].Name
	top := p.TopOwner(p.Object)
	if len(top.Templates) == 0 || top.Templates[0].Spec == nil || !top.Same(spec.Object) {
		return spec.Child("volumes").Index(i)
	}
	for j, v := range top.Templates[0].Spec.Volumes {
		if v.Name == name {
			return spec.Child("volumes").Index(j)
		}
	}
	return rule.Setting{Object: p.Object.Ref, Path: rule.FieldPath("spec.volumes").Index(i)}
}
