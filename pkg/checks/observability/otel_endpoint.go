package observability

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OTelEndpoint finds programs that send their traces to a Service that is not there.
var OTelEndpoint = rule.Check{
	ID: "otel-endpoint-missing", Title: "sends its traces or metrics to nobody", Doc: rule.ReadDoc(docs, "otel_endpoint.md"),
	Dimension: rule.Observability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return len(endpoints(p)) > 0 },
	Run: func(p *rule.Pass) {
		for _, e := range endpoints(p) {
			judgeEndpoint(p, e)
		}
	},
}

// endpointVariables are where libraries for telemetry are told whom to send it to.
// Source: the specification of OpenTelemetry's SDKs, and the documentation of Jaeger, Zipkin and Datadog.
var endpointVariables = map[string]bool{
	"OTEL_EXPORTER_OTLP_ENDPOINT": true, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": true, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": true, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": true,
	"OTEL_EXPORTER_JAEGER_ENDPOINT": true, "OTEL_EXPORTER_ZIPKIN_ENDPOINT": true, "JAEGER_AGENT_HOST": true, "JAEGER_ENDPOINT": true, "DD_AGENT_HOST": true,
}

// endpoint is a Service of this cluster that a variable names.
type endpoint struct {
	variable, value, host, container string
	path                             *field.Path
	service                          snapshot.Ref
	port                             int // 0: none is named
}

func endpoints(p *rule.Pass) []endpoint {
	var list []endpoint
	for _, t := range p.Object.Templates {
		for _, c := range t.Containers() {
			for i := range c.Env {
				e := &c.Env[i]
				if !endpointVariables[e.Name] || e.Value == "" || strings.Contains(e.Value, "$(") {
					continue
				}
				host, number := hostPort(e.Value)
				ref, ok := serviceOf(p, host)
				if ok && !aliased(t, host) {
					list = append(list, endpoint{e.Name, e.Value, host, c.Name, c.Path.Child("env").Index(i).Child("value"), ref, number})
				}
			}
		}
	}
	return list
}

// hostPort takes the host and the port out of a URL, or of what stands without a scheme.
func hostPort(value string) (host string, number int) {
	if _, rest, ok := strings.Cut(value, "://"); ok {
		value = rest
	}
	value, _, _ = strings.Cut(value, "/")
	if i := strings.LastIndexByte(value, '@'); i >= 0 {
		value = value[i+1:]
	}
	host, digits, ok := strings.Cut(value, ":")
	if ok {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return "", 0
		}
		number = n
	}
	return strings.TrimSuffix(host, "."), number
}

// serviceOf is the Service that a name means inside the cluster; ok is false for names of the outside, addresses, and what could
// be either. "a.b" is a Service of another namespace only where there is such a namespace.
func serviceOf(p *rule.Pass, host string) (snapshot.Ref, bool) {
	ref := func(namespace, name string) (snapshot.Ref, bool) {
		return snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: namespace, Name: name}, name != "" && namespace != ""
	}
	if host == "" || host == "localhost" || strings.Trim(host, "0123456789.") == "" || len(validation.IsDNS1123Subdomain(host)) > 0 { // a template fills it in
		return snapshot.Ref{}, false
	}
	labels := strings.Split(strings.TrimSuffix(host, ".cluster.local"), ".")
	switch {
	case len(labels) == 1:
		return ref(p.Object.Namespace, labels[0])
	case len(labels) == 3 && labels[2] == "svc":
		return ref(labels[1], labels[0])
	case len(labels) == 4 && labels[3] == "svc": // a pod of a headless Service
		return ref(labels[2], labels[1])
	case len(labels) == 2 && (labels[1] == p.Object.Namespace || len(p.List(snapshot.ServiceKind, labels[1])) > 0):
		return ref(labels[1], labels[0])
	}
	return snapshot.Ref{}, false
}

func aliased(t snapshot.Template, host string) bool {
	for _, a := range t.Spec.HostAliases {
		for _, name := range a.Hostnames {
			if name == host {
				return true
			}
		}
	}
	return false
}

func judgeEndpoint(p *rule.Pass, e endpoint) {
	o, _ := p.Lookup(snapshot.ServiceKind, e.service.Namespace, e.service.Name)
	if o == nil {
		a := p.Absent(e.path, e.service)
		if a == nil {
			return
		}
		f := a.Finding("%s names %s in namespace %s, which %s: what the program tells of itself is dropped", e.variable, e.service, e.service.Namespace, a.Where)
		f.Value, f.Seen = e.value, p.Object.In(e.container)
		fix := rule.Fix{Title: "name the collector's Service", Applicability: rule.NeedsThought}
		if a.Nearest != "" {
			fix.Title, fix.Caution = fmt.Sprintf("send it to %q, the nearest that there is", a.Nearest), "the name is alike; that it is the right one, only you know"
			fix.Patch = p.Put(e.path, strings.Replace(e.value, e.service.Name, a.Nearest, 1))
			fix.Command = p.Live(fix.Patch)
		}
		p.Report(f).WithFix(fix)
		return
	}
	svc, ok := o.Typed.(*corev1.Service)
	if !ok || e.port == 0 || svc.Spec.Type == corev1.ServiceTypeExternalName || svc.Spec.ClusterIP == corev1.ClusterIPNone {
		return // of a headless Service the pods are called, on whatever port they have
	}
	var have []string
	for _, sp := range svc.Spec.Ports {
		if int(sp.Port) == e.port {
			return
		}
		have = append(have, strconv.Itoa(int(sp.Port)))
	}
	p.Report(rule.Finding{
		Field: e.path, Value: e.value, Seen: p.Object.In(e.container), Label: "not a port of " + o.String(),
		Message: fmt.Sprintf("%s names port %d of %s, which has %s: what the program tells of itself is dropped", e.variable, e.port, o, strings.Join(have, ", ")),
	}).WithFix(rule.Fix{Title: "name a port of the Service that speaks the same protocol", Applicability: rule.NeedsThought, Caution: "4317 is by custom OTLP over gRPC, and 4318 over HTTP: they do not understand each other"})
}
