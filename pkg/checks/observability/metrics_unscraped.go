package observability

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// MetricsUnscraped finds workloads whose metrics nobody reads.
var MetricsUnscraped = rule.Check{
	ID: "metrics-unscraped", Title: "no metrics of it are read", Doc: rule.ReadDoc(docs, "metrics_unscraped.md"),
	Dimension: rule.Observability, Severity: rule.Low, Off: true, On: rule.Workloads,
	Needs: slices.Concat([]schema.GroupKind{snapshot.ServiceKind, snapshot.PodKind, snapshot.InstrumentationKind}, rule.MonitorKinds, scrapers),
	// Monitors are hardly ever all beside the manifests of an application.
	Applies: func(p *rule.Pass) bool { return (!p.Files || p.Closed) && rule.LongRunning(p.Object) },
	Run: func(p *rule.Pass) {
		var said, mend, maybe string
		for _, t := range p.Object.Templates {
			got := readingOf(p, t)
			if got.read {
				return
			}
			if maybe == "" {
				maybe = got.maybe
			}
			if said == "" {
				said, mend = got.but, got.mend
			}
		}
		if maybe != "" {
			p.Unknown("%s", maybe)
			return
		}
		for _, gk := range rule.MonitorKinds {
			if !p.ListRead(gk, "") {
				p.Unknown("%s of other namespaces: %s", gk.Kind, p.ListOutcome(gk, "").Reason)
				return
			}
		}
		reportUnread(p, said, mend)
	},
}

// scrapers are the kinds of programs that read metrics, by what they select.
var scrapers = []schema.GroupKind{
	snapshot.PrometheusKind, snapshot.PrometheusAgentKind, snapshot.ScrapeConfigKind, snapshot.VMAgentKind, snapshot.VMSingleKind, snapshot.OTelCollectorKind, snapshot.TargetAllocatorKind,
}

func reportUnread(p *rule.Pass, said, mend string) {
	t := p.Object.Templates[0]
	at := field.NewPath("metadata", "labels")
	if t.Path != nil {
		at = t.Path.Child("metadata", "labels")
	}
	f := rule.Finding{Field: at, Certainty: rule.Likely, Label: "nobody reads metrics of these", Message: "no monitor and no annotation leads to a port of its pods: how they are doing is seen from outside only"}
	if said != "" {
		f.Message = said + ": no metrics of its pods are read"
		p.Report(f).WithFix(rule.Fix{Title: mend, Applicability: rule.NeedsThought, Caution: "the program must have metrics to offer there"})
		return
	}
	fix := rule.Fix{
		Title: "have its metrics read", Applicability: rule.Placeholders,
		Caution: "the program must have metrics to offer; and Prometheus takes only monitors that it selects, often by a label",
	}
	name := "<PORT>"
	if port, ok := metricsPort(ports(t)); ok {
		name = port.name
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata:\n  name: %s\n", p.Object.Name)
	if p.Object.Namespace != "" {
		fmt.Fprintf(&b, "  namespace: %s\n", p.Object.Namespace)
	}
	fmt.Fprintf(&b, "spec:\n  selector:\n    matchLabels: <LABELS>\n  podMetricsEndpoints:\n  - port: %s\n", name)
	fix.YAML = b.String()
	p.Report(f).WithFix(fix)
}

// reading is whether the metrics of pods are read.
type reading struct {
	read  bool
	noted bool   // annotations of Prometheus lead to them
	maybe string // why nobody can say
	but   string // what is there, and why it does not lead to them
	mend  string // what to do about that
}

// except remembers the first thing that is there and does not lead to the pods.
func (r *reading) except(but, mend string) {
	if r.but == "" {
		r.but, r.mend = but, mend
	}
}

// readingOf follows everything by which metrics are read to the ports of a template's pods.
func readingOf(p *rule.Pass, t snapshot.Template) reading {
	pods, services := podsOf(p, t)
	var r reading
	r.annotations(pods.Annotations, &pods)
	for _, svc := range services {
		r.service(svc, &pods)
	}
	if r.read || r.noted && annotationsRead(p) {
		return reading{read: true}
	}
	r.monitors(p, &pods, services)
	if r.read {
		return r
	}
	set, unread := variables(p, t)
	by := instrumentation(p, t)
	switch {
	case pushesMetrics(set), by != nil && !silenced(by), viz(p, &pods), measuredByAgent(p, t):
		r.read = true
	case r.maybe != "":
	case r.noted:
		r.maybe = "annotations ask for its metrics, and what runs here by Prometheus objects does not read them: whether something else does is not seen"
	case unread != "":
		r.maybe = unread + " may hold variables that have it send its metrics: its keys are not known"
	}
	return r
}

type annotationsReadKey struct{}

// annotationsRead tells whether anybody may read the annotations of Prometheus. One that the operator sets up does not, unless it
// is given a configuration besides; of all others nobody can say what they are told.
func annotationsRead(p *rule.Pass) bool {
	return snapshot.Derived(p.Snapshot, annotationsReadKey{}, func() bool {
		byOperator := p.List(snapshot.PrometheusKind, "")
		if len(byOperator) == 0 || len(p.List(snapshot.ScrapeConfigKind, "")) > 0 {
			return true
		}
		for _, o := range slices.Concat(byOperator, p.List(snapshot.PrometheusAgentKind, "")) {
			spec, _ := o.Content["spec"].(map[string]any)
			// Without any selector the operator leaves the configuration to whoever writes its Secret.
			own := spec["serviceMonitorSelector"] == nil && spec["podMonitorSelector"] == nil && spec["probeSelector"] == nil && spec["scrapeConfigSelector"] == nil
			if own || spec["additionalScrapeConfigs"] != nil {
				return true
			}
		}
		return slices.ContainsFunc(programs(p), func(g *program) bool {
			if g.name == "prometheus" {
				gk := p.TopOwner(g.of).GroupKind()
				return gk != snapshot.PrometheusKind && gk != snapshot.PrometheusAgentKind
			}
			return g.called(collector) || g.called(func(name string) bool { return annotationReaders[name] })
		})
	})
}

// annotationReaders are programs that read the annotations of Prometheus where they are told to. Source: the documentation of each.
var annotationReaders = map[string]bool{
	"vmagent": true, "victoria-metrics": true, "datadog-agent": true, "telegraf": true, "metricbeat": true, "elastic-agent": true, "cloudwatch-agent": true, "prometheus-collector": true, "ama-logs": true,
	"nri-prometheus": true, "newrelic-prometheus-configurator": true, "dynatrace-activegate": true, "activegate": true, "netdata": true, "instana-agent": true, "agent": true, "agent-slim": true,
	"coroot-cluster-agent": true, "sysdig-agent": true,
}

// podsOf are the ports and labels of a workload's pods, with what was put into them when they were made, and the Services that
// lead to them.
func podsOf(p *rule.Pass, t snapshot.Template) (rule.PodPorts, []*corev1.Service) {
	pods := rule.PodPortsOf(p.Object.Namespace, t)
	objects := p.ServicesOf(p.Object, t)
	mesh := slices.ContainsFunc(t.Containers(), func(c snapshot.Container) bool { return c.Name == istioProxy })
	if pod := podOf(p, p.Object); pod != nil && pod != p.Object && len(p.Object.Templates) == 1 {
		pods.Labels = pod.Meta.GetLabels()
		for _, o := range p.ServicesOf(pod, pod.Templates[0]) {
			if !slices.Contains(objects, o) {
				objects = append(objects, o)
			}
		}
		for _, c := range pod.Templates[0].Containers() {
			if !c.Init && !slices.ContainsFunc(t.Containers(), func(own snapshot.Container) bool { return own.Name == c.Name }) {
				pods.Add(c.Container)
				mesh = mesh || c.Name == istioProxy
			}
		}
	}
	// Istio's injector has pods with a sidecar scraped at one port, for the sidecar's metrics and those of the program.
	if a := t.Annotations; mesh && a["prometheus.istio.io/merge-metrics"] != "false" && a[scrape] != "false" {
		pods.Annotations = map[string]string{}
		for k, v := range a {
			pods.Annotations[k] = v
		}
		pods.Annotations[scrape], pods.Annotations[scrapePort] = "true", "15020"
	}
	var services []*corev1.Service
	for _, o := range objects {
		if svc, ok := o.Typed.(*corev1.Service); ok {
			services = append(services, svc)
		}
	}
	return pods, services
}

const istioProxy = "istio-proxy"

// annotations follows those of pods.
func (r *reading) annotations(a map[string]string, pods *rule.PodPorts) {
	r.scraped(a, "its annotation", pods, len(pods.List) > 0)
	if a["k8s.grafana.com/scrape"] == "true" {
		number, _ := strconv.Atoi(a["k8s.grafana.com/metrics.portNumber"])
		name := a["k8s.grafana.com/metrics.portName"]
		r.read = r.read || pods.Has(int32(number)) || number == 0 && slices.ContainsFunc(pods.List, func(have rule.PodPort) bool { return name == "" || have.Name == name })
	}
	for key := range a {
		prefix, rest, _ := strings.Cut(key, "/")
		r.read = r.read || prefix == "ad.datadoghq.com" && (strings.HasSuffix(rest, ".checks") || strings.HasSuffix(rest, ".check_names")) || prefix == "co.elastic.metrics"
	}
}

// service follows the annotations of a Service: Prometheus asks its endpoints, at their own ports or at the one that is named.
func (r *reading) service(svc *corev1.Service, pods *rule.PodPorts) {
	leads := slices.ContainsFunc(svc.Spec.Ports, func(sp corev1.ServicePort) bool {
		target := rule.TargetOf(&sp)
		return target.Type == intstr.Int && pods.Has(target.IntVal) ||
			target.Type == intstr.String && slices.ContainsFunc(pods.List, func(have rule.PodPort) bool { return have.Name == target.StrVal })
	})
	r.scraped(svc.Annotations, "the annotation of service/"+svc.Name, pods, leads)
}

// scraped follows prometheus.io/scrape; without a port each one is asked.
func (r *reading) scraped(a map[string]string, who string, pods *rule.PodPorts, each bool) {
	if a[scrape] != "true" {
		return
	}
	value := a[scrapePort]
	number, err := strconv.Atoi(value)
	switch {
	case value == "" && each, value != "" && err == nil && (pods.Has(int32(number)) || ofMesh[number]):
		r.noted = true
	case value == "":
		r.except(fmt.Sprintf("%s prometheus.io/scrape leads to no port", who), "declare the port on which it serves metrics, or name it with prometheus.io/port")
	default:
		r.except(fmt.Sprintf("%s prometheus.io/port %s leads to no port of a container", who, value), "name a port on which its pods listen")
	}
}

// monitors follows those that select the pods, or a Service in front of them.
func (r *reading) monitors(p *rule.Pass, pods *rule.PodPorts, services []*corev1.Service) {
	list := p.Monitors()
	for i := range list {
		m := &list[i]
		found, reads := false, false
		if m.Services {
			for _, svc := range services {
				found = found || m.Finds(svc.Namespace, svc.Labels)
				reads = reads || m.ReadsService(svc, pods)
			}
		} else {
			found, reads = m.Finds(pods.Namespace, pods.Labels), m.ReadsPods(pods)
		}
		if !found {
			continue
		}
		if !reads {
			r.except(fmt.Sprintf("%s selects it, and leads to no port of its pods", m.Object), "have the monitor name a port that a container has")
			continue
		}
		by, how, programs := p.PickedBy(m.Object)
		switch {
		case how != rule.NotPicked && m.Object.Namespace != pods.Namespace && !slices.ContainsFunc(by, func(o *snapshot.Object) bool { return !confined(o) }):
			r.except(fmt.Sprintf("%s leads to it from another namespace, and %s has ignoreNamespaceSelectors", m.Object, by[0]), "put the monitor into the namespace of its pods")
		case programs == 0 && !managed(m.Object) && !readerRuns(p):
			r.maybe = fmt.Sprintf("%s leads to it, and what would read that monitor is not seen", m.Object)
		case how == rule.Picked, programs == 0, m.Object.Group() == snapshot.ServiceMonitorKind.Group && readByOthers(p):
			r.read = true
			return
		case how == rule.MaybePicked:
			r.maybe = fmt.Sprintf("whether a Prometheus takes %s: the labels of namespaces were not read", m.Object)
		default:
			r.but, r.mend = fmt.Sprintf("%s leads to it, and nothing selects that monitor", m.Object), "give the monitor the labels that are asked for, or have it selected otherwise"
			if asked := p.AskedFor(m.Object); asked != "" {
				r.but += " (" + asked + ")"
			}
		}
	}
}

// confined tells whether a Prometheus has monitors find what is in their own namespace only, whatever they say.
func confined(program *snapshot.Object) bool {
	ignored, _ := program.At("spec", "ignoreNamespaceSelectors")
	return ignored == true
}

// managed tells the monitors that clouds read by programs of their own.
func managed(o *snapshot.Object) bool {
	return o.Group() == snapshot.PodMonitoringKind.Group || o.Group() == snapshot.AzurePodMonitorKind.Group
}

// readerRuns tells whether a program runs that may read monitors, as far as pods are seen; manifests seldom hold it.
func readerRuns(p *rule.Pass) bool {
	return p.Files || !p.ListRead(snapshot.PodKind, "") || readByOthers(p) || running(p, func(name string) bool {
		return strings.Contains(name, "prometheus") || collector(name) || annotationReaders[name]
	}) != nil
}

// measuredByAgent tells whether an agent in the pods, or one on their nodes that sees what they do, tells how they are doing.
func measuredByAgent(p *rule.Pass, t snapshot.Template) bool {
	list := t.Containers()
	if pod := podOf(p, p.Object); pod != nil {
		list = pod.Templates[0].Containers()
	}
	return slices.ContainsFunc(list, func(c snapshot.Container) bool { return agentIn(c.Name) && !strings.HasPrefix(c.Name, injected) }) || tracedFromNode(p)
}

// readByOthers tells whether programs run that take monitors by their own configuration.
func readByOthers(p *rule.Pass) bool {
	if len(p.List(snapshot.TargetAllocatorKind, "")) > 0 || running(p, func(name string) bool { return alloy(name) || name == "target-allocator" }) != nil {
		return true
	}
	return slices.ContainsFunc(p.List(snapshot.OTelCollectorKind, ""), func(o *snapshot.Object) bool {
		enabled, _ := o.At("spec", "targetAllocator", "prometheusCR", "enabled")
		return enabled == true
	})
}

// silenced tells whether an Instrumentation has programs keep their metrics to themselves.
func silenced(by *snapshot.Object) bool {
	spec, _ := by.Content["spec"].(map[string]any)
	list, _ := spec["env"].([]any)
	return slices.ContainsFunc(list, func(item any) bool {
		return snapshot.TextIn(item, "name") == "OTEL_METRICS_EXPORTER" && snapshot.TextIn(item, "value") == "none"
	})
}

// viz tells whether Linkerd's own Prometheus reads the sidecars of pods.
func viz(p *rule.Pass, pods *rule.PodPorts) bool {
	if !slices.ContainsFunc(pods.List, func(have rule.PodPort) bool { return have.Container == linkerdProxy }) {
		return false
	}
	return slices.ContainsFunc(programs(p), func(g *program) bool {
		if g.name != "prometheus" {
			return false
		}
		ns, _ := p.Lookup(snapshot.NamespaceKind, "", g.of.Namespace)
		return ns != nil && ns.Meta.GetLabels()["linkerd.io/extension"] == "viz"
	})
}

const linkerdProxy = "linkerd-proxy"
