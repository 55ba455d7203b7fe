package config

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CMMissingEnv finds containers whose env names a ConfigMap that does not exist.
var CMMissingEnv = rule.Cause{
	ID: "cm-missing-env", Title: "env names a ConfigMap that does not exist", Doc: rule.ReadDoc(docs, "cm_missing_env.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsOfObject(p, configMaps) },
	Run:   func(p *rule.Pass) { runMissingObject(p, configMaps) },
}

// SecretMissingEnv finds containers whose env names a Secret that does not exist.
var SecretMissingEnv = rule.Cause{
	ID: "secret-missing-env", Title: "env names a Secret that does not exist", Doc: rule.ReadDoc(docs, "secret_missing_env.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsOfObject(p, secrets) },
	Run:   func(p *rule.Pass) { runMissingObject(p, secrets) },
}

// missingObject reads which object the kubelet did not find.
func missingObject(c snapshot.Container, k kind) (name string, ok bool) {
	m := configError(c, objectMissing)
	if m == nil || m[1] != k.word {
		return "", false
	}
	return m[2], true
}

// wantsOfObject asks for the object once more, for those of the namespace to find the nearest name,
// and whether one of the other kind has the name.
func wantsOfObject(p *rule.Pass, k kind) []snapshot.Want {
	var wants []snapshot.Want
	for _, c := range p.Object.PodContainers() {
		if name, ok := missingObject(c, k); ok {
			wants = append(wants,
				snapshot.WantGet(k.GroupKind, p.Object.Namespace, name),
				snapshot.WantList(k.GroupKind, p.Object.Namespace, ""),
				snapshot.WantGet(k.other().GroupKind, p.Object.Namespace, name))
			wants = append(wants, p.WantReferences()...)
		}
	}
	return wants
}

func runMissingObject(p *rule.Pass, k kind) {
	for _, c := range p.Object.PodContainers() {
		if name, ok := missingObject(c, k); ok {
			reportObject(p, c, k, name)
		}
	}
}

func reportObject(p *rule.Pass, c snapshot.Container, k kind, name string) {
	container, namespace := p.ContainerSetting(c), p.Object.Namespace
	at, found := refer(p, c, k, name, "")
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		Field:     container.Path,
		Value:     name,
		Message:   fmt.Sprintf("there is no %s/%s in namespace %s, so the container cannot be created", k.word, name, namespace),
		Label:     fmt.Sprintf("no %s of this name in namespace %s", k.Kind, namespace),
		Evidence:  []rule.Evidence{waitingEvidence(p, c)},
		RuledOut:  []string{fmt.Sprintf("a missing key: the kubelet did not find the %s itself", k.Kind)},
		Certainty: rule.Certain,
	}
	if found {
		f.Field = at.name.Path
		if at.env != "" {
			f.Message = fmt.Sprintf("there is no %s/%s in namespace %s, which env %s needs: the container cannot be created", k.word, name, namespace, at.env)
		}
	}
	if object, _ := p.Lookup(k.GroupKind, namespace, name); object != nil {
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("the kubelet found no %s/%s; it is there now: does the container start at the next try, within a minute or two?", k.word, name)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: object.Ref, Text: fmt.Sprintf("%s/%s was read", k.word, name)})
		p.Report(f)
		return
	}
	if o, _ := p.Lookup(k.other().GroupKind, namespace, name); o != nil {
		f.Message += fmt.Sprintf("; there is a %s of that name", o.Kind)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Text: fmt.Sprintf("%s/%s exists: another kind", k.other().word, name)})
	} else if elsewhere := p.NamespacesWith(k.GroupKind, name); len(elsewhere) > 0 {
		f.Message += "; there is one in namespace " + strings.Join(elsewhere, ", ")
	}
	f.Fix = objectFix(p, k, name, at, found)
	p.AlsoMissing(&f, k.GroupKind, name)
	p.Report(f)
}

// objectFix names the nearest object that is there, or else creates the missing one.
func objectFix(p *rule.Pass, k kind, name string, at reference, found bool) *rule.Fix {
	fix := &rule.Fix{
		Title:         fmt.Sprintf("create %s/%s in namespace %s", k.word, name, p.Object.Namespace),
		Applicability: rule.Placeholders,
		Object:        k.ref(p.Object.Namespace, name),
	}
	if !found { // the name is the kubelet's word then, not the spec's
		return fix
	}
	if near := knowledge.Nearest(name, p.Names(k.GroupKind, p.Object.Namespace)); near != "" {
		patch := at.name.ReplaceValue(name, near)
		return &rule.Fix{
			Title:         fmt.Sprintf("use %s/%s, the nearest name that is there", k.word, near),
			Caution:       fmt.Sprintf("the name is alike; that it is the right %s, only you know", k.Kind),
			Applicability: rule.NeedsThought,
			Object:        at.name.Object,
			Patch:         patch,
			Command:       p.PatchCommand(at.name.Object, patch),
		}
	}
	fix.Command = []string{"create", k.word, name}
	if k == secrets {
		fix.Command = []string{"create", "secret", "generic", name}
		fix.Caution = "what is typed here stays in the shell's history; --from-file and --from-env-file do not"
	}
	if len(at.keys) == 0 {
		fix.Command = append(fix.Command, "--from-literal=<KEY>=<VALUE>")
	}
	for _, key := range at.keys {
		fix.Command = append(fix.Command, "--from-literal="+key+"=<VALUE>")
	}
	return fix
}
