package network

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const gatewayGroup = "gateway.networking.k8s.io"

var gatewayKind = schema.GroupKind{Group: gatewayGroup, Kind: "Gateway"}

// RouteNotServed finds routes of the Gateway API that no Gateway takes, or that lead nowhere.
var RouteNotServed = rule.Cause{
	ID: "route-not-served", Title: "a Gateway refuses the route, or it leads nowhere", Doc: rule.ReadDoc(docs, "route_not_served.md"),
	Stage: rule.StageRoute, On: rule.Kinds(routeKind("HTTPRoute"), routeKind("GRPCRoute"), routeKind("TLSRoute"), routeKind("TCPRoute"), routeKind("UDPRoute")),
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, r := range append(backendRefs(p), parentRefs(p)...) {
			wants = append(wants, snapshot.WantGet(r.kind, r.namespace, r.name))
			if _, missing := absent(p, r.kind, r.namespace, r.name); missing {
				wants = append(wants, snapshot.WantList(r.kind, r.namespace, ""))
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
		if len(said) == 0 {
			judgeParents(p)
		}
	},
}

func routeKind(kind string) schema.GroupKind {
	return schema.GroupKind{Group: gatewayGroup, Kind: kind}
}

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

func items(m map[string]any, key string) []any {
	list, _ := m[key].([]any)
	return list
}

// backendRefs are the Services that a route leads to. What is of another kind, its controller must know.
func backendRefs(p *rule.Pass) []ref {
	spec, _ := p.Object.Content["spec"].(map[string]any)
	var list []ref
	for i, item := range items(spec, "rules") {
		r, _ := item.(map[string]any)
		for j, item := range items(r, "backendRefs") {
			b, _ := item.(map[string]any)
			name := word(b, "name", "")
			if name == "" || word(b, "group", "") != "" || word(b, "kind", "Service") != "Service" {
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
	for i, item := range items(spec, "parentRefs") {
		r, _ := item.(map[string]any)
		name := word(r, "name", "")
		if name == "" || word(r, "group", gatewayGroup) != gatewayGroup || word(r, "kind", "Gateway") != "Gateway" {
			continue
		}
		list = append(list, ref{gatewayKind, word(r, "namespace", p.Object.Namespace), name, field.NewPath("spec", "parentRefs").Index(i), true})
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
	condition
	parent string
	index  int
}

// refusals are the conditions with which Gateways refuse a route, or say that it leads nowhere. What is said
// of an earlier generation is not said of this one.
func refusals(p *rule.Pass) (list []verdict, answered bool) {
	status, _ := p.Object.Content["status"].(map[string]any)
	for i, item := range items(status, "parents") {
		parent, _ := item.(map[string]any)
		answered = true
		name, _ := parent["parentRef"].(map[string]any)
		for j, c := range conditionsIn(parent) {
			raw, _ := items(parent, "conditions")[j].(map[string]any)
			if g, ok := number(raw["observedGeneration"]); ok && g != p.Object.Meta.GetGeneration() {
				continue
			}
			if c.status == "False" && (c.kind == "Accepted" || c.kind == "ResolvedRefs" || c.kind == "Programmed") {
				list = append(list, verdict{c, word(name, "name", "its Gateway"), i})
			}
		}
	}
	return list, answered
}

func number(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

// verdicts are the refusals of a route as evidence.
func verdicts(p *rule.Pass) []rule.Evidence {
	var list []rule.Evidence
	refused, _ := refusals(p)
	for _, v := range refused {
		list = append(list, rule.Evidence{
			Source: rule.FromStatus, Object: p.Object.Ref, Field: fmt.Sprintf("status.parents[%d].conditions[%s]", v.index, v.kind),
			Text: fmt.Sprintf("Gateway %s says %s False, %s: %s", v.parent, v.kind, v.reason, rule.Quote(v.message)),
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

func judgeParents(p *rule.Pass) {
	refused, answered := refusals(p)
	var said []string
	for _, v := range refused {
		key := v.reason + v.message
		if v.reason == "Pending" || slices.Contains(said, key) {
			continue
		}
		said = append(said, key)
		f := rule.Finding{
			NoField: "the Gateway's reason is of its own controller, and names no field", Certainty: rule.Certain,
			Message:  fmt.Sprintf("Gateway %s refuses it: %s: %s", v.parent, v.reason, rule.Quote(v.message)),
			Evidence: verdicts(p),
			RuledOut: []string{"a controller that does not run: it has answered"},
			Fix:      &rule.Fix{Title: "mend what the Gateway complains about", Applicability: rule.NeedsThought},
		}
		if v.kind == "ResolvedRefs" {
			f.Message = fmt.Sprintf("Gateway %s cannot resolve where it leads: %s: %s", v.parent, v.reason, rule.Quote(v.message))
		}
		if lies, ok := whereItLies[v.reason]; ok {
			f.NoField, f.Field, f.Label, f.Fix.Title = "", lies.path, lies.means, lies.fix
		}
		p.Report(f)
	}
	parents := parentRefs(p)
	if answered || len(parents) == 0 || p.Age(p.Object.Meta.GetCreationTimestamp().Time) < listsAgree {
		return
	}
	var names []string
	for _, r := range parents {
		if o, _ := p.Lookup(r.kind, r.namespace, r.name); o == nil {
			return // what serves it is not known
		}
		names = append(names, "Gateway "+r.name)
	}
	p.Report(rule.Finding{
		Field: field.NewPath("spec", "parentRefs"), Certainty: rule.Likely,
		Message:  fmt.Sprintf("no controller has answered for %s: it has said nothing of this route", strings.Join(distinct(names), ", ")),
		Label:    "the Gateway is there, and nothing serves it",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.parents", Text: fmt.Sprintf("empty, %s after it was made", rule.Human(p.Age(p.Object.Meta.GetCreationTimestamp().Time)))}},
		RuledOut: []string{"a Gateway that does not exist: it is there"},
		Fix:      &rule.Fix{Title: "see whether the controller of the Gateway's class runs, and read its log", Applicability: rule.NeedsThought},
	})
}
