package maintenance

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// WebhookBroken finds admission webhooks behind which nobody answers.
var WebhookBroken = rule.Check{
	ID: "webhook-broken", Title: "admission webhook behind which nobody answers", Doc: rule.ReadDoc(docs, "webhook_broken.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: webhookKinds,
	Applies: func(p *rule.Pass) bool { return len(backends(p.Object)) > 0 },
	Run: func(p *rule.Pass) {
		for _, b := range backends(p.Object) {
			judgeBackend(p, b)
		}
	},
	Peers: map[string][]string{"clusterlint": {"admission-controller-webhook"}},
}

// backend is a Service, at one of its ports, that webhooks of a configuration are asked at.
type backend struct {
	service snapshot.Ref
	port    int32
	hooks   []webhook
}

func (b backend) fails() bool {
	for _, w := range b.hooks {
		if w.fails {
			return true
		}
	}
	return false
}

func backends(o *snapshot.Object) []backend {
	var list []backend
	for _, w := range webhooks(o) {
		ref, ok := w.service()
		if !ok {
			continue
		}
		port := int32(443) // the default of the API
		if given := w.client.Service.Port; given != nil {
			port = *given
		}
		i := 0
		for i < len(list) && (list[i].service != ref || list[i].port != port) {
			i++
		}
		if i == len(list) {
			list = append(list, backend{service: ref, port: port})
		}
		list[i].hooks = append(list[i].hooks, w)
	}
	return list
}

func judgeBackend(p *rule.Pass, b backend) {
	at := b.hooks[0].path.Child("clientConfig", "service")
	o, _ := p.Lookup(snapshot.ServiceKind, b.service.Namespace, b.service.Name)
	if o == nil {
		if a := p.Absent(at.Child("name"), b.service); a != nil {
			f := a.Finding("%s in namespace %s %s: %s", b.service, b.service.Namespace, a.Where, b.costs())
			f.Severity = b.severity()
			b.mark(&f, "name")
			p.Report(f).WithFix(b.fix(p, "bring the Service back, or delete the configuration if what it belonged to is gone"))
		}
		return
	}
	svc, ok := o.Typed.(*corev1.Service)
	if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	for _, port := range svc.Spec.Ports {
		if port.Port != b.port {
			continue
		}
		if n, known := ready(p, o); known && n == 0 {
			f := rule.Finding{
				Field: at.Child("name"), Value: b.service.Name, Severity: b.severity(), Label: "has no ready endpoint",
				Message: fmt.Sprintf("%s in namespace %s has no ready pod: %s", b.service, b.service.Namespace, b.costs()),
			}
			b.mark(&f, "name")
			fix := b.fix(p, "bring up the pods behind the Service, or delete the configuration if what it belonged to is gone")
			fix.Lines = []string{p.Explain(b.service)}
			p.Report(f).WithFix(fix)
		}
		return
	}
	f := rule.Finding{
		Field: at.Child("port"), Severity: b.severity(), Label: "not a port of the Service",
		Message: fmt.Sprintf("%s in namespace %s has no port %d, which is where the webhook is asked: %s", b.service, b.service.Namespace, b.port, b.costs()),
	}
	if b.hooks[0].client.Service.Port != nil {
		f.Value = fmt.Sprint(b.port)
	}
	b.mark(&f, "port")
	fix := b.fix(p, "name a port of the Service")
	if len(svc.Spec.Ports) == 1 && len(b.hooks) == 1 {
		fix.Title = fmt.Sprintf("ask at port %d, the only one of the Service", svc.Spec.Ports[0].Port)
		fix.Patch = p.Put(at.Child("port"), int64(svc.Spec.Ports[0].Port))
		fix.Command = p.Live(fix.Patch)
	}
	p.Report(f).WithFix(fix)
}

// costs says what happens without an answer.
func (b backend) costs() string {
	var must, may []string
	for _, w := range b.hooks {
		if w.fails {
			must = append(must, w.name)
		} else {
			may = append(may, w.name)
		}
	}
	if len(must) > 0 {
		return "what " + short(must) + " must be asked about is refused"
	}
	return "what " + short(may) + " should be asked about passes without it"
}

func (b backend) severity() rule.Severity {
	if b.fails() {
		return rule.High
	}
	return rule.Low
}

func (b backend) mark(f *rule.Finding, last string) {
	for _, w := range b.hooks[1:] {
		f.Marks = append(f.Marks, rule.Mark{Field: w.path.Child("clientConfig", "service", last), Label: "asked there too"})
	}
}

func (b backend) fix(p *rule.Pass, title string) rule.Fix {
	fix := rule.Fix{Title: title, Applicability: rule.NeedsThought, Caution: "without the webhook nobody checks what it is to check, or puts in what it would"}
	if !p.Files && b.fails() {
		policy := func(w webhook) *field.Path { return w.path.Child("failurePolicy") }
		fix.Caution = "until then failurePolicy Ignore lets everything pass without asking: nobody checks then what the webhook is to check"
		for _, w := range b.hooks {
			if w.fails {
				if patch := p.Put(policy(w), "Ignore"); fix.Patch == nil {
					fix.Patch = patch
				} else {
					fix.Patch = fix.Patch.And(patch)
				}
			}
		}
		fix.Command = p.Live(fix.Patch)
		fix.Title += "; the command sets Ignore until then"
	}
	return fix
}
