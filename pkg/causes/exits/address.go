package exits

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// place is where an address that a program calls is written down.
type place struct {
	setting rule.Setting
	value   string // all that stands there; "" for what must not be drawn
	by      string // how the container gets it, where its own spec does not hold it: "env DB from key db of configmap/settings"
}

// tellsWhere are the names of variables that hold addresses.
var tellsWhere = knowledge.Regexp(`(?i)host|addr|url|uri|endpoint|dsn|server|broker|upstream|backend|peer|proxy`)

// configMaps are the ConfigMaps that give the container variables or files.
func configMaps(p *rule.Pass, c snapshot.Container) []string {
	var names []string
	add := func(name string) {
		if name != "" && name != "kube-root-ca.crt" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
			add(e.ValueFrom.ConfigMapKeyRef.Name)
		}
	}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			add(from.ConfigMapRef.Name)
		}
	}
	for _, m := range c.VolumeMounts {
		for _, name := range configMapsIn(volumeOf(p, m.Name)) {
			add(name)
		}
	}
	return names[:min(len(names), mostConfigMaps)]
}

// mostConfigMaps is how many ConfigMaps of one container are read for an address.
const mostConfigMaps = 8

func configMapsIn(v *corev1.Volume) []string {
	switch {
	case v == nil:
	case v.ConfigMap != nil:
		return []string{v.ConfigMap.Name}
	case v.Projected != nil:
		var names []string
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				names = append(names, s.ConfigMap.Name)
			}
		}
		return names
	}
	return nil
}

// wantPlaces asks for the ConfigMaps in which an address may stand.
func wantPlaces(p *rule.Pass, c snapshot.Container) []snapshot.Want {
	var wants []snapshot.Want
	for _, name := range configMaps(p, c) {
		wants = append(wants, snapshot.WantGet(snapshot.ConfigMapKind, p.Object.Namespace, name))
	}
	return wants
}

// dataOf is the data of a ConfigMap that was read with its content.
func dataOf(p *rule.Pass, name string) (*snapshot.Object, map[string]string) {
	o, _ := p.Lookup(snapshot.ConfigMapKind, p.Object.Namespace, name)
	if o == nil {
		return nil, nil
	}
	cm, ok := o.Typed.(*corev1.ConfigMap)
	if !ok {
		return nil, nil
	}
	return o, cm.Data
}

// placeOf is where the address that the program called stands: in an env value or an argument, in a key of a
// ConfigMap that becomes a variable or a file, or in a hostAlias. First what has host and port is looked
// for, then what has the host alone. What holds the line of the log is what the program wrote, and no setting.
func placeOf(p *rule.Pass, c snapshot.Container, r *refusal, line string) (place, bool) {
	if r.host == "" {
		return place{}, false
	}
	hosts := []string{r.host}
	if r.local() {
		hosts = []string{r.host, "localhost", "127.0.0.1", "::1"}
	}
	anyHost := func(means func(host string) bool) bool { return slices.ContainsFunc(hosts, means) }
	for _, means := range []func(value string) bool{
		func(value string) bool {
			return r.port != "" && anyHost(func(host string) bool { return names(value, (&refusal{host, r.port}).address()) })
		},
		func(value string) bool { return anyHost(func(host string) bool { return namesHost(value, host) }) },
	} {
		if at, ok := placeWhere(p, c, func(value string) bool {
			echo := line != "" && (strings.Contains(value, line) || strings.Contains(value, " ") && strings.Contains(line, value))
			return !echo && means(value)
		}); ok {
			return at, true
		}
	}
	for i, a := range p.Object.Pod().Spec.HostAliases {
		if slices.Contains(a.Hostnames, r.host) {
			return place{setting: p.PodSpec().Child("hostAliases").Index(i).Child("ip"), value: a.IP, by: "the pod's hostAliases give " + r.host + " this address"}, true
		}
	}
	return place{}, false
}

func placeWhere(p *rule.Pass, c snapshot.Container, means func(value string) bool) (place, bool) {
	for i, e := range c.Env {
		switch ref := e.ValueFrom; {
		case ref != nil && ref.ConfigMapKeyRef != nil:
			o, data := dataOf(p, ref.ConfigMapKeyRef.Name)
			if value := data[ref.ConfigMapKeyRef.Key]; o != nil && means(value) {
				return inConfigMap(o, ref.ConfigMapKeyRef.Key, value, "env "+e.Name+" is taken from here"), true
			}
		case ref != nil || !means(e.Value):
		case knowledge.Mask(e.Value) != e.Value || knowledge.SecretName(e.Name):
			return place{setting: envSetting(p, c, i)}, true
		default:
			return place{setting: envSetting(p, c, i).Child("value"), value: e.Value}, true
		}
	}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil {
			continue
		}
		o, data := dataOf(p, from.ConfigMapRef.Name)
		for _, key := range slices.Sorted(maps.Keys(data)) {
			if means(data[key]) {
				return inConfigMap(o, key, data[key], "becomes variable "+from.Prefix+key+", by envFrom"), true
			}
		}
	}
	for _, list := range []struct {
		name  string
		words []string
	}{{"args", c.Args}, {"command", c.Command}} {
		for i, w := range list.words {
			if means(w) {
				at := place{setting: p.ContainerSetting(c).Child(list.name).Index(i), value: w}
				if knowledge.Mask(w) != w {
					at = place{setting: p.ContainerSetting(c).Child(list.name)}
				}
				return at, true
			}
		}
	}
	for _, m := range c.VolumeMounts {
		for _, name := range configMapsIn(volumeOf(p, m.Name)) {
			o, data := dataOf(p, name)
			for _, key := range slices.Sorted(maps.Keys(data)) {
				if means(data[key]) {
					return inConfigMap(o, key, data[key], "a file below "+m.MountPath+" is made from it"), true
				}
			}
		}
	}
	return place{}, false
}

func inConfigMap(o *snapshot.Object, key, value, by string) place {
	at := place{setting: rule.Setting{Object: o.Ref, Path: field.NewPath("data").Key(key)}, value: value, by: by}
	if knowledge.Mask(value) != value {
		at.setting.Path, at.value = field.NewPath("data"), ""
	}
	return at
}

// namesHost tells whether a value names a host: it is the host, its part after "=" or in a URL is, or it holds
// a name of several parts as a whole. A short name in running text may be any word.
func namesHost(value, host string) bool {
	switch {
	case value == host, strings.HasSuffix(value, "="+host), strings.HasSuffix(value, "@"+host):
		return true
	case strings.Contains(value, "://"), strings.ContainsAny(host, ".-"):
		return hostIn(value, host)
	}
	return false
}

// hostIn tells whether text holds the host as a whole: not "db.example.com" where "db" is meant.
func hostIn(text, host string) bool {
	inName := func(b byte) bool {
		return b == '-' || b == '.' || b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
	}
	for from := 0; ; {
		at := strings.Index(text[from:], host)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(host)
		if (at == 0 || !inName(text[at-1])) && (end == len(text) || !inName(text[end]) || text[end] == '.' && (end+1 == len(text) || !inName(text[end+1]))) {
			return true
		}
		from = at + 1
	}
}

// pointAt makes the place the field of a finding.
func (at place) pointAt(f *rule.Finding, r *refusal) {
	point(f, at.setting, r.address(), "where the program connects to")
	if at.by != "" {
		f.Label = at.by
	}
}

// unreadPlaces words where else the address may stand: in Secrets, whose values are not read, and in ConfigMaps
// that could not be.
func unreadPlaces(p *rule.Pass, c snapshot.Container) []string {
	var list []string
	unread := func(name string) bool {
		o, data := dataOf(p, name)
		if o == nil {
			return true
		}
		for _, value := range data { // a snapshot folder keeps the keys, and no values
			if value != "" {
				return false
			}
		}
		return len(o.Keys) > 0
	}
	for _, e := range c.Env {
		switch ref := e.ValueFrom; {
		case ref == nil || !tellsWhere.MatchString(e.Name):
		case ref.SecretKeyRef != nil:
			list = append(list, fmt.Sprintf("env %s (key %s of secret/%s)", e.Name, ref.SecretKeyRef.Key, ref.SecretKeyRef.Name))
		case ref.ConfigMapKeyRef != nil && unread(ref.ConfigMapKeyRef.Name):
			list = append(list, fmt.Sprintf("env %s (key %s of configmap/%s)", e.Name, ref.ConfigMapKeyRef.Key, ref.ConfigMapKeyRef.Name))
		}
	}
	for _, from := range c.EnvFrom {
		switch {
		case from.SecretRef != nil:
			list = append(list, "envFrom secret/"+from.SecretRef.Name)
		case from.ConfigMapRef != nil && unread(from.ConfigMapRef.Name):
			list = append(list, "envFrom configmap/"+from.ConfigMapRef.Name)
		}
	}
	for _, m := range c.VolumeMounts {
		v := volumeOf(p, m.Name)
		switch {
		case v != nil && v.Secret != nil:
			list = append(list, fmt.Sprintf("secret/%s below %s", v.Secret.SecretName, m.MountPath))
		case v != nil && v.ConfigMap != nil && unread(v.ConfigMap.Name):
			list = append(list, fmt.Sprintf("configmap/%s below %s", v.ConfigMap.Name, m.MountPath))
		}
	}
	return list
}

// unnamed says why no field carries the address.
func unnamed(p *rule.Pass, c snapshot.Container, address string) string {
	text := fmt.Sprintf("no env value, argument or ConfigMap of the container names %s", address)
	if list := unreadPlaces(p, c); len(list) > 0 {
		text += "; it may stand in what was not read: " + few(list)
	}
	return text
}
