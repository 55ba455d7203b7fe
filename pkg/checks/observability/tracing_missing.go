package observability

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// TracingMissing finds what answers requests and leaves no trace of them.
var TracingMissing = rule.Check{
	ID: "tracing-missing", Title: "its requests leave no traces", Doc: rule.ReadDoc(docs, "tracing_missing.md"),
	Dimension: rule.Observability, Severity: rule.Info, Off: true, On: rule.Workloads,
	Needs: []schema.GroupKind{snapshot.ServiceKind, snapshot.PodKind, snapshot.InstrumentationKind},
	Applies: func(p *rule.Pass) bool {
		if p.Files && !p.Closed || !rule.LongRunning(p.Object) {
			return false
		}
		return (!p.ListRead(snapshot.ServiceKind, p.Object.Namespace) || server(p) != nil) && !database(p.Object)
	},
	Run: func(p *rule.Pass) {
		var unread string
		for _, t := range p.Object.Templates {
			set, more := variables(p, t)
			if traces(set) || agentInWords(t, set) || instrumentation(p, t) != nil || proxied(p, t) {
				return
			}
			if unread == "" {
				unread = more
			}
		}
		if tracedFromNode(p) {
			return
		}
		switch {
		case unread != "":
			p.Unknown("%s may hold variables that have it make traces: its keys are not known", unread)
			return
		case !p.ListRead(snapshot.PodKind, ""):
			p.Unknown("Pod of other namespaces: %s", p.ListOutcome(snapshot.PodKind, "").Reason)
			return
		}
		t := p.Object.Templates[0]
		path := t.SpecPath().Child("containers").Index(0).Child("env")
		for _, c := range t.Containers() {
			if !c.Init && !c.Beside {
				path = c.Path.Child("env")
				break
			}
		}
		p.Report(rule.Finding{
			Field: path, Certainty: rule.Likely, Label: "tells no agent or library where to send traces",
			Message: fmt.Sprintf("nothing is known to make traces of the requests that %s sends it: no variables, no agent, no proxy of a mesh", server(p)),
		}).WithFix(rule.Fix{
			Title: "instrument it, by the OpenTelemetry operator for instance", Applicability: rule.Placeholders, Caution: "the operator must be there, with an Instrumentation in the namespace; an agent costs memory and starts with the program",
			YAML: "template:\n  metadata:\n    annotations:\n      instrumentation.opentelemetry.io/inject-<LANGUAGE>: \"true\"\n",
		})
	},
}

// server is a Service that sends requests to a workload; one that leads to nothing but metrics sends none.
func server(p *rule.Pass) *snapshot.Object {
	for _, t := range p.Object.Templates {
		if o := requests(p.ServicesOf(p.Object, t)); o != nil {
			return o
		}
	}
	if pod := podOf(p, p.Object); pod != nil { // an operator may give its pods labels of their own
		return requests(p.ServicesOf(pod, pod.Templates[0]))
	}
	return nil
}

func requests(services []*snapshot.Object) *snapshot.Object {
	for _, o := range services {
		svc, ok := o.Typed.(*corev1.Service)
		if ok && (len(svc.Spec.Ports) == 0 || slices.ContainsFunc(svc.Spec.Ports, func(sp corev1.ServicePort) bool { return !metricsNames[sp.Name] })) {
			return o
		}
	}
	return nil
}

// database tells whether an object runs a database, a cache or a broker: those who call it make the traces.
func database(o *snapshot.Object) bool {
	return slices.ContainsFunc(o.Templates, func(t snapshot.Template) bool {
		return slices.ContainsFunc(t.Containers(), func(c snapshot.Container) bool {
			return !c.Init && knowledge.DatabaseOf(c.Image, c.Command, c.Args) != nil
		})
	})
}

// tracer is a family of libraries and agents, the variables that set them up and those that turn them off.
type tracer struct {
	prefixes []string
	names    []string
	off      string
	no       []string
}

// tracers are those that are known. Source: the specification of OpenTelemetry's SDKs, and the documentation of each project.
var tracers = []tracer{
	{names: []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SERVICE_NAME", "OTEL_EXPORTER_JAEGER_ENDPOINT", "OTEL_EXPORTER_ZIPKIN_ENDPOINT"}, off: "OTEL_TRACES_EXPORTER", no: []string{"none"}},
	{prefixes: []string{"JAEGER_"}, off: "JAEGER_DISABLED", no: []string{"true"}},
	{prefixes: []string{"DD_TRACE_"}, off: "DD_TRACE_ENABLED", no: []string{"false", "0"}},
	{prefixes: []string{"NEW_RELIC_"}, off: "NEW_RELIC_ENABLED", no: []string{"false"}},
	{prefixes: []string{"ELASTIC_APM_"}, off: "ELASTIC_APM_ENABLED", no: []string{"false"}},
	{prefixes: []string{"SW_AGENT_", "INSTANA_", "HONEYCOMB_"}},
	{names: []string{"DT_TENANT", "DT_TENANTTOKEN", "DT_CONNECTION_POINT", "AWS_XRAY_DAEMON_ADDRESS", "ZIPKIN_ENDPOINT", "APPLICATIONINSIGHTS_CONNECTION_STRING", "SENTRY_TRACES_SAMPLE_RATE"}},
}

// traces tells whether variables have a program make traces.
func traces(set map[string]string) bool {
	if off(set, "OTEL_SDK_DISABLED", "true") {
		return slices.ContainsFunc(tracers[1:], func(t tracer) bool { return t.setUp(set) })
	}
	return slices.ContainsFunc(tracers, func(t tracer) bool { return t.setUp(set) })
}

func (t *tracer) setUp(set map[string]string) bool {
	if t.off != "" && off(set, t.off, t.no...) {
		return false
	}
	for name := range set {
		if name != t.off && slices.Contains(t.names, name) || slices.ContainsFunc(t.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			return true
		}
	}
	return false
}

// agentWords are how agents that make traces stand in the words that start a program. Source: the documentation of each.
var agentWords = []string{
	"opentelemetry-javaagent", "opentelemetry-instrument", "auto-instrumentations-node", "dd-java-agent", "ddtrace-run", "dd-trace", "newrelic.jar", "newrelic-admin", "skywalking-agent", "elastic-apm-agent",
	"applicationinsights-agent", "aws-opentelemetry-agent",
}

// agentInWords tells whether a program is started with an agent.
func agentInWords(t snapshot.Template, set map[string]string) bool {
	has := func(words string) bool {
		return slices.ContainsFunc(agentWords, func(w string) bool { return strings.Contains(words, w) })
	}
	if has(set["JAVA_TOOL_OPTIONS"]) || has(set["JDK_JAVA_OPTIONS"]) || has(set["JAVA_OPTS"]) || has(set["NODE_OPTIONS"]) {
		return true
	}
	return slices.ContainsFunc(t.Containers(), func(c snapshot.Container) bool {
		return !c.Init && (slices.ContainsFunc(c.Command, has) || slices.ContainsFunc(c.Args, has))
	})
}

// proxies are containers that make traces of what goes through them, or that take those of the program.
// Source: the injectors of Istio, Linkerd, Kuma, Consul and Dapr; the documentation of X-Ray and Jaeger.
var proxies = map[string]bool{istioProxy: true, linkerdProxy: true, "kuma-sidecar": true, "consul-dataplane": true, "daprd": true, "xray-daemon": true, "aws-xray-daemon": true, "jaeger-agent": true}

// agentsIn are how the names of containers start that bring an agent into a pod. Source: the admission webhooks of Dynatrace,
// Datadog and New Relic, and of the OpenTelemetry operator.
var agentsIn = []string{"install-oneagent", "dynatrace-operator", "datadog-lib-", "datadog-init-apm-inject", "newrelic-instrumentation", injected}

// agentIn tells whether a container brings an agent into its pod.
func agentIn(name string) bool {
	return slices.ContainsFunc(agentsIn, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// proxied tells whether pods have a proxy or an agent in them. Where pods run, these decide; a template only says what is wanted.
func proxied(p *rule.Pass, t snapshot.Template) bool {
	in := func(list []snapshot.Container) bool {
		return slices.ContainsFunc(list, func(c snapshot.Container) bool {
			return proxies[c.Name] || agentIn(c.Name)
		})
	}
	ns, _ := p.Lookup(snapshot.NamespaceKind, "", p.Object.Namespace)
	var labels, annotations map[string]string
	if ns != nil {
		labels, annotations = ns.Meta.GetLabels(), ns.Meta.GetAnnotations()
	}
	if mode := t.Labels[dataplane]; mode == "ambient" || mode == "" && labels[dataplane] == "ambient" {
		return true
	}
	if pod := podOf(p, p.Object); pod != nil {
		return in(pod.Templates[0].Containers())
	}
	if in(t.Containers()) {
		return true
	}
	inject := firstOf(t.Labels["sidecar.istio.io/inject"], t.Annotations["sidecar.istio.io/inject"])
	if inject == "true" || inject == "" && (labels["istio-injection"] == "enabled" || labels["istio-injection"] == "" && labels["istio.io/rev"] != "") {
		return true
	}
	return firstOf(t.Annotations["linkerd.io/inject"], annotations["linkerd.io/inject"]) == "enabled"
}

const dataplane = "istio.io/dataplane-mode"

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// nodeTracers are programs that make traces of all pods of their node. Source: the images of each project.
var nodeTracers = map[string]bool{
	"beyla": true, "ebpf-instrument": true, "opentelemetry-ebpf-instrumentation": true, "obi": true, "vizier-pem_image": true, "odiglet": true, "odigos-odiglet": true, "coroot-node-agent": true,
	"deepflow-agent": true, "oneagent": true, "dynatrace-oneagent": true, "instana-agent": true,
}

// tracedFromNode tells whether a program on the nodes of a workload's pods makes traces of them.
func tracedFromNode(p *rule.Pass) bool {
	pod := podOf(p, p.Object)
	return slices.ContainsFunc(programs(p), func(g *program) bool {
		return g.daemon && g.called(func(name string) bool { return nodeTracers[name] }) && (pod == nil || g.nodes[pod.Pod().Spec.NodeName])
	})
}
