package reliability

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngressBackendMissing finds paths of Ingresses that lead to a Service, or a port of one, that is not there.
var IngressBackendMissing = rule.Check{
	ID: "ingress-backend-missing", Title: "Ingress leads to a Service or port that is not there", Doc: rule.ReadDoc(docs, "ingress_backend_missing.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.IngressKind),
	Run: func(p *rule.Pass) {
		ingress, ok := p.Object.Typed.(*networkingv1.Ingress)
		if !ok {
			return
		}
		spec := field.NewPath("spec")
		if b := ingress.Spec.DefaultBackend; b != nil {
			judgeBackend(p, b, spec.Child("defaultBackend"), "what no rule fits")
		}
		for i, r := range ingress.Spec.Rules {
			if r.HTTP == nil {
				continue
			}
			for j := range r.HTTP.Paths {
				at := &r.HTTP.Paths[j]
				judgeBackend(p, &at.Backend, spec.Child("rules").Index(i).Child("http", "paths").Index(j).Child("backend"), r.Host+at.Path)
			}
		}
	},
	Peers: map[string][]string{
		"popeye": {"POP-1401", "POP-1402", "POP-1404"}, "kube-score": {"ingress-targets-service"}, "kube-linter": {"dangling-ingress"}, "kubescape": {"dangling-ingress-backend"},
	},
}

// byAction is the port by which the AWS load balancer controller knows a backend that is an action of its
// own, written in an annotation, and no Service.
const byAction = "use-annotation"

func judgeBackend(p *rule.Pass, b *networkingv1.IngressBackend, path *field.Path, what string) {
	if b.Service == nil || b.Service.Port.Name == byAction {
		return
	}
	ref := snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: p.Object.Namespace, Name: b.Service.Name}
	name := path.Child("service", "name")
	if o, _ := p.Lookup(snapshot.ServiceKind, ref.Namespace, ref.Name); o != nil {
		judgeBackendPort(p, b.Service.Port, path.Child("service", "port"), what, o)
		return
	}
	if a := p.Absent(name, ref); a != nil {
		p.Report(a.Finding("leads %s to %s, which %s", what, ref, a.Where)).WithFix(a.Fix(p, "lead to", "name a Service of this namespace, or create that one"))
	}
}

func judgeBackendPort(p *rule.Pass, port networkingv1.ServiceBackendPort, path *field.Path, what string, o *snapshot.Object) {
	svc, ok := o.Typed.(*corev1.Service)
	if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName && len(svc.Spec.Ports) == 0 {
		return
	}
	at, value := path.Child("number"), fmt.Sprint(port.Number)
	if port.Name != "" {
		at, value = path.Child("name"), port.Name
	}
	var have []string
	for _, sp := range svc.Spec.Ports {
		if port.Name != "" && sp.Name == port.Name || port.Name == "" && sp.Port == port.Number {
			return
		}
		if port.Name != "" && sp.Name != "" {
			have = append(have, sp.Name)
		} else if port.Name == "" {
			have = append(have, fmt.Sprint(sp.Port))
		}
	}
	f := rule.Finding{
		Field: at, Value: value, Label: "no port of " + o.String(),
		Message: fmt.Sprintf("leads %s to port %s of %s, which has none such", what, value, o),
	}
	fix := rule.Fix{Title: "name a port of the Service", Caution: "the port of the Service, not that of the container behind it", Applicability: rule.NeedsThought}
	slices.Sort(have)
	if have = slices.Compact(have); len(have) == 1 {
		f.Message += "; it has " + have[0]
		if port.Name == "" {
			fix.Patch = p.Put(at, svc.Spec.Ports[0].Port)
		} else {
			fix.Patch = p.Put(at, have[0])
		}
		fix.Title = fmt.Sprintf("lead to port %s, the only one that it has", have[0])
		fix.Command = p.Live(fix.Patch)
	}
	p.Report(f).WithFix(fix)
}
