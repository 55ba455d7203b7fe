package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The kubelet's words, from its makeEnvironmentVariables.
var keyMissing = regexp.MustCompile(`couldn't find key (\S+) in (Secret|ConfigMap) ([^/\s]+)/(\S+)`)

// SecretKeyMissing finds environment variables that name a key which their Secret does not have.
var SecretKeyMissing = rule.Cause{
	ID: "secret-key-missing", Title: "a Secret lacks the key that env names", Doc: rule.ReadDoc(docs, "secret_key_missing.md"),
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			if m := configError(c, keyMissing); m != nil && m[2] == "Secret" {
				wants = append(wants, snapshot.WantGet(snapshot.SecretKind, p.Object.Namespace, m[4]))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if m := configError(c, keyMissing); m != nil && m[2] == "Secret" {
				reportSecretKey(p, c, m[1], m[4])
			}
		}
	},
}

// configError matches what the kubelet says of a container that it cannot create.
func configError(c snapshot.Container, pattern *regexp.Regexp) []string {
	if c.Status == nil || c.Status.State.Waiting == nil || c.Status.State.Waiting.Reason != "CreateContainerConfigError" {
		return nil
	}
	return pattern.FindStringSubmatch(c.Status.State.Waiting.Message)
}

// waitingEvidence quotes why a container waits.
func waitingEvidence(p *rule.Pass, c snapshot.Container) rule.Evidence {
	w := c.Status.State.Waiting
	return rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + w.Message}
}

func reportSecretKey(p *rule.Pass, c snapshot.Container, key, name string) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		Field:     container.Path,
		Value:     key,
		Message:   fmt.Sprintf("secret/%s has no key %q, so the container cannot be created", name, key),
		Label:     fmt.Sprintf("not a key of secret/%s", name),
		Evidence:  []rule.Evidence{waitingEvidence(p, c)},
		RuledOut:  []string{fmt.Sprintf("a missing Secret: the kubelet read secret/%s and looked for the key in it", name)},
		Certainty: rule.Certain,
	}
	setting := container
	for i, env := range c.Env {
		if env.ValueFrom != nil && env.ValueFrom.SecretKeyRef != nil && env.ValueFrom.SecretKeyRef.Name == name && env.ValueFrom.SecretKeyRef.Key == key {
			setting = container.Child("env").Index(i).Child("valueFrom", "secretKeyRef", "key")
			f.Field = setting.Path
			f.Message = fmt.Sprintf("secret/%s has no key %q, which env %s needs: the container cannot be created", name, key, env.Name)
			break
		}
	}
	secret, _ := p.Lookup(snapshot.SecretKind, p.Object.Namespace, name)
	if secret != nil && secret.KeysKnown {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: secret.Ref, Text: fmt.Sprintf("keys of secret/%s: %s", name, strings.Join(secret.Keys, ", "))})
		if near := knowledge.Nearest(key, secret.Keys); near != "" && f.Field != container.Path {
			patch := setting.ReplaceValue(key, near)
			f.Fix = &rule.Fix{
				Title:         fmt.Sprintf("use the key %q, the nearest that the Secret has", near),
				Caution:       "the name is alike; that the value is the right one, only you know",
				Applicability: rule.NeedsThought,
				Patch:         patch,
				Command:       p.PatchCommand(setting.Object, patch),
			}
			p.Report(f)
			return
		}
	}
	ref := snapshot.Ref{APIVersion: "v1", Kind: "Secret", Namespace: p.Object.Namespace, Name: name}
	patch := &rule.Patch{Type: "merge", Body: map[string]any{"stringData": map[string]any{key: "<VALUE>"}}}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("add the key to secret/%s, or name a key that it has", name),
		Applicability: rule.Placeholders,
		Object:        ref,
		Patch:         patch,
		Command:       p.PatchCommand(ref, patch),
	}
	p.Report(f)
}
