package exits

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// aLink is what the port of a reason says of a value that Kubernetes gave: a variable for a Service.
const aLink = "link"

var (
	linkValue = knowledge.Regexp(`\b(?:tcp|udp|sctp)://([0-9]{1,3}(?:\.[0-9]{1,3}){3}):[0-9]{1,5}\b`)
	linkName  = knowledge.Regexp(`\b([A-Z][A-Z0-9_]{1,80}_PORT)\b`)
	notNumber = knowledge.Regexp(`(?i)\bparse|parsing|atoi|invalid|integer|number|numeric|\bint\(\)|\bNaN\b|unmarshal|cannot convert|bad value`)
)

// linkReading knows the value that the kubelet gives the variable NAME_PORT for a Service: a program which has a
// setting of that name wants a number there. Source: kubernetes pkg/kubelet/envvars.
var linkReading = reading{
	words: knowledge.Regexp(`(?:tcp|udp|sctp)://[0-9]`),
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		m := linkValue.FindStringSubmatch(line)
		if m == nil || !notNumber.MatchString(line) {
			return nil
		}
		r := &reason{cause: "bad-flag-or-config", what: m[1], port: aLink, more: m[0], ip: m[1]}
		if name := linkName.FindStringSubmatch(line); name != nil {
			r.what = name[1]
		}
		return r
	},
}

// linked finds the Service for which the kubelet sets the variable, by its name or else by the address in the value.
func linked(p *rule.Pass, e *ended) (svc *snapshot.Object, name string) {
	for _, o := range p.List(snapshot.ServiceKind, p.Object.Namespace) {
		typed, ok := o.Typed.(*corev1.Service)
		if !ok || typed.Spec.ClusterIP == "" || typed.Spec.ClusterIP == corev1.ClusterIPNone {
			continue
		}
		variable := strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_")) + "_PORT"
		if e.what == variable || e.what == e.ip && typed.Spec.ClusterIP == e.ip {
			return o, variable
		}
	}
	return nil, ""
}

func reportLink(p *rule.Pass, c snapshot.Container, e *ended) {
	links := p.Object.Pod().Spec.EnableServiceLinks
	svc, name := linked(p, e)
	if svc == nil || links != nil && !*links || slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name }) {
		return
	}
	f := e.finding(p, c)
	at := p.PodSpec().Child("enableServiceLinks")
	point(&f, at, "true", "each Service of the namespace becomes variables unless this is false")
	f.Message = fmt.Sprintf("takes %s for a setting of its own, and Kubernetes sets it to %s because there is a %s%s", name, e.more, svc.String(), e.ends())
	f.RuledOut = []string{fmt.Sprintf("a value that somebody set: env has no %s", name)}
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: svc.Ref, Text: fmt.Sprintf("there is a %s, and pods that start after it get %s for it", svc.String(), name)})
	patch := p.Change(at, true, false)
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("have the pod get no variables for Services, or set %s to what the program wants", name),
		Caution:       "who finds Services by such variables (NAME_SERVICE_HOST) has to use their names then",
		Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(at.Object, patch),
	}
	p.Report(f)
}
