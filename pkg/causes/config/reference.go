package config

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// kind is the kind of object that env takes values from.
type kind struct {
	schema.GroupKind
	word string // as the kubelet and kubectl write it
	keys string // the name that the kubelet uses beside a key
}

var (
	configMaps = kind{snapshot.ConfigMapKind, "configmap", "ConfigMap"}
	secrets    = kind{snapshot.SecretKind, "secret", "Secret"}
)

func (k kind) ref(namespace, name string) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: k.Kind, Namespace: namespace, Name: name}
}

// other is what people take the kind for.
func (k kind) other() kind {
	if k == configMaps {
		return secrets
	}
	return configMaps
}

// reference is where a container's env names an object: a whole one (envFrom) or one of its keys.
type reference struct {
	name rule.Setting
	key  rule.Setting // without a path for envFrom
	env  string       // the variable; "" for envFrom
	keys []string     // that are taken from the object, for a command that creates it
}

// refer finds where the container names an object, in the order in which the kubelet looks: the
// whole objects first. With a key it finds the variable that takes that key. It passes over what is
// optional, which the kubelet never waits for.
func refer(p *rule.Pass, c snapshot.Container, k kind, name, key string) (reference, bool) {
	container := p.ContainerSetting(c)
	var found *reference
	for i, e := range c.EnvFrom {
		from, field := envFrom(e, k)
		if key == "" && from == name && found == nil {
			found = &reference{name: container.Child("envFrom").Index(i).Child(field, "name")}
		}
	}
	var keys []string
	for i, e := range c.Env {
		from, ofKey, field := envKey(e, k)
		if from != name {
			continue
		}
		if !slices.Contains(keys, ofKey) {
			keys = append(keys, ofKey)
		}
		if found == nil && (key == "" || key == ofKey) {
			at := container.Child("env").Index(i).Child("valueFrom", field)
			found = &reference{name: at.Child("name"), key: at.Child("key"), env: e.Name}
		}
	}
	if found == nil {
		return reference{}, false
	}
	found.keys = keys
	return *found, true
}

func envFrom(e corev1.EnvFromSource, k kind) (name, field string) {
	switch {
	case k == configMaps && e.ConfigMapRef != nil && !isTrue(e.ConfigMapRef.Optional):
		return e.ConfigMapRef.Name, "configMapRef"
	case k == secrets && e.SecretRef != nil && !isTrue(e.SecretRef.Optional):
		return e.SecretRef.Name, "secretRef"
	}
	return "", ""
}

func envKey(e corev1.EnvVar, k kind) (name, key, field string) {
	switch {
	case e.ValueFrom == nil:
	case k == configMaps && e.ValueFrom.ConfigMapKeyRef != nil && !isTrue(e.ValueFrom.ConfigMapKeyRef.Optional):
		return e.ValueFrom.ConfigMapKeyRef.Name, e.ValueFrom.ConfigMapKeyRef.Key, "configMapKeyRef"
	case k == secrets && e.ValueFrom.SecretKeyRef != nil && !isTrue(e.ValueFrom.SecretKeyRef.Optional):
		return e.ValueFrom.SecretKeyRef.Name, e.ValueFrom.SecretKeyRef.Key, "secretKeyRef"
	}
	return "", "", ""
}

func isTrue(b *bool) bool { return b != nil && *b }
