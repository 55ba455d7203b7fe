package rule

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HeapFlag is a flag that says how large a runtime's heap may grow, and where it is written.
type HeapFlag struct {
	knowledge.Heap
	Setting  Setting   // the text that holds it
	Parent   Setting   // what holds that text, for one that must not be drawn
	Text     string    // all that stands there
	Variable *Variable // nil for one in the arguments
}

// HeapFlag finds the flag in the arguments of a container of this Pass' Pod or, else, in its variables; nil
// for none. A flag of the program's own command line wins over one in a variable, and JAVA_TOOL_OPTIONS
// loses against all others.
func (p *Pass) HeapFlag(c snapshot.Container, runtimes ...string) *HeapFlag {
	wanted := func(h knowledge.Heap) bool {
		for _, r := range runtimes {
			if h.Runtime == r {
				return true
			}
		}
		return len(runtimes) == 0
	}
	container := p.ContainerSetting(c)
	for _, w := range []struct {
		field string
		words []string
	}{{"args", c.Args}, {"command", c.Command}} {
		for i := len(w.words) - 1; i >= 0; i-- {
			if h, ok := knowledge.HeapIn(w.words[i]); ok && wanted(h) {
				list := container.Child(w.field)
				return &HeapFlag{Heap: h, Setting: list.Index(i), Parent: list, Text: w.words[i]}
			}
		}
	}
	if !p.heapInVariables(c) {
		return nil
	}
	const weakest = "JAVA_TOOL_OPTIONS"
	list, _ := p.Variables(c)
	for _, last := range []bool{false, true} {
		for i := len(list) - 1; i >= 0; i-- {
			v := list[i]
			h, ok := knowledge.HeapIn(v.Value)
			if v.Name == goVariable {
				h, ok = knowledge.GoMemoryLimit(v.Value)
			}
			if v.Known && ok && wanted(h) && (v.Name == weakest) == last {
				return &HeapFlag{Heap: h, Setting: v.Setting, Parent: p.envEntry(c, v), Text: v.Value, Variable: &v}
			}
		}
	}
	return nil
}

// heapInVariables tells whether a variable of a container may hold such a flag: most have none, and collecting
// all variables takes time.
func (p *Pass) heapInVariables(c snapshot.Container) bool {
	valued := func(configMap string) bool { // of many only the names of the entries were read
		o, _ := p.Lookup(snapshot.ConfigMapKind, p.Object.Namespace, configMap)
		if o == nil {
			return false
		}
		cm, ok := o.Typed.(*corev1.ConfigMap)
		return ok && len(cm.Data) > 0
	}
	for i := range c.EnvFrom {
		if from := c.EnvFrom[i].ConfigMapRef; from != nil && valued(from.Name) {
			return true
		}
	}
	for i := range c.Env {
		e := &c.Env[i]
		if from := e.ValueFrom; from != nil {
			if from.ConfigMapKeyRef != nil && valued(from.ConfigMapKeyRef.Name) {
				return true
			}
			continue
		}
		if _, ok := knowledge.HeapIn(e.Value); ok || e.Name == goVariable {
			return true
		}
	}
	return false
}

const goVariable = "GOMEMLIMIT"

// envEntry is the entry of env that names a variable; for one that envFrom brings, that list.
func (p *Pass) envEntry(c snapshot.Container, v Variable) Setting {
	for i := len(c.Env) - 1; i >= 0; i-- {
		if c.Env[i].Name == v.Name {
			return p.EnvSetting(c, i)
		}
	}
	return p.ContainerSetting(c).Child("envFrom")
}

// Masked tells whether the text holds what looks like a password: it is neither drawn nor put into a command.
func (h *HeapFlag) Masked() bool { return knowledge.Mask(h.Text) != h.Text }

// Of is the size of the heap in a container with so much memory.
func (h *HeapFlag) Of(limit int64) int64 {
	if h.Bytes > 0 {
		return h.Bytes
	}
	return int64(h.Percent * float64(limit) / 100)
}

// With is the text with another flag in the place of this one, and all else of it kept; the variable of Go
// is all flag.
func (h *HeapFlag) With(flag string) string {
	if strings.HasPrefix(h.Flag, goVariable+"=") {
		return strings.TrimPrefix(flag, goVariable+"=")
	}
	return strings.ReplaceAll(h.Text, h.Flag, flag)
}

// Shared says what else a change of a ConfigMap touches, for the caution of a fix; "" for other settings.
func (s Setting) Shared() string {
	if s.Object.GroupKind() != snapshot.ConfigMapKind {
		return ""
	}
	return "all that take " + s.Object.String() + " get the same; a container reads its variables as it starts, one that runs must be restarted"
}

// Frozen tells whether the setting lies in a ConfigMap that may not be changed any more.
func (p *Pass) Frozen(s Setting) bool {
	o := p.whole(s)
	if o == nil {
		return false
	}
	cm, ok := o.Typed.(*corev1.ConfigMap)
	return ok && cm.Immutable != nil && *cm.Immutable
}
