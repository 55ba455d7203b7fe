package rule

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Setting is a field of the object that has to change: of the controller, where there is one.
type Setting struct {
	Object snapshot.Ref
	Path   *field.Path
}

// Child is the setting below s.
func (s Setting) Child(name string, more ...string) Setting {
	return Setting{s.Object, s.Path.Child(name, more...)}
}

// Index is the i-th item of the setting.
func (s Setting) Index(i int) Setting { return Setting{s.Object, s.Path.Index(i)} }

// Pointer is the path as a JSON pointer (RFC 6901), for patches.
func (s Setting) Pointer() string { return Pointer(s.Path) }

// Pointer words a field path as a JSON pointer (RFC 6901).
func Pointer(path *field.Path) string {
	var b strings.Builder
	text := path.String()
	for text != "" {
		switch text[0] {
		case '.':
			text = text[1:]
		case '[':
			key, rest, _ := strings.Cut(text[1:], "]")
			b.WriteString("/" + pointerEscape.Replace(key))
			text = rest
		default:
			end := strings.IndexAny(text, ".[")
			if end < 0 {
				end = len(text)
			}
			b.WriteString("/" + pointerEscape.Replace(text[:end]))
			text = text[end:]
		}
	}
	return b.String()
}

// PodSpec is the pod spec to change for the Pod of this Pass: in the template of the controller
// that was found furthest up, or of the pod itself. The controller is named even where it could
// not be read.
func (p *Pass) PodSpec() Setting {
	top := p.maker()
	template := field.NewPath("spec", "template", "spec")
	if ref, ok := top.OwnerRef(); ok {
		switch {
		case ref.GroupKind() == snapshot.DeploymentKind:
			return Setting{ref, template}
		case ref.GroupKind() == snapshot.ReplicaSetKind:
			// A Deployment names its ReplicaSets after the hash that it puts on their pods.
			hash := top.Meta.GetLabels()["pod-template-hash"]
			if name, cut := strings.CutSuffix(ref.Name, "-"+hash); cut && hash != "" {
				return Setting{snapshot.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: ref.Namespace, Name: name}, template}
			}
			return Setting{ref, template}
		case ref.GroupKind() == snapshot.StatefulSetKind, ref.GroupKind() == snapshot.DaemonSetKind, ref.GroupKind() == snapshot.JobKind && top == p.Object:
			return Setting{ref, template}
		}
	}
	if len(top.Templates) == 0 {
		return Setting{p.Object.Ref, field.NewPath("spec")}
	}
	return Setting{top.Ref, top.Templates[0].SpecPath()}
}

// maker is the controller furthest up that has a template of the Pod of this Pass: above a StatefulSet may
// stand an object of an operator, which has none.
func (p *Pass) maker() *snapshot.Object {
	o := p.Object
	for range 5 {
		owner := p.Owner(o)
		if owner == nil || len(owner.Templates) == 0 {
			return o
		}
		o = owner
	}
	return o
}

// ContainerSetting is the container c of this Pass' Pod in the object to change. A container that
// the template does not have, because admission added it, is the pod's own.
func (p *Pass) ContainerSetting(c snapshot.Container) Setting {
	spec := p.PodSpec()
	own := Setting{p.Object.Ref, c.Path}
	if spec.Object.Same(p.Object.Ref) {
		return own
	}
	top := p.maker()
	if !top.Same(spec.Object) && top == p.Object { // the controller was not read: the pod's order is the best guess
		return Setting{spec.Object, spec.Path.Child(listOf(c)).Index(indexOf(c.Path))}
	}
	for _, t := range top.Templates {
		for _, tc := range t.Containers() {
			if tc.Name == c.Name && listOf(tc) == listOf(c) {
				return Setting{spec.Object, tc.Path}
			}
		}
	}
	return own
}

func listOf(c snapshot.Container) string {
	if c.Init || c.Beside {
		return "initContainers"
	}
	return "containers"
}

func indexOf(path *field.Path) int {
	text := path.String()
	start := strings.LastIndexByte(text, '[')
	if start < 0 {
		return 0
	}
	i, err := strconv.Atoi(strings.TrimSuffix(text[start+1:], "]"))
	if err != nil {
		return 0
	}
	return i
}

// ReplaceValue is a JSON patch that changes the setting from the value seen, and fails when the
// value is no longer that.
func (s Setting) ReplaceValue(seen, value any) *Patch {
	return &Patch{Type: "json", Body: []Op{{Op: "test", Path: s.Pointer(), Value: seen}, {Op: "replace", Path: s.Pointer(), Value: value}}}
}
