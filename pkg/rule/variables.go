package rule

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Variable is an environment variable of a container, and where its value is written down.
type Variable struct {
	Name    string
	Value   string
	Known   bool         // the value was read; one of a Secret never is
	Setting Setting      // the text of the value: in the workload, or the key of a ConfigMap
	From    snapshot.Ref // the ConfigMap or Secret that it is taken from; zero for one that the workload has itself
	Key     string       // in From
}

// Variables are the environment variables of a container of this Pass' Pod, each once, with the value that
// wins: env before envFrom, and of either the last. Unread are the objects taken whole by envFrom whose
// keys are not known: there may be more.
func (p *Pass) Variables(c snapshot.Container) (list []Variable, unread []snapshot.Ref) {
	at := map[string]int{}
	add := func(v Variable) {
		if i, ok := at[v.Name]; ok {
			list[i] = v
			return
		}
		at[v.Name] = len(list)
		list = append(list, v)
	}
	for _, from := range c.EnvFrom {
		ref, ok := sourceOf(p.Object.Namespace, from)
		if !ok {
			continue
		}
		o, out := p.Lookup(ref.GroupKind(), ref.Namespace, ref.Name)
		if o == nil && out.State == snapshot.Absent && out.Proven { // it is optional, or the container would not have run
			continue
		}
		if o == nil || !o.KeysKnown {
			unread = append(unread, ref)
			continue
		}
		for _, key := range o.Keys {
			add(p.taken(from.Prefix+key, ref, key))
		}
	}
	for i, e := range c.Env {
		v := Variable{Name: e.Name, Value: e.Value, Known: e.ValueFrom == nil, Setting: p.EnvSetting(c, i).Child("value")}
		switch from := e.ValueFrom; {
		case from == nil:
		case from.ConfigMapKeyRef != nil:
			v = p.taken(e.Name, refTo(snapshot.ConfigMapKind.Kind, p.Object.Namespace, from.ConfigMapKeyRef.Name), from.ConfigMapKeyRef.Key)
		case from.SecretKeyRef != nil:
			v = p.taken(e.Name, refTo(snapshot.SecretKind.Kind, p.Object.Namespace, from.SecretKeyRef.Name), from.SecretKeyRef.Key)
		}
		add(v)
	}
	return list, unread
}

// WantVariables asks for the ConfigMaps that a container takes variables from. Secrets are not asked for:
// their values would not be kept.
func (p *Pass) WantVariables(c snapshot.Container) []snapshot.Want {
	var wants []snapshot.Want
	want := func(name string) {
		wants = append(wants, snapshot.WantGet(snapshot.ConfigMapKind, p.Object.Namespace, name))
	}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			want(from.ConfigMapRef.Name)
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
			want(e.ValueFrom.ConfigMapKeyRef.Name)
		}
	}
	return wants
}

// EnvSetting is the i-th variable of a container of this Pass' Pod in the object to change: admission may
// have put others before it.
func (p *Pass) EnvSetting(c snapshot.Container, i int) Setting {
	container := p.ContainerSetting(c)
	if o := p.whole(container); o != nil && o != p.Object {
		for _, t := range o.Templates {
			for _, tc := range t.Containers() {
				if tc.Path.String() != container.Path.String() {
					continue
				}
				for at := range tc.Env {
					if tc.Env[at].Name == c.Env[i].Name {
						return container.Child("env").Index(at)
					}
				}
			}
		}
	}
	return container.Child("env").Index(i)
}

func refTo(kind, namespace, name string) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: kind, Namespace: namespace, Name: name}
}

func sourceOf(namespace string, from corev1.EnvFromSource) (snapshot.Ref, bool) {
	switch {
	case from.ConfigMapRef != nil:
		return refTo(snapshot.ConfigMapKind.Kind, namespace, from.ConfigMapRef.Name), true
	case from.SecretRef != nil:
		return refTo(snapshot.SecretKind.Kind, namespace, from.SecretRef.Name), true
	}
	return snapshot.Ref{}, false
}

// taken is a variable that comes from a key of another object.
func (p *Pass) taken(name string, from snapshot.Ref, key string) Variable {
	v := Variable{Name: name, From: from, Key: key, Setting: Setting{from, field.NewPath("data").Key(key)}}
	if o, _ := p.Lookup(from.GroupKind(), from.Namespace, from.Name); o != nil {
		if cm, ok := o.Typed.(*corev1.ConfigMap); ok {
			v.Value = cm.Data[key]
			v.Known = v.Value != "" // a list and a saved snapshot have the names of the keys only
		}
	}
	return v
}
