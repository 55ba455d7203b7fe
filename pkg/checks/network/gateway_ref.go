package network

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// GatewayRef finds routes of the Gateway API that hang on no Gateway, or lead to no port.
var GatewayRef = rule.Check{
	ID: "gateway-ref", Title: "route to a Gateway or Service that does not fit", Doc: rule.ReadDoc(docs, "gateway_ref.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Kinds(snapshot.HTTPRouteKind, snapshot.GRPCRouteKind),
	// On a cluster the Gateway's own controller says what it makes of a route, and a cause reads that.
	Applies: func(p *rule.Pass) bool { return p.Files },
	Run: func(p *rule.Pass) {
		spec := specOf(p.Object)
		for i, item := range snapshot.ListIn(spec, "parentRefs") {
			if ref, ok := item.(map[string]any); ok {
				judgeParent(p, ref, field.NewPath("spec", "parentRefs").Index(i))
			}
		}
		for i, item := range snapshot.ListIn(spec, "rules") {
			r, ok := item.(map[string]any)
			if !ok {
				continue
			}
			for j, item := range snapshot.ListIn(r, "backendRefs") {
				if ref, ok := item.(map[string]any); ok {
					judgeBackend(p, ref, field.NewPath("spec", "rules").Index(i).Child("backendRefs").Index(j))
				}
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-407"}, "kubescape": {"dangling-gateway-backend"}},
}

func judgeParent(p *rule.Pass, ref map[string]any, path *field.Path) {
	group, kind := snapshot.GatewayKind.Group, word(ref, "kind", snapshot.GatewayKind.Kind)
	if g, ok := ref["group"].(string); ok {
		group = g
	}
	name := word(ref, "name", "")
	if group != snapshot.GatewayKind.Group || kind != snapshot.GatewayKind.Kind || name == "" {
		return // a mesh hangs routes on Services
	}
	namespace := word(ref, "namespace", p.Object.Namespace)
	gateway, _ := p.Lookup(snapshot.GatewayKind, namespace, name)
	if gateway == nil {
		r := snapshot.RefOf(snapshot.GatewayKind.WithVersion("v1"), namespace, name)
		if a := p.Absent(path.Child("name"), r); a != nil {
			p.Report(a.Finding("hangs on %s in namespace %s, which %s: nothing serves it", r, namespace, a.Where)).
				WithFix(a.Fix(p, "hang it on", "name a Gateway that exists, and its namespace where that is another one"))
		}
		return
	}
	judgeListeners(p, ref, path, gateway)
}

// judgeListeners looks whether a listener of the Gateway takes the route.
func judgeListeners(p *rule.Pass, ref map[string]any, path *field.Path, gateway *snapshot.Object) {
	section := word(ref, "sectionName", "")
	port, hasPort := snapshot.WholeIn(ref["port"])
	var names, hosts []string
	var fits, admits, meets int
	for _, item := range snapshot.ListIn(specOf(gateway), "listeners") {
		l, ok := item.(map[string]any)
		if !ok {
			continue
		}
		names = append(names, word(l, "name", ""))
		n, _ := snapshot.WholeIn(l["port"])
		if section != "" && word(l, "name", "") != section || hasPort && n != port {
			continue
		}
		fits++
		if !letsIn(p, l, gateway) {
			continue
		}
		admits++
		if host := word(l, "hostname", ""); host != "" && !meetsAny(host, snapshot.TextsIn(snapshot.ListIn(specOf(p.Object), "hostnames"))) {
			hosts = append(hosts, host)
			continue
		}
		meets++
	}
	switch {
	case len(names) == 0 || meets > 0: // a Gateway may take its listeners from elsewhere
	case fits == 0 && section != "":
		f := rule.Finding{Field: path.Child("sectionName"), Value: section, Label: "no listener has this name",
			Message: fmt.Sprintf("hangs on listener %q of %s, which has none of that name; it has %s", section, gateway, some(names))}
		p.Report(f).WithFix(rule.Fix{Title: "name a listener of the Gateway", Applicability: rule.NeedsThought})
	case fits == 0:
		p.Report(rule.Finding{Field: path.Child("port"), Value: fmt.Sprint(port), Label: "no listener has this port",
			Message: fmt.Sprintf("hangs on port %d of %s, where none of its listeners is", port, gateway)}).
			WithFix(rule.Fix{Title: "name the port of a listener of the Gateway", Applicability: rule.NeedsThought})
	case admits == 0:
		p.Report(rule.Finding{Field: path, Value: gateway.Name, Label: "lets in no route of this namespace",
			Message: fmt.Sprintf("hangs on %s in namespace %s, whose listeners let in no route of namespace %s", gateway, gateway.Namespace, p.Object.Namespace)}).
			WithFix(rule.Fix{Title: "let the listener take routes of this namespace: allowedRoutes.namespaces", Applicability: rule.NeedsThought,
				Object: gateway.Ref, Caution: "without allowedRoutes a listener takes routes of the Gateway's own namespace only; from: All lets every namespace in",
				YAML: "spec:\n  listeners:\n  - name: <LISTENER>\n    allowedRoutes:\n      namespaces:\n        from: Selector\n        selector:\n          matchLabels:\n            kubernetes.io/metadata.name: " + p.Object.Namespace + "\n"})
	default:
		p.Report(rule.Finding{Field: field.NewPath("spec", "hostnames"), Value: some(snapshot.TextsIn(snapshot.ListIn(specOf(p.Object), "hostnames"))), Label: "none of them is one of the listener's",
			Message: fmt.Sprintf("is for %s, and the listeners of %s are for %s: no request fits both", some(snapshot.TextsIn(snapshot.ListIn(specOf(p.Object), "hostnames"))), gateway, some(rule.Distinct(hosts)))}).
			WithFix(rule.Fix{Title: "name hosts that a listener of the Gateway is for", Applicability: rule.NeedsThought})
	}
}

// letsIn tells whether a listener takes routes of the kind and namespace of the object; where it cannot be told,
// it does.
func letsIn(p *rule.Pass, listener map[string]any, gateway *snapshot.Object) bool {
	allowed := snapshot.MapIn(listener, "allowedRoutes")
	if kinds := snapshot.ListIn(allowed, "kinds"); len(kinds) > 0 && !slices.ContainsFunc(kinds, func(v any) bool {
		m, _ := v.(map[string]any)
		return word(m, "kind", "") == p.Object.Kind
	}) {
		return false
	}
	namespaces := snapshot.MapIn(allowed, "namespaces")
	switch word(namespaces, "from", "Same") {
	case "Same":
		return gateway.Namespace == p.Object.Namespace
	case "Selector":
		ls, ok := rule.LabelSelectorIn(snapshot.MapIn(namespaces, "selector"))
		if !ok {
			return true
		}
		selector, err := snapshot.SelectorOf(ls)
		if err != nil {
			return true
		}
		set := labels.Set{corev1.LabelMetadataName: p.Object.Namespace}
		ns, _ := p.Lookup(snapshot.NamespaceKind, "", p.Object.Namespace)
		if ns != nil {
			for k, v := range ns.Meta.GetLabels() {
				set[k] = v
			}
		}
		if selector.Matches(set) {
			return true
		}
		return ns == nil && !onlyByName(selector) // its labels are not known
	case "None":
		return false
	}
	return true
}

// onlyByName tells whether a selector of namespaces asks for nothing but their name.
func onlyByName(selector labels.Selector) bool {
	requirements, _ := selector.Requirements()
	for _, r := range requirements {
		if r.Key() != corev1.LabelMetadataName {
			return false
		}
	}
	return true
}

// meetsAny tells whether some host of a route fits the host of a listener: either may start with a *, which here
// stands for one label or more. A route without hosts takes the listener's.
func meetsAny(listener string, hosts []string) bool {
	if len(hosts) == 0 {
		return true
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		return strings.EqualFold(listener, host) || below(listener, host) || below(host, listener)
	})
}

func below(wildcard, host string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(wildcard), "*")
	return ok && strings.HasSuffix(strings.ToLower(host), rest) && len(host) > len(rest)
}

func judgeBackend(p *rule.Pass, ref map[string]any, path *field.Path) {
	name := word(ref, "name", "")
	if word(ref, "group", "") != "" || word(ref, "kind", "Service") != "Service" || name == "" {
		return
	}
	namespace := word(ref, "namespace", p.Object.Namespace)
	port, hasPort := snapshot.WholeIn(ref["port"])
	if !hasPort {
		p.Report(rule.Finding{Field: path.Child("port"), Label: "a Service needs a port here",
			Message: fmt.Sprintf("leads to service/%s without a port: the route is refused", name)}).
			WithFix(rule.Fix{Title: "name the port of the Service", Applicability: rule.Placeholders, Patch: p.Put(path.Child("port"), "<PORT>"), YAML: "backendRefs:\n- name: " + name + "\n  port: <PORT>\n"})
	}
	o, _ := p.Lookup(snapshot.ServiceKind, namespace, name)
	if o == nil {
		r := snapshot.RefOf(snapshot.ServiceKind.WithVersion("v1"), namespace, name)
		if a := p.Absent(path.Child("name"), r); a != nil {
			p.Report(a.Finding("leads to %s in namespace %s, which %s: such requests fail with 500", r, namespace, a.Where)).
				WithFix(a.Fix(p, "lead to", "name a Service that exists, and its namespace where that is another one"))
		}
		return
	}
	if svc, ok := o.Typed.(*corev1.Service); ok && hasPort && len(svc.Spec.Ports) > 0 {
		judgePortOfService(p, svc, o, port, path.Child("port"))
	}
	if namespace != p.Object.Namespace && !granted(p, namespace, name) {
		p.Report(rule.Finding{Field: path.Child("namespace"), Value: namespace, Certainty: certaintyHere(p), Label: "no ReferenceGrant there lets it",
			Message: fmt.Sprintf("leads to %s in namespace %s, where no ReferenceGrant lets routes of namespace %s: such requests fail with 500", o, namespace, p.Object.Namespace)}).
			WithFix(rule.Fix{Title: "create a ReferenceGrant in the namespace of the Service", Applicability: rule.NeedsThought, Caution: "whoever owns that namespace decides who may lead traffic to it",
				YAML: fmt.Sprintf("apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  from: [{group: %s, kind: %s, namespace: %s}]\n  to: [{group: \"\", kind: Service, name: %s}]\n",
					"from-"+p.Object.Namespace, namespace, snapshot.GatewayKind.Group, p.Object.Kind, p.Object.Namespace, name)})
	}
}

func judgePortOfService(p *rule.Pass, svc *corev1.Service, o *snapshot.Object, port int64, path *field.Path) {
	var have []string
	for _, sp := range svc.Spec.Ports {
		if int64(sp.Port) == port {
			return
		}
		have = append(have, fmt.Sprint(sp.Port))
	}
	have = rule.Distinct(have)
	fix := rule.Fix{Title: "name a port of the Service", Caution: "the port of the Service, not that of the container behind it", Applicability: rule.NeedsThought}
	if len(have) == 1 {
		fix.Title = "lead to port " + have[0] + ", the only one that it has"
		fix.Patch = p.Put(path, int64(svc.Spec.Ports[0].Port))
	}
	p.Report(rule.Finding{Field: path, Value: fmt.Sprint(port), Label: "no port of " + o.String(),
		Message: fmt.Sprintf("leads to port %d of %s, which has none such; it has %s", port, o, some(have))}).WithFix(fix)
}

// granted tells whether a ReferenceGrant lets routes of the object's kind and namespace lead to a Service.
func granted(p *rule.Pass, namespace, name string) bool {
	for _, o := range p.List(snapshot.ReferenceGrantKind, namespace) {
		spec := specOf(o)
		from := slices.ContainsFunc(snapshot.ListIn(spec, "from"), func(v any) bool {
			m, _ := v.(map[string]any)
			return word(m, "group", "") == snapshot.GatewayKind.Group && word(m, "kind", "") == p.Object.Kind && word(m, "namespace", "") == p.Object.Namespace
		})
		to := slices.ContainsFunc(snapshot.ListIn(spec, "to"), func(v any) bool {
			m, _ := v.(map[string]any)
			return word(m, "group", "") == "" && word(m, "kind", "") == "Service" && word(m, "name", name) == name
		})
		if from && to {
			return true
		}
	}
	return false
}
