package exits

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// podSpecOf is the pod spec in the object to change, which admission has added nothing to; nil where
// that object was not read.
func podSpecOf(p *rule.Pass, object snapshot.Ref) *corev1.PodSpec {
	o, _ := p.Lookup(object.GroupKind(), object.Namespace, object.Name)
	if o == nil || len(o.Templates) == 0 {
		return nil
	}
	return o.Templates[0].Spec
}

// containerOf is the container in the object to change; nil where that object was not read.
func containerOf(p *rule.Pass, c snapshot.Container) *corev1.Container {
	spec := podSpecOf(p, p.ContainerSetting(c).Object)
	if spec == nil {
		return nil
	}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			if list[i].Name == c.Name {
				return &list[i]
			}
		}
	}
	return nil
}

// under tells whether a path is dir or lies below it.
func under(name, dir string) bool {
	dir = strings.TrimSuffix(path.Clean(dir), "/")
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// mountAt is the volume mount in which a path lies; nil for one of the image's own file system.
func mountAt(c snapshot.Container, name string) *corev1.VolumeMount {
	var best *corev1.VolumeMount
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		if under(name, m.MountPath) && (best == nil || len(m.MountPath) > len(best.MountPath)) {
			best = m
		}
	}
	return best
}

// volumeOf is a volume of the pod; nil where there is none of that name.
func volumeOf(p *rule.Pass, name string) *corev1.Volume {
	volumes := p.Object.Pod().Spec.Volumes
	for i := range volumes {
		if volumes[i].Name == name {
			return &volumes[i]
		}
	}
	return nil
}

// pointAtMount makes the finding point at the path of a volume mount in the object to change, where that has it.
func pointAtMount(p *rule.Pass, c snapshot.Container, m *corev1.VolumeMount, f *rule.Finding, label string) (mount rule.Setting, ok bool) {
	mount, ok = mountSetting(p, c, m)
	if !ok {
		f.NoField = fmt.Sprintf("volume %s was added to the pod when it was made: its controller's template does not have it", m.Name)
		return mount, false
	}
	point(f, mount.Child("mountPath"), m.MountPath, label)
	return mount, true
}

// mountSetting is a volume mount in the object to change; ok is false where admission has added it.
func mountSetting(p *rule.Pass, c snapshot.Container, m *corev1.VolumeMount) (s rule.Setting, ok bool) {
	container := p.ContainerSetting(c)
	mounts := c.VolumeMounts
	if own := containerOf(p, c); own != nil {
		mounts = own.VolumeMounts
	}
	for i := range mounts {
		if mounts[i].Name == m.Name && mounts[i].MountPath == m.MountPath {
			return container.Child("volumeMounts").Index(i), true
		}
	}
	return container, false
}

// volumeSetting is a volume in the object to change; ok is false where it has none of that name.
func volumeSetting(p *rule.Pass, name string) (s rule.Setting, ok bool) {
	spec := p.PodSpec()
	volumes := p.Object.Pod().Spec.Volumes
	if own := podSpecOf(p, spec.Object); own != nil {
		volumes = own.Volumes
	}
	for i := range volumes {
		if volumes[i].Name == name {
			return spec.Child("volumes").Index(i), true
		}
	}
	return rule.Setting{}, false
}

// envSetting is a variable of the container in the object to change.
func envSetting(p *rule.Pass, c snapshot.Container, i int) rule.Setting {
	env := p.ContainerSetting(c).Child("env")
	if own := containerOf(p, c); own != nil {
		for at := range own.Env {
			if own.Env[at].Name == c.Env[i].Name {
				return env.Index(at)
			}
		}
	}
	return env.Index(i)
}

// wordSetting is where the spec of the container has a word: in the value of a variable, an argument or
// the command. A value that carries a password is not pointed at itself, or it would be drawn; one that
// holds the line of the log, or is a part of it, is what the program wrote, and no setting.
func wordSetting(p *rule.Pass, c snapshot.Container, word, line string) (s rule.Setting, value string, ok bool) {
	container := p.ContainerSetting(c)
	has := func(text string) bool {
		echo := line != "" && (strings.Contains(text, line) || strings.Contains(text, " ") && strings.Contains(line, text))
		return !echo && hasWord(text, word)
	}
	for i, e := range c.Env {
		switch {
		case !has(e.Value):
		case knowledge.Mask(e.Value) != e.Value || knowledge.SecretName(e.Name):
			return envSetting(p, c, i), "", true
		default:
			return envSetting(p, c, i).Child("value"), e.Value, true
		}
	}
	for _, list := range []struct {
		name  string
		words []string
	}{{"args", c.Args}, {"command", c.Command}} {
		for i, w := range list.words {
			if has(w) {
				return container.Child(list.name).Index(i), w, true
			}
		}
	}
	return rule.Setting{}, "", false
}

// hasWord tells whether text holds the word as a whole: not "wget" where "wge" is meant.
func hasWord(text, word string) bool { return wordIn(text, word) >= 0 }

// wordIn is where text holds the word as a whole, or -1.
func wordIn(text, word string) int {
	if word == "" {
		return -1
	}
	letter := func(b byte) bool {
		return b == '_' || b == '-' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
	}
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return -1
		}
		at += from
		end := at + len(word)
		if (at == 0 || !letter(text[at-1]) || !letter(word[0])) && (end == len(text) || !letter(text[end])) {
			return at
		}
		from = at + 1
	}
}

var (
	pathBefore = knowledge.Regexp("(?:^|[\\s\"'`(=:\\[‘])(/[A-Za-z0-9._@%+~/-]*[A-Za-z0-9_~/-])")
	pathAfter  = knowledge.Regexp("^[\"')]?(?:[:,] ?(?:[a-z]+ )?)[\"'`‘](/[A-Za-z0-9._@%+~/-]+)")
)

// pathBy is the path that an error of the file system is about: right behind its words as Python and
// Node write it, else the last one before them; "" where the line names none.
func pathBy(line string, words *knowledge.Pattern) string {
	at := words.FindStringIndex(line)
	if at == nil {
		return ""
	}
	if m := pathAfter.FindStringSubmatch(line[at[1]:]); m != nil {
		return path.Clean(m[1])
	}
	before := pathBefore.FindAllStringSubmatch(line[:at[0]], -1)
	if len(before) == 0 {
		return ""
	}
	return path.Clean(before[len(before)-1][1])
}

// sameName makes patches fail where the container is no longer the one that was meant.
func sameName(container rule.Setting, c snapshot.Container) rule.Op {
	return rule.Op{Op: "test", Path: container.Child("name").Pointer(), Value: c.Name}
}

// appendTo adds an item to a list of which the object to change has so many.
func appendTo(list rule.Setting, have int, item any) rule.Op {
	if have == 0 {
		return rule.Op{Op: "add", Path: list.Pointer(), Value: []any{item}}
	}
	return rule.Op{Op: "add", Path: list.Pointer() + "/-", Value: item}
}

// putContext sets a field of a securityContext, the pod's or a container's, which is made where there
// is none. Nil where the object to change was not read.
func putContext(context rule.Setting, there bool, field string, seen, value any) []rule.Op {
	at := context.Child(field)
	switch {
	case !there:
		return []rule.Op{{Op: "add", Path: context.Pointer(), Value: map[string]any{field: value}}}
	case seen != nil:
		return []rule.Op{{Op: "test", Path: at.Pointer(), Value: seen}, {Op: "replace", Path: at.Pointer(), Value: value}}
	}
	return []rule.Op{{Op: "add", Path: at.Pointer(), Value: value}}
}

// runsAs is the user that the spec gives the container, and where: the container's own first; nil where
// only the image decides.
func runsAs(p *rule.Pass, c snapshot.Container) (user *int64, setting rule.Setting) {
	if sc := c.SecurityContext; sc != nil && sc.RunAsUser != nil {
		return sc.RunAsUser, p.ContainerSetting(c).Child("securityContext", "runAsUser")
	}
	if sc := p.Object.Pod().Spec.SecurityContext; sc != nil && sc.RunAsUser != nil {
		return sc.RunAsUser, p.PodSpec().Child("securityContext", "runAsUser")
	}
	return nil, p.ContainerSetting(c).Child("securityContext")
}

// patched is a fix that is one JSON patch.
func patched(p *rule.Pass, object snapshot.Ref, ops []rule.Op, fix rule.Fix) *rule.Fix {
	fix.Patch = &rule.Patch{Type: "json", Body: ops}
	fix.Object = object
	fix.Command = p.PatchCommand(object, fix.Patch)
	return &fix
}
