package network

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const gatewayGroup = "gateway.networking.k8s.io"

// RouteNotServed finds routes of the Gateway API that no Gateway takes, or that lead nowhere.
var RouteNotServed = rule.Cause{
	ID: "route-not-served", Title: "a Gateway refuses the route, or it leads nowhere", Doc: rule.ReadDoc(docs, "route_not_served.md"),
	Stage: rule.StageRoute, On: rule.Kinds(routeKinds...),
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, r := range append(backendRefs(p), parentRefs(p)...) {
			wants = append(wants, snapshot.WantGet(r.kind, r.namespace, r.name))
			if _, missing := absent(p, r.kind, r.namespace, r.name); missing {
				wants = append(wants, snapshot.WantList(r.kind, r.namespace, ""))
			}
			if !r.parent && r.namespace != p.Object.Namespace {
				wants = append(wants, snapshot.WantList(snapshot.ReferenceGrantKind, r.namespace, ""))
			}
			if o, _ := p.Lookup(r.kind, r.namespace, r.name); o != nil && r.parent {
				wants = append(wants, snapshot.WantGet(snapshot.GatewayClassKind, "", classOf(o)))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if deleted(p) {
			return
		}
		said := map[string]bool{}
		for _, r := range append(backendRefs(p), parentRefs(p)...) {
			if certainty, missing := absent(p, r.kind, r.namespace, r.name); missing && !said[r.ref().String()] {
				said[r.ref().String()] = true
				reportNoRef(p, r, certainty)
			}
		}
		for _, r := range backendRefs(p) {
			if !said[r.ref().String()] && judgeBackendRef(p, r) {
				said[r.ref().String()] = true
			}
		}
		for _, r := range parentRefs(p) {
			if !said[r.ref().String()] && judgeSection(p, r) {
				said[r.ref().String()] = true
			}
		}
		if len(said) == 0 && !judgeParents(p) {
			judgeGateways(p)
		}
	},
}

// routeKinds are the routes of the Gateway API.
var routeKinds = []schema.GroupKind{snapshot.HTTPRouteKind, snapshot.GRPCRouteKind, snapshot.TLSRouteKind, snapshot.TCPRouteKind, snapshot.UDPRouteKind}

// ref is an object that a route names, and where.
type ref struct {
	kind            schema.GroupKind
	namespace, name string
	path            *field.Path
	parent          bool
}

func (r ref) ref() snapshot.Ref {
	return snapshot.RefOf(r.kind.WithVersion("v1"), r.namespace, r.name)
}

// word is a field of a route with the API's default filled in. Only what is absent has one: an empty group
// is that of Services.
func word(m map[string]any, key, otherwise string) string {
	if s, ok := m[key].(string); ok {
		return s
	}
	return otherwise
}

// backendRefs are the Services that a route leads to. What is of another kind, its controller must know.
func backendRefs(p *rule.Pass) []ref {
	spec, _ := p.Object.Content["spec"].(map[string]any)
	var list []ref
	for i, item := range snapshot.ListIn(spec, "rules") {
		r, _ := item.(map[string]any)
		for j, item := range snapshot.ListIn(r, "backendRefs") {
			b, _ := item.(map[string]any)
			name := snapshot.TextIn(b, "name")
			if name == "" || snapshot.TextIn(b, "group") != "" || word(b, "kind", "Service") != "Service" {
				continue
			}
			list = append(list, ref{snapshot.ServiceKind, word(b, "namespace", p.Object.Namespace), name, field.NewPath("spec", "rules").Index(i).Child("backendRefs").Index(j), false})
		}
	}
	return list
}

// parentRefs are the Gateways that a route asks to be served by.
func parentRefs(p *rule.Pass) []ref {
	spec, _ := p.Object.Content["spec"].(map[string]any)
	var list []ref
	for i, item := range snapshot.ListIn(spec, "parentRefs") {
		r, _ := item.(map[string]any)
		name := snapshot.TextIn(r, "name")
		if name == "" || word(r, "group", gatewayGroup) != gatewayGroup || word(r, "kind", "Gateway") != "Gateway" {
			continue
		}
		list = append(list, ref{snapshot.GatewayKind, word(r, "namespace", p.Object.Namespace), name, field.NewPath("spec", "parentRefs").Index(i), true})
	}
	return list
}

func reportNoRef(p *rule.Pass, r ref, certainty rule.Certainty) {
	setting := rule.Setting{Object: p.Object.Ref, Path: r.path.Child("name")}
	where := r.ref().String()
	if r.namespace != p.Object.Namespace {
		where += " in namespace " + r.namespace
	}
	f := rule.Finding{
		Field: setting.Path, Value: r.name, Certainty: certainty,
		Message:  fmt.Sprintf("leads to %s, which does not exist: requests get an error of the Gateway, usually 500", where),
		Label:    fmt.Sprintf("there is no %s of this name in namespace %s", r.kind.Kind, r.namespace),
		Evidence: []rule.Evidence{notFound(r.kind, r.namespace, r.name, certainty)},
		Fix:      &rule.Fix{Title: fmt.Sprintf("name the %s that is meant, or create it", r.kind.Kind), Applicability: rule.NeedsThought},
	}
	if r.parent {
		f.Message = fmt.Sprintf("asks %s to serve it, which does not exist: nothing does", where)
	}
	names := p.Names(r.kind, r.namespace)
	near := knowledge.Slip(r.name, names)
	if near == "" && r.parent && len(names) == 1 {
		near = names[0]
	}
	if near != "" {
		f.Label = "there is " + near
		f.Fix.Title = fmt.Sprintf("name %s", near)
		f.Fix.Caution = "that this is the one that is meant, only you know"
		f.Fix.Patch = setting.ReplaceValue(r.name, near)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	f.Evidence = append(f.Evidence, verdicts(p)...)
	p.Report(f)
}

// verdict is what one Gateway says of a route.
type verdict struct {
	metav1.Condition
	parent string
	index  int
}

// refusals are the conditions with which Gateways refuse a route, or say that it leads nowhere. What is said
// of an earlier generation is not said of this one.
func refusals(p *rule.Pass) (list []verdict, answered bool) {
	status, _ := p.Object.Content["status"].(map[string]any)
	for i, item := range snapshot.ListIn(status, "parents") {
		parent, _ := item.(map[string]any)
		answered = true
		name, _ := parent["parentRef"].(map[string]any)
		for _, c := range fresh(p.Object, parent) {
			if rule.GatewayRefuses(c) {
				list = append(list, verdict{c, word(name, "name", "its Gateway"), i})
			}
		}
	}
	return list, answered
}

// verdicts are the refusals of a route as evidence.
func verdicts(p *rule.Pass) []rule.Evidence {
	var list []rule.Evidence
	refused, _ := refusals(p)
	for _, v := range refused {
		list = append(list, rule.Evidence{
			Source: rule.FromStatus, Object: p.Object.Ref, Field: fmt.Sprintf("status.parents[%d].conditions[%s]", v.index, v.Type),
			Text: fmt.Sprintf("Gateway %s says %s False, %s: %s", v.parent, v.Type, v.Reason, rule.Quote(v.Message)),
		})
	}
	return list
}

// whereItLies are the fields that the reasons of the Gateway API speak of, and what to do.
// Source: sigs.k8s.io/gateway-api apis/v1, RouteConditionReason.
var whereItLies = map[string]struct {
	path  *field.Path
	means string
	fix   string
}{
	"NotAllowedByListeners":      {field.NewPath("spec", "parentRefs"), "the listeners do not let routes of this namespace or kind in", "have a listener of the Gateway allow routes of this namespace (allowedRoutes), or put the route where one does"},
	"NoMatchingListenerHostname": {field.NewPath("spec", "hostnames"), "no listener is for one of these names", "ask for a name that a listener of the Gateway is for, or give the Gateway such a listener"},
	"NoMatchingParent":           {field.NewPath("spec", "parentRefs"), "the Gateway has no listener of this section or port", "name a listener that the Gateway has (sectionName, port)"},
	"UnsupportedValue":           {field.NewPath("spec"), "a value that this Gateway does not know", "use what the Gateway's controller supports"},
	"BackendNotFound":            {field.NewPath("spec", "rules"), "a backend is not there", "name a backend that exists"},
	"RefNotPermitted":            {field.NewPath("spec", "rules"), "a backend of another namespace, which has not granted that", "create a ReferenceGrant in the namespace of the backend, or lead to one of this namespace"},
	"InvalidKind":                {field.NewPath("spec", "rules"), "a backend of a kind that this Gateway does not know", "lead to a Service"},
	"UnsupportedProtocol":        {field.NewPath("spec", "rules"), "a backend with a protocol that this Gateway does not know", "set an appProtocol that it supports at the Service's port"},
}

// judgeParents tells what Gateways say against the route, or that none has said anything; false where there is
// nothing to tell.
func judgeParents(p *rule.Pass) bool {
	refused, answered := refusals(p)
	var said []string
	for _, v := range refused {
		key := v.Reason + v.Message
		if v.Reason == "Pending" || slices.Contains(said, key) {
			continue
		}
		said = append(said, key)
		f := rule.Finding{
			NoField: "the Gateway's reason is of its own controller, and names no field", Certainty: rule.Certain,
			Message:  fmt.Sprintf("Gateway %s refuses it: %s: %s", v.parent, v.Reason, rule.Quote(v.Message)),
			Evidence: verdicts(p),
			RuledOut: []string{"a controller that does not run: it has answered"},
			Fix:      &rule.Fix{Title: "mend what the Gateway complains about", Applicability: rule.NeedsThought},
		}
		if v.Type == "ResolvedRefs" {
			f.Message = fmt.Sprintf("Gateway %s cannot resolve where it leads: %s: %s", v.parent, v.Reason, rule.Quote(v.Message))
		}
		if lies, ok := whereItLies[v.Reason]; ok {
			f.NoField, f.Field, f.Label, f.Fix.Title = "", lies.path, lies.means, lies.fix
		}
		p.Report(f)
	}
	parents := parentRefs(p)
	if answered || len(parents) == 0 || p.Age(p.Object.Meta.GetCreationTimestamp().Time) < listsAgree {
		return len(said) > 0
	}
	var names []string
	for _, r := range parents {
		o, _ := p.Lookup(r.kind, r.namespace, r.name)
		if o == nil || len(gatewayTroubles(p, o)) > 0 {
			return false // what serves it is not known, or is not served itself
		}
		names = append(names, "Gateway "+r.name)
	}
	p.Report(rule.Finding{
		Field: field.NewPath("spec", "parentRefs"), Certainty: rule.Likely,
		Message:  fmt.Sprintf("no controller has answered for %s: it has said nothing of this route", strings.Join(rule.Distinct(names), ", ")),
		Label:    "the Gateway is there, and nothing serves it",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.parents", Text: fmt.Sprintf("empty, %s after it was made", rule.Human(p.Age(p.Object.Meta.GetCreationTimestamp().Time)))}},
		RuledOut: []string{"a Gateway that does not exist: it is there"},
		Fix:      &rule.Fix{Title: "see whether the controller of the Gateway's class runs, and read its log", Applicability: rule.NeedsThought},
	})
	return true
}

// judgeBackendRef looks whether a Service that is there has the port, and may be led to from here; true where something
// was said.
func judgeBackendRef(p *rule.Pass, r ref) bool {
	raw, _ := rule.ValueAt(p.Object, r.path)
	b, _ := raw.(map[string]any)
	if r.namespace != p.Object.Namespace {
		if yes, known := granted(p, r); known && !yes {
			reportNotGranted(p, r)
			return true
		}
	}
	o, _ := p.Lookup(snapshot.ServiceKind, r.namespace, r.name)
	want, ok := snapshot.WholeIn(b, "port")
	if o == nil || !ok {
		return false
	}
	svc, typed := o.Typed.(*corev1.Service)
	port := networkingv1.ServiceBackendPort{Number: int32(want)}
	if !typed || !lacksPort(svc, port) {
		return false
	}
	var have []string
	for _, sp := range svc.Spec.Ports {
		have = append(have, fmt.Sprint(sp.Port))
	}
	setting := rule.Setting{Object: p.Object.Ref, Path: r.path.Child("port")}
	f := rule.Finding{
		Field: setting.Path, Value: fmt.Sprint(want), Certainty: rule.Certain,
		Message:  fmt.Sprintf("leads to port %d of %s, which has no such port: it has %s", want, o.String(), some(have)),
		Label:    "the Service has " + some(have),
		Evidence: append([]rule.Evidence{{Source: rule.FromSpec, Object: o.Ref, Field: "spec.ports", Text: fmt.Sprintf("ports of %s: %s", o.String(), some(have))}}, verdicts(p)...),
		RuledOut: []string{fmt.Sprintf("a missing Service: %s is there", o.String())},
		Fix:      &rule.Fix{Title: "lead to a port that the Service has", Applicability: rule.NeedsThought},
	}
	if meant := meantPort(svc, port, nil); meant != nil {
		f.Fix.Title, f.Fix.Caution = fmt.Sprintf("lead to port %d", meant.Port), "that this port is the one that is meant, only you know"
		if meant.TargetPort.IntVal == int32(want) {
			f.Message = fmt.Sprintf("leads to port %d of %s, and that is the port of its pods: the Service's own is %d", want, o.String(), meant.Port)
			f.Label = fmt.Sprintf("the Service's port is %d, and leads to %d", meant.Port, want)
		}
		f.Fix.Patch = setting.ReplaceValue(want, meant.Port)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
	return true
}

func reportNotGranted(p *rule.Pass, r ref) {
	f := rule.Finding{
		Field: r.path.Child("namespace"), Value: r.namespace, Certainty: rule.Likely,
		Message: fmt.Sprintf("leads to %s in namespace %s, which has granted no %s of namespace %s that: the Gateway does not send it there", r.ref().String(), r.namespace, p.Object.Kind, p.Object.Namespace),
		Label:   "no ReferenceGrant in this namespace is for that",
		Evidence: append([]rule.Evidence{{
			Source: rule.FromStatus, Object: snapshot.Ref{APIVersion: gatewayGroup + "/v1beta1", Kind: "ReferenceGrant", Namespace: r.namespace, Name: "*"},
			Text: fmt.Sprintf("%s in namespace %s, none from %s of namespace %s to %s", rule.Count(len(p.List(snapshot.ReferenceGrantKind, r.namespace)), "ReferenceGrant"), r.namespace, p.Object.Kind, p.Object.Namespace, r.ref().String()),
		}}, verdicts(p)...),
		Fix: &rule.Fix{
			Title: "create a ReferenceGrant in the namespace of the Service, or lead to a Service of this one", Applicability: rule.NeedsThought,
			Caution: fmt.Sprintf("whoever may write such routes in namespace %s can then reach the Service: let the owner of namespace %s decide", p.Object.Namespace, r.namespace),
			YAML:    grantYAML(p, r),
		},
	}
	if refused, _ := refusals(p); slices.ContainsFunc(refused, func(v verdict) bool { return v.Reason == "RefNotPermitted" }) {
		f.Certainty = rule.Certain
	}
	p.Report(f)
}

// judgeSection looks whether a Gateway that is there has the listener that the route names; true where it has not.
func judgeSection(p *rule.Pass, r ref) bool {
	o, _ := p.Lookup(r.kind, r.namespace, r.name)
	raw, _ := rule.ValueAt(p.Object, r.path)
	m, _ := raw.(map[string]any)
	section := snapshot.TextIn(m, "sectionName")
	if o == nil || section == "" {
		return false
	}
	var have []string
	for _, l := range listenersOf(o) {
		if l.name == section {
			return false
		}
		have = append(have, l.name)
	}
	setting := rule.Setting{Object: p.Object.Ref, Path: r.path.Child("sectionName")}
	f := rule.Finding{
		Field: setting.Path, Value: section, Certainty: rule.Certain,
		Message:  fmt.Sprintf("asks for listener %s of gateway %s, which has no such listener: it has %s", section, r.name, some(have)),
		Label:    "the Gateway has " + some(have),
		Evidence: append([]rule.Evidence{{Source: rule.FromSpec, Object: o.Ref, Field: "spec.listeners", Text: fmt.Sprintf("listeners of gateway %s: %s", r.name, some(have))}}, verdicts(p)...),
		RuledOut: []string{fmt.Sprintf("a Gateway that does not exist: %s is there", r.name)},
		Fix:      &rule.Fix{Title: "name a listener that the Gateway has, or none to be taken by all", Applicability: rule.NeedsThought},
	}
	near := knowledge.Slip(section, have)
	if near == "" && len(have) == 1 {
		near = have[0]
	}
	if near != "" {
		f.Fix.Title, f.Fix.Caution = "name listener "+near, "that this is the one that is meant, only you know"
		f.Fix.Patch = setting.ReplaceValue(section, near)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
	return true
}

// judgeGateways tells of Gateways that are there and not served themselves: then none of their routes is.
func judgeGateways(p *rule.Pass) {
	for _, r := range parentRefs(p) {
		o, _ := p.Lookup(r.kind, r.namespace, r.name)
		if o == nil {
			continue
		}
		troubles := gatewayTroubles(p, o)
		if len(troubles) == 0 {
			continue
		}
		because, detail := o.Ref, troubles[0].Message
		if strings.HasPrefix(detail, "is ") {
			detail = "it " + detail
		}
		f := rule.Finding{
			Because: &because, Field: r.path.Child("name"), Value: r.name, Certainty: troubles[0].Certainty,
			Message:  fmt.Sprintf("names gateway %s, which does not serve it: %s", r.name, detail),
			Label:    "this Gateway is not served",
			Evidence: troubles[0].Evidence,
			RuledOut: []string{"a route that is refused: no Gateway says anything against it"},
			Fix:      &rule.Fix{Title: "mend the Gateway: the route needs nothing then", Applicability: rule.NeedsThought, Lines: []string{p.Explain(o.Ref)}},
		}
		if section, ok := rule.ValueAt(p.Object, r.path.Child("sectionName")); ok && troubles[0].Field != nil && strings.HasPrefix(troubles[0].Field.String(), "spec.listeners") && !strings.Contains(troubles[0].Message, fmt.Sprintf("listener %v ", section)) {
			continue // another listener than the one that it asks for
		}
		p.Report(f)
	}
}
