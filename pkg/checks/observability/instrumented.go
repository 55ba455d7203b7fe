package observability

import (
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// inject is how the annotations start that ask the OpenTelemetry operator for the instrumentation of a language.
const inject = "instrumentation.opentelemetry.io/inject-"

// instrumentation is what a workload's pods are instrumented by, as annotations of the template or of its namespace ask for; nil
// where nothing does, where it is not there, or where the pods that run have none.
func instrumentation(p *rule.Pass, t snapshot.Template) *snapshot.Object {
	language, value := injection(t.Annotations)
	if language == "" {
		if ns, _ := p.Lookup(snapshot.NamespaceKind, "", p.Object.Namespace); ns != nil {
			language, value = injection(ns.Meta.GetAnnotations())
		}
	}
	if language == "" {
		return nil
	}
	var by *snapshot.Object
	if value == "true" {
		if list := p.List(snapshot.InstrumentationKind, p.Object.Namespace); len(list) > 0 {
			by = list[0]
		}
	} else {
		namespace, name, ok := strings.Cut(value, "/")
		if !ok {
			namespace, name = p.Object.Namespace, value
		}
		by, _ = p.Lookup(snapshot.InstrumentationKind, namespace, name)
	}
	if by == nil {
		return nil
	}
	switch language {
	case "java", "nodejs", "python", "dotnet", "go": // they come as a container
		if pod := podOf(p, p.Object); pod != nil && !instrumented(&pod.Pod().Spec) {
			return nil
		}
	}
	return by
}

func injection(annotations map[string]string) (language, value string) {
	for key, v := range annotations {
		if l, ok := strings.CutPrefix(key, inject); ok && v != "" && v != "false" && (language == "" || l < language) {
			language, value = l, v
		}
	}
	return language, value
}

// variables are the environment variables of a template's containers that run as long as the pod does, with the values that
// are known. More are there where an object that is taken whole has entries whose names nobody can read: unread names it.
func variables(p *rule.Pass, t snapshot.Template) (set map[string]string, unread string) {
	set = map[string]string{}
	for _, c := range t.Containers() {
		if c.Init {
			continue
		}
		for i := range c.EnvFrom {
			from := &c.EnvFrom[i]
			gk, name := snapshot.ConfigMapKind, ""
			switch {
			case from.ConfigMapRef != nil:
				name = from.ConfigMapRef.Name
			case from.SecretRef != nil:
				gk, name = snapshot.SecretKind, from.SecretRef.Name
			}
			if name == "" {
				continue
			}
			o, out := p.Lookup(gk, p.Object.Namespace, name)
			if o != nil && o.KeysKnown {
				for _, key := range o.Keys {
					if _, twice := set[from.Prefix+key]; !twice {
						set[from.Prefix+key] = ""
					}
				}
			} else if o != nil || out.State != snapshot.Absent {
				unread = snapshot.Ref{APIVersion: "v1", Kind: gk.Kind, Name: name}.String()
			}
		}
		for i := range c.Env {
			if e := &c.Env[i]; e.Value != "" || e.ValueFrom != nil {
				set[e.Name] = e.Value
			} else { // as if it were not there
				delete(set, e.Name)
			}
		}
	}
	return set, unread
}

// off tells whether a variable says no.
func off(set map[string]string, name string, no ...string) bool {
	v, ok := set[name]
	if !ok {
		return false
	}
	for _, n := range no {
		if strings.EqualFold(v, n) {
			return true
		}
	}
	return false
}

// pushesMetrics tells whether variables have a program send its metrics by itself. Source: the specification of OpenTelemetry's
// SDKs, and the documentation of New Relic's, Elastic's, Dynatrace's and Azure's agents.
func pushesMetrics(set map[string]string) bool {
	for _, name := range []string{"NEW_RELIC_LICENSE_KEY", "ELASTIC_APM_SERVER_URL", "ELASTIC_APM_SERVER_URLS", "DT_METRICS_INGEST_URL", "DD_DOGSTATSD_URL", "STATSD_HOST", "APPLICATIONINSIGHTS_CONNECTION_STRING"} {
		if _, ok := set[name]; ok {
			return true
		}
	}
	if off(set, "OTEL_SDK_DISABLED", "true") || off(set, "OTEL_METRICS_EXPORTER", "none") {
		return false
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"} {
		if _, ok := set[name]; ok {
			return true
		}
	}
	return false
}
