package config

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CMKeyMissing finds environment variables that name a key which their ConfigMap does not have.
var CMKeyMissing = rule.Cause{
	ID: "cm-key-missing", Title: "a ConfigMap lacks the key that env names", Doc: rule.ReadDoc(docs, "cm_key_missing.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsOfKey(p, configMaps) },
	Run:   func(p *rule.Pass) { runMissingKey(p, configMaps) },
}

// SecretKeyMissing finds environment variables that name a key which their Secret does not have.
var SecretKeyMissing = rule.Cause{
	ID: "secret-key-missing", Title: "a Secret lacks the key that env names", Doc: rule.ReadDoc(docs, "secret_key_missing.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsOfKey(p, secrets) },
	Run:   func(p *rule.Pass) { runMissingKey(p, secrets) },
}

// missingKey reads which key of which object the kubelet did not find.
func missingKey(c snapshot.Container, k kind) (key, name string, ok bool) {
	m := configError(c, keyMissing)
	if m == nil || m[2] != k.keys {
		return "", "", false
	}
	return m[1], m[4], true
}

func wantsOfKey(p *rule.Pass, k kind) []snapshot.Want {
	var wants []snapshot.Want
	for _, c := range p.Object.PodContainers() {
		if _, name, ok := missingKey(c, k); ok {
			wants = append(append(wants, snapshot.WantGet(k.GroupKind, p.Object.Namespace, name)), p.WantReferences()...)
		}
	}
	return wants
}

func runMissingKey(p *rule.Pass, k kind) {
	for _, c := range p.Object.PodContainers() {
		if key, name, ok := missingKey(c, k); ok {
			reportKey(p, c, k, key, name)
		}
	}
}

func reportKey(p *rule.Pass, c snapshot.Container, k kind, key, name string) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		Field:     container.Path,
		Value:     key,
		Message:   fmt.Sprintf("%s/%s has no key %q, so the container cannot be created", k.word, name, key),
		Label:     fmt.Sprintf("not a key of %s/%s", k.word, name),
		Evidence:  []rule.Evidence{waitingEvidence(p, c)},
		RuledOut:  []string{fmt.Sprintf("a missing %s: the kubelet read %s/%s and looked for the key in it", k.Kind, k.word, name)},
		Certainty: rule.Certain,
	}
	at, found := refer(p, c, k, name, key)
	if found {
		f.Field = at.key.Path
		f.Message = fmt.Sprintf("%s/%s has no key %q, which env %s needs: the container cannot be created", k.word, name, key, at.env)
	}
	object, _ := p.Lookup(k.GroupKind, p.Object.Namespace, name)
	if object != nil && object.KeysKnown {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: object.Ref, Text: keysOf(object, k)})
		if near := knowledge.Nearest(key, object.Keys); near != "" && found {
			patch := at.key.ReplaceValue(key, near)
			f.Fix = &rule.Fix{
				Title:         fmt.Sprintf("use the key %q, the nearest that the %s has", near, k.Kind),
				Caution:       "the name is alike; that the value is the right one, only you know",
				Applicability: rule.NeedsThought,
				Patch:         patch,
				Command:       p.PatchCommand(at.key.Object, patch),
			}
			p.AlsoMissing(&f, k.GroupKind, name)
			p.Report(f)
			return
		}
	}
	ref := k.ref(p.Object.Namespace, name)
	entries := "data"
	if k == secrets {
		entries = "stringData"
	}
	patch := &rule.Patch{Type: "merge", Body: map[string]any{entries: map[string]any{key: "<VALUE>"}}}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("add the key to %s/%s, or name a key that it has", k.word, name),
		Applicability: rule.Placeholders,
		Object:        ref,
		Patch:         patch,
	}
	if found { // the words are the spec's then, not the kubelet's
		f.Fix.Command = p.PatchCommand(ref, patch)
	}
	p.AlsoMissing(&f, k.GroupKind, name)
	p.Report(f)
}

func keysOf(object *snapshot.Object, k kind) string {
	if len(object.Keys) == 0 {
		return fmt.Sprintf("%s/%s has no keys at all", k.word, object.Name)
	}
	return fmt.Sprintf("keys of %s/%s: %s", k.word, object.Name, strings.Join(object.Keys, ", "))
}
