package storage

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The kubelet's words, from its configmap and secret volume plugins.
var keyMissing = knowledge.Regexp(`references non-existent (config|secret) key: (\S+)`)

// VolumeKeyMissing finds volumes whose items name a key that their ConfigMap or Secret does not have.
var VolumeKeyMissing = rule.Cause{
	ID: "volume-key-missing", Title: "a volume names a key that is not there", Doc: rule.ReadDoc(docs, "volume_key_missing.md"),
	Stage: rule.StageVolume, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, m := range missingKeys(p) {
			wants = append(append(wants, snapshot.WantGet(m.kind, p.Object.Namespace, m.name)), p.WantReferences()...)
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, m := range missingKeys(p) {
			reportKey(p, m)
		}
	},
}

type keyed struct {
	part
	item  int
	key   string
	event *corev1.Event
}

func missingKeys(p *rule.Pass) []keyed {
	if !waitsForVolumes(p) {
		return nil
	}
	var list []keyed
	for _, v := range p.Object.Pod().Spec.Volumes {
		for _, part := range parts(v) {
			word := "config"
			if part.kind == snapshot.SecretKind {
				word = "secret"
			}
			for i, item := range part.items {
				e := mountEvent(p, part.volume, fmt.Sprintf("references non-existent %s key: %s", word, item.Key))
				if e == nil || !namesKey(e.Message, word, item.Key) {
					continue
				}
				if o, _ := p.Lookup(part.kind, p.Object.Namespace, part.name); o != nil && o.KeysKnown && contains(o.Keys, item.Key) {
					continue // added since; the kubelet tries again within two minutes
				}
				list = append(list, keyed{part, i, item.Key, e})
			}
		}
	}
	return list
}

// namesKey tells whether the message names this key, and not a longer one.
func namesKey(message, word, key string) bool {
	for _, m := range keyMissing.FindAllStringSubmatch(message, -1) {
		if m[1] == word && strings.Trim(m[2], `",;[]`) == key {
			return true
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

func reportKey(p *rule.Pass, m keyed) {
	setting := settingOf(p, m.part).Child("items").Index(m.item).Child("key")
	ref := m.ref(p.Object.Namespace)
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: m.key, Certainty: rule.Certain,
		Message:  fmt.Sprintf("%s has no key %q, which volume %q names: no container can start", ref.String(), m.key, m.volume),
		Label:    fmt.Sprintf("not a key of %s", ref.String()),
		Evidence: []rule.Evidence{rule.EventEvidence(m.event)},
		RuledOut: []string{fmt.Sprintf("a missing %s: the kubelet read it and looked for the key in it", m.kind.Kind)},
	}
	o, _ := p.Lookup(m.kind, ref.Namespace, m.name)
	if o != nil && o.KeysKnown {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: ref, Text: fmt.Sprintf("keys of %s: %s", ref.String(), strings.Join(o.Keys, ", "))})
		if near := knowledge.Nearest(m.key, o.Keys); near != "" {
			patch := setting.ReplaceValue(m.key, near)
			f.Fix = &rule.Fix{
				Title:         fmt.Sprintf("use the key %q, the nearest that it has", near),
				Caution:       "the name is alike; that its content is meant, only you know",
				Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(setting.Object, patch),
			}
			p.AlsoMissing(&f, m.kind, m.name)
			p.Report(f)
			return
		}
	}
	field := "data"
	if m.kind == snapshot.SecretKind {
		field = "stringData"
	}
	patch := &rule.Patch{Type: "merge", Body: map[string]any{field: map[string]any{m.key: "<VALUE>"}}}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("add the key to %s, or name a key that it has", ref.String()),
		Applicability: rule.Placeholders, Object: ref, Patch: patch, Command: p.PatchCommand(ref, patch),
	}
	p.AlsoMissing(&f, m.kind, m.name)
	p.Report(f)
}
