package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// listsAgree is how old a pod must be for a list that lacks what it names to count: lists are read at
// different moments.
const listsAgree = time.Minute

// Reference is a ConfigMap or Secret without which a pod cannot start: what is optional is none.
type Reference struct {
	Kind   schema.GroupKind
	Name   string
	By     string   // who names it: "env LEVEL", "envFrom", `volume "settings"`
	Keys   []string // that env takes from it
	Volume bool     // a volume is made from it
}

// Ref is the object that is named.
func (r Reference) Ref(namespace string) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: r.Kind.Kind, Namespace: namespace, Name: r.Name}
}

// References are the ConfigMaps and Secrets that this Pass' Pod cannot start without, each once, in the
// order in which the pod names them.
func (p *Pass) References() []Reference {
	pod := p.Object.Pod()
	if pod == nil {
		return nil
	}
	var list []Reference
	add := func(kind schema.GroupKind, name, by, key string, volume bool, optional *bool) {
		if name == "" || optional != nil && *optional || name == "kube-root-ca.crt" && kind == snapshot.ConfigMapKind {
			return
		}
		i := slices.IndexFunc(list, func(r Reference) bool { return r.Kind == kind && r.Name == name })
		if i < 0 {
			list, i = append(list, Reference{Kind: kind, Name: name, By: by, Volume: volume}), len(list)
		}
		if key != "" && !slices.Contains(list[i].Keys, key) {
			list[i].Keys = append(list[i].Keys, key)
		}
	}
	for _, c := range p.Object.PodContainers() {
		for _, e := range c.EnvFrom {
			if r := e.ConfigMapRef; r != nil {
				add(snapshot.ConfigMapKind, r.Name, "envFrom", "", false, r.Optional)
			}
			if r := e.SecretRef; r != nil {
				add(snapshot.SecretKind, r.Name, "envFrom", "", false, r.Optional)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom == nil {
				continue
			}
			if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
				add(snapshot.ConfigMapKind, r.Name, "env "+e.Name, r.Key, false, r.Optional)
			}
			if r := e.ValueFrom.SecretKeyRef; r != nil {
				add(snapshot.SecretKind, r.Name, "env "+e.Name, r.Key, false, r.Optional)
			}
		}
	}
	for _, v := range pod.Spec.Volumes {
		by := fmt.Sprintf("volume %q", v.Name)
		if c := v.ConfigMap; c != nil {
			add(snapshot.ConfigMapKind, c.Name, by, "", true, c.Optional)
		}
		if s := v.Secret; s != nil {
			add(snapshot.SecretKind, s.SecretName, by, "", true, s.Optional)
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if c := source.ConfigMap; c != nil {
				add(snapshot.ConfigMapKind, c.Name, by, "", true, c.Optional)
			}
			if s := source.Secret; s != nil {
				add(snapshot.SecretKind, s.Name, by, "", true, s.Optional)
			}
		}
	}
	return list
}

// WantReferences asks for everything that this Pass' Pod cannot start without.
func (p *Pass) WantReferences() []snapshot.Want {
	var wants []snapshot.Want
	for _, r := range p.References() {
		wants = append(wants, snapshot.WantGet(r.Kind, p.Object.Namespace, r.Name))
	}
	return wants
}

// Missing are the references of this Pass' Pod that do not exist: the server says so, or a list that was
// read long after the pod was made.
func (p *Pass) Missing() []Reference {
	pod := p.Object.Pod()
	if pod == nil {
		return nil
	}
	return slices.DeleteFunc(p.References(), func(r Reference) bool {
		found, out := p.Lookup(r.Kind, p.Object.Namespace, r.Name)
		return found != nil || out.State != snapshot.Absent || !out.Proven && p.Age(pod.CreationTimestamp.Time) <= listsAgree
	})
}

// NamespacesWith are the other namespaces, of those that were read, which have an object of the name.
func (p *Pass) NamespacesWith(kind schema.GroupKind, name string) []string {
	var list []string
	for _, o := range p.List(kind, "") {
		if o.Name == name && o.Namespace != p.Object.Namespace && !slices.Contains(list, o.Namespace) {
			list = append(list, o.Namespace)
		}
	}
	return list
}

// AlsoMissing names in a finding about one missing ConfigMap or Secret all others that the pod cannot
// start without, with a command for each: a kubelet says one at a time.
func (p *Pass) AlsoMissing(f *Finding, kind schema.GroupKind, name string) {
	var names, lines []string
	for _, r := range p.Missing() {
		if r.Kind == kind && r.Name == name {
			continue
		}
		ref := r.Ref(p.Object.Namespace)
		text := ref.String() + " (" + r.By + ")"
		if near := knowledge.Nearest(r.Name, p.Names(r.Kind, p.Object.Namespace)); near != "" {
			text = fmt.Sprintf("%s (%s; there is %s)", ref.String(), r.By, near)
		}
		names = append(names, text)
		lines = append(lines, p.Line(r.create()...))
		f.Evidence = append(f.Evidence, Evidence{Source: FromStatus, Object: ref, Text: fmt.Sprintf("the API has no %s in namespace %s", ref.String(), ref.Namespace)})
	}
	if len(names) == 0 {
		return
	}
	f.Message += "; also missing: " + strings.Join(names, ", ")
	if f.Fix != nil {
		f.Fix.Lines = append(append(f.Fix.Lines, "the others would be waited for next:"), lines...)
	}
}

// create are the words of the command that creates what is named.
func (r Reference) create() []string {
	words := []string{"create", "configmap", r.Name}
	if r.Kind == snapshot.SecretKind {
		words = []string{"create", "secret", "generic", r.Name}
	}
	switch {
	case r.Volume && len(r.Keys) == 0:
		return append(words, "--from-file=<FILE>")
	case len(r.Keys) == 0:
		return append(words, "--from-literal=<KEY>=<VALUE>")
	}
	for _, key := range r.Keys {
		words = append(words, "--from-literal="+key+"=<VALUE>")
	}
	return words
}
