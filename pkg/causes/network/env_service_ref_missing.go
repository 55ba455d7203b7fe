package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// EnvServiceRefMissing finds programs in trouble that are told to connect to a Service which is not there. A
// log that says what is wrong is more, and another cause's.
var EnvServiceRefMissing = rule.Cause{
	ID: "env-service-ref-missing", Title: "a setting names a Service that is not there", Doc: rule.ReadDoc(docs, "env_service_ref_missing.md"),
	Stage: rule.StageExit, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, r := range namedServices(p) {
			wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, r.namespace, r.name))
			if _, missing := absent(p, snapshot.ServiceKind, r.namespace, r.name); missing {
				wants = append(wants, snapshot.WantList(snapshot.ServiceKind, r.namespace, ""))
			}
		}
		for _, w := range troubled(p) {
			wants = append(wants, w)
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		logs := troubled(p)
		for _, r := range namedServices(p) {
			said := slices.ContainsFunc(lastLines(p, logs[r.container.Name], r.container), func(line string) bool {
				return strings.Contains(line, r.host) || complains.MatchString(line)
			})
			if !said {
				reportNamedService(p, r)
			}
		}
	},
}

// named is a Service that an env value or an argument names.
type named struct {
	container             snapshot.Container
	setting               rule.Setting
	value, host           string
	namespace, name, port string
	by                    string // "env BACKEND"
}

// mostNamed is how many Services a pod is asked about.
const mostNamed = 8

var (
	hostAndPort = knowledge.Regexp(`(?:^|[/@,= ])([a-z][a-z0-9.-]{0,200}[a-z0-9]):([0-9]{2,5})(?:[/?,;]|$)`)
	hostOfURL   = knowledge.Regexp(`^[a-z][a-z0-9+.-]{0,20}://(?:[^@/ ]{0,200}@)?([a-z][a-z0-9.-]{0,200}[a-z0-9])(?:[/?]|$)`)
	complains   = knowledge.Regexp(`(?i)error|fatal|panic|fail|exception|not set|missing|required|refused|denied|invalid|cannot|can't|could not|unable|unknown|no such|timed?[ -]?out`)
	tellsWhere  = knowledge.Regexp(`(?i)host|addr|url|uri|endpoint|server|service|broker|dsn|upstream|backend|proxy|connect`)
)

// namedServices are the Services that the literal env values and arguments of troubled containers name: by an
// address with a port, or a URL. Values with a password in them are left alone.
func namedServices(p *rule.Pass) []named {
	logs := troubled(p)
	var list []named
	for _, c := range p.Object.PodContainers() {
		if _, ok := logs[c.Name]; !ok {
			continue
		}
		container := p.ContainerSetting(c)
		for i, e := range c.Env {
			if e.ValueFrom == nil && (tellsWhere.MatchString(e.Name) || strings.Contains(e.Value, "://")) {
				list = append(list, namedIn(p, c, container.Child("env").Index(i).Child("value"), e.Value, "env "+e.Name)...)
			}
		}
		for i, a := range c.Args {
			if len(a) < callLetters && (tellsWhere.MatchString(a) || strings.Contains(a, "://")) {
				list = append(list, namedIn(p, c, container.Child("args").Index(i), a, "an argument")...)
			}
		}
	}
	return list[:min(len(list), mostNamed)]
}

func namedIn(p *rule.Pass, c snapshot.Container, setting rule.Setting, value, by string) []named {
	if strings.Contains(value, "$(") || knowledge.Mask(value) != value {
		return nil
	}
	var found [][]string
	found = append(found, hostAndPort.FindAllStringSubmatch(value, 3)...)
	if m := hostOfURL.FindStringSubmatch(value); m != nil {
		found = append(found, []string{m[0], m[1], ""})
	}
	var list []named
	for _, m := range found {
		ns, name, ok := serviceName(m[1], p.Object.Namespace)
		if !ok || aliased(p.Object.Pod(), m[1]) {
			continue
		}
		list = append(list, named{container: c, setting: setting, value: value, host: m[1], namespace: ns, name: name, port: m[2], by: by})
	}
	return list
}

// aliased tells whether the pod itself knows the name: its own, or one of its hostAliases.
func aliased(pod *corev1.Pod, host string) bool {
	if host == pod.Name || host == pod.Spec.Hostname {
		return true
	}
	return slices.ContainsFunc(pod.Spec.HostAliases, func(a corev1.HostAlias) bool { return slices.Contains(a.Hostnames, host) })
}

func reportNamedService(p *rule.Pass, r named) {
	where := "service/" + r.name
	if r.namespace != p.Object.Namespace {
		where += " in namespace " + r.namespace
	}
	f := rule.Finding{
		Object: r.setting.Object, Seen: p.Object.In(r.container.Name), Field: r.setting.Path, Value: r.value, Certainty: rule.Possible,
		Fix: &rule.Fix{Title: "name the Service that is meant, or create it", Applicability: rule.NeedsThought},
	}
	o, _ := p.Lookup(snapshot.ServiceKind, r.namespace, r.name)
	certainty, missing := absent(p, snapshot.ServiceKind, r.namespace, r.name)
	to := ""
	switch {
	case missing:
		f.Message = fmt.Sprintf("%s names %s, and there is no %s: is that why it does not work? its log does not say", r.by, r.host, where)
		f.Label = "there is no Service of this name"
		f.Evidence = append(f.Evidence, notFound(snapshot.ServiceKind, r.namespace, r.name, certainty))
		if near := knowledge.Slip(r.name, p.Names(snapshot.ServiceKind, r.namespace)); near != "" {
			f.Label, f.Fix.Title = "there is "+near, "name "+near+", the nearest there is"
			f.Message = fmt.Sprintf("%s names %s, and there is no %s, only service/%s: is that why it does not work? its log does not say", r.by, r.host, where, near)
			to = strings.Replace(r.value, r.host, strings.Replace(r.host, r.name, near, 1), 1)
		}
	case o != nil:
		svc, ok := o.Typed.(*corev1.Service)
		port, err := strconv.Atoi(r.port)
		if !ok || err != nil || svc.Spec.Type == corev1.ServiceTypeExternalName || svc.Spec.ClusterIP == corev1.ClusterIPNone || len(svc.Spec.Ports) == 0 ||
			slices.ContainsFunc(svc.Spec.Ports, func(sp corev1.ServicePort) bool { return int(sp.Port) == port }) {
			return // of a headless Service the port is the pods' own
		}
		var have []string
		for _, sp := range svc.Spec.Ports {
			have = append(have, fmt.Sprint(sp.Port))
		}
		f.Message = fmt.Sprintf("%s names %s:%s, and %s has no such port, only %s: is that why it does not work? its log does not say", r.by, r.host, r.port, where, some(have))
		f.Label = fmt.Sprintf("%s has %s", where, some(have))
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "spec.ports", Text: fmt.Sprintf("ports of %s: %s", where, some(have))})
		f.Fix.Title = "name a port that the Service has"
		if len(have) == 1 {
			to = strings.Replace(r.value, r.host+":"+r.port, r.host+":"+have[0], 1)
		}
	default:
		return
	}
	if to != "" && r.setting.Object.GroupKind() != snapshot.PodKind {
		f.Fix.Caution = "that this is the one that is meant, only you know"
		f.Fix.Patch = r.setting.ReplaceValue(r.value, to)
		f.Fix.Command = p.PatchCommand(r.setting.Object, f.Fix.Patch)
	}
	p.Report(f)
}
