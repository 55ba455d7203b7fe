package reliability

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcPortMismatch finds ports of Services behind which no container listens.
var SvcPortMismatch = rule.Check{
	ID: "svc-port-mismatch", Title: "Service port that no container declares", Doc: rule.ReadDoc(docs, "svc_port_mismatch.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.ServiceKind),
	Applies: func(p *rule.Pass) bool {
		want := selectorOf(p)
		return want != nil && (len(selected(p, labels.SelectorFromSet(want))) > 0 || unread(p, selectable...) != "")
	},
	Run: func(p *rule.Pass) {
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok {
			return
		}
		found := selected(p, labels.SelectorFromSet(svc.Spec.Selector))
		if len(found) == 0 {
			p.Unknown("%s", unread(p, selectable...))
			return
		}
		for i := range svc.Spec.Ports {
			port := &svc.Spec.Ports[i]
			if rule.TargetOf(port).Type == intstr.String {
				judgeNamed(p, port, field.NewPath("spec", "ports").Index(i), found)
			} else {
				judgeNumber(p, port, field.NewPath("spec", "ports").Index(i), found)
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1106", "POP-1101"}},
}

// declared are the ports of the containers that run as long as the pod does.
func declared(t snapshot.Template) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for _, c := range t.Containers() {
		if !c.Init {
			for _, port := range c.Ports {
				if port.ContainerPort > 0 { // an entry without a number declares nothing
					ports = append(ports, port)
				}
			}
		}
	}
	return ports
}

// judgeNamed looks at a target that is a name: pods without a port of that name and protocol get no
// endpoint.
func judgeNamed(p *rule.Pass, port *corev1.ServicePort, path *field.Path, found []snapshot.Selected) {
	name, want := port.TargetPort.StrVal, protocol(port.Protocol)
	var others []string
	var otherProtocol corev1.Protocol
	for _, s := range found {
		for _, cp := range declared(s.Template) {
			switch {
			case cp.Name == name && protocol(cp.Protocol) == want:
				return
			case cp.Name == name:
				otherProtocol = protocol(cp.Protocol)
			case cp.Name != "" && protocol(cp.Protocol) == want:
				others = append(others, cp.Name)
			}
		}
	}
	if brought(p, name, want) {
		return
	}
	at := path.Child("targetPort")
	f := rule.Finding{Field: at, Value: name, Label: "no container of the selected pods has a port of this name"}
	holders := names(objects(found))
	if otherProtocol != "" {
		f.Message = fmt.Sprintf("targetPort %q over %s: the port of that name of %s is %s, so the Service has no endpoint for it", name, want, holders, otherProtocol)
		f.Label = "the container's port of this name has another protocol"
		if port.Protocol != "" {
			f.Marks = []rule.Mark{{Field: path.Child("protocol"), Label: "is not that of the container's port"}}
		}
		p.Report(f)
		return
	}
	f.Message = fmt.Sprintf("targetPort %q: no container of %s has a port of that name, so the Service has no endpoint for it", name, holders)
	near := knowledge.Nearest(name, others)
	if near == "" && len(rule.Distinct(others)) == 1 {
		near = others[0]
	}
	if len(others) > 0 {
		f.Message += "; there is " + strings.Join(rule.Distinct(others), ", ")
	}
	out := p.Report(f)
	if near != "" {
		patch := p.Put(at, near)
		out.WithFix(rule.Fix{
			Title:         fmt.Sprintf("lead to the port %q", near),
			Caution:       "that this is the port that was meant, only you know",
			Applicability: rule.NeedsThought,
			Patch:         patch,
			Command:       p.Live(patch),
		})
	}
}

// sidecarPortNames are the names of ports of containers that webhooks add to pods. Source: the templates of Istio,
// Linkerd and Dapr.
var sidecarPortNames = []string{"http-envoy-prom", "linkerd-admin", "linkerd-proxy", "dapr-http", "dapr-grpc", "dapr-internal", "dapr-metrics"}

// brought tells whether a port of that name may be, or is, one of a container that a webhook added to the pods: those of
// a cluster show it, of manifests nobody can tell.
func brought(p *rule.Pass, name string, want corev1.Protocol) bool {
	if p.Files && slices.Contains(sidecarPortNames, name) {
		p.Unknown("port %s may be one of a sidecar that a webhook adds", name)
		return true
	}
	if p.Files {
		return false
	}
	svc, ok := p.Object.Typed.(*corev1.Service)
	return ok && slices.ContainsFunc(p.SelectedPods(p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector)), func(o *snapshot.Object) bool {
		return slices.ContainsFunc(o.Templates, func(t snapshot.Template) bool {
			return slices.ContainsFunc(declared(t), func(cp corev1.ContainerPort) bool { return cp.Name == name && protocol(cp.Protocol) == want })
		})
	})
}

// judgeNumber looks at a target that is a number. Containers need not declare what they listen on,
// so a port that is not declared is a hint, and only where others are.
func judgeNumber(p *rule.Pass, port *corev1.ServicePort, path *field.Path, found []snapshot.Selected) {
	// Who asks for a headless Service gets the addresses of the pods, and chooses the port himself.
	if svc, ok := p.Object.Typed.(*corev1.Service); ok && svc.Spec.ClusterIP == corev1.ClusterIPNone {
		return
	}
	number, want := rule.TargetOf(port).IntVal, protocol(port.Protocol)
	var have []string
	for _, s := range found {
		ports := declared(s.Template)
		if len(ports) == 0 {
			return
		}
		for _, cp := range ports {
			if cp.ContainerPort == number && protocol(cp.Protocol) == want {
				return
			}
			have = append(have, fmt.Sprintf("%d/%s", cp.ContainerPort, protocol(cp.Protocol)))
		}
	}
	at := path.Child("targetPort")
	what := fmt.Sprintf("targetPort %d", number)
	if port.TargetPort == (intstr.IntOrString{}) {
		at = path.Child("port")
		what = fmt.Sprintf("port %d, without a targetPort", number)
	}
	p.Report(rule.Finding{
		Field: at, Value: fmt.Sprint(number), Severity: rule.Low, Certainty: rule.Possible,
		Message: fmt.Sprintf("%s leads to %d/%s, which no container of %s declares: they declare %s", what, number, want, names(objects(found)), strings.Join(rule.Distinct(have), ", ")),
		Label:   "not among the ports that the containers declare",
	}).WithFix(rule.Fix{
		Title:         "set targetPort to what the container listens on, best by its name",
		Caution:       "containers may listen on ports that they do not declare; then declare this one",
		Applicability: rule.NeedsThought,
	})
}
