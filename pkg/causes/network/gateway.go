package network

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// GatewayNotProgrammed finds Gateways that their controller refuses, or that none looks at.
var GatewayNotProgrammed = rule.Cause{
	ID: "gateway-not-programmed", Title: "the Gateway, or a listener of it, is not served", Doc: rule.ReadDoc(docs, "gateway_not_programmed.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.GatewayKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		if name := classOf(p.Object); name != "" {
			wants = append(wants, snapshot.WantGet(snapshot.GatewayClassKind, "", name))
			if _, missing := absent(p, snapshot.GatewayClassKind, "", name); missing {
				wants = append(wants, snapshot.WantList(snapshot.GatewayClassKind, "", ""))
			}
		}
		for _, l := range listenersOf(p.Object) {
			for _, s := range l.secrets {
				wants = append(wants, snapshot.WantGet(snapshot.SecretKind, s.namespace, s.name))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if deleted(p) {
			return
		}
		troubles := gatewayTroubles(p, p.Object)
		if len(troubles) == 0 {
			troubles = unanswered(p)
		}
		for _, f := range troubles {
			p.Report(f)
		}
	},
}

// classOf is the class that a Gateway names.
func classOf(gateway *snapshot.Object) string {
	return snapshot.TextIn(specOf(gateway), "gatewayClassName")
}

// listener is a listener of a Gateway, and what its controller says of it.
type listener struct {
	name    string
	path    *field.Path
	spec    map[string]any
	secrets []ref
	status  []metav1.Condition
}

// listenersOf are the listeners of a Gateway.
func listenersOf(gateway *snapshot.Object) []listener {
	var list []listener
	for i, item := range snapshot.ListIn(specOf(gateway), "listeners") {
		m, _ := item.(map[string]any)
		l := listener{name: snapshot.TextIn(m, "name"), path: field.NewPath("spec", "listeners").Index(i), spec: m}
		for j, item := range snapshot.ListIn(m, "tls", "certificateRefs") {
			r, _ := item.(map[string]any)
			if name := snapshot.TextIn(r, "name"); name != "" && snapshot.TextIn(r, "group") == "" && word(r, "kind", "Secret") == "Secret" {
				l.secrets = append(l.secrets, ref{snapshot.SecretKind, word(r, "namespace", gateway.Namespace), name, l.path.Child("tls", "certificateRefs").Index(j), false})
			}
		}
		for _, s := range snapshot.MapsIn(gateway.Content, "status", "listeners") {
			if snapshot.TextIn(s, "name") == l.name {
				l.status = fresh(gateway, s)
			}
		}
		list = append(list, l)
	}
	return list
}

// fresh are the conditions in a part of an object's status that are about its present generation.
func fresh(o *snapshot.Object, part any) []metav1.Condition {
	return slices.DeleteFunc(rule.ConditionsIn(part, "conditions"), func(c metav1.Condition) bool {
		return c.ObservedGeneration != 0 && c.ObservedGeneration != o.Meta.GetGeneration()
	})
}

// listenerField is the field of a listener that a reason speaks of, and what to do. Source: sigs.k8s.io/gateway-api
// apis/v1, ListenerConditionReason.
var listenerField = map[string]struct {
	child []string
	means string
	fix   string
}{
	"PortUnavailable":       {[]string{"port"}, "this port cannot be had", "choose a port that the Gateway's controller can open"},
	"UnsupportedProtocol":   {[]string{"protocol"}, "a protocol that this controller does not know", "use a protocol that the Gateway's controller supports"},
	"HostnameConflict":      {[]string{"hostname"}, "another listener of the same port has this name", "give each listener of a port a name of its own"},
	"ProtocolConflict":      {[]string{"protocol"}, "another listener of the same port speaks another protocol", "give listeners of different protocols different ports"},
	"InvalidCertificateRef": {[]string{"tls", "certificateRefs"}, "a certificate that is not there, or is none", "name a Secret of type kubernetes.io/tls that exists, with a certificate and its key"},
	"InvalidRouteKinds":     {[]string{"allowedRoutes", "kinds"}, "a kind of route that does not fit the protocol, or is not known", "allow kinds of routes that fit the protocol"},
	"RefNotPermitted":       {[]string{"tls", "certificateRefs"}, "a Secret of another namespace, which has not granted that", "create a ReferenceGrant in the namespace of the Secret, or keep the Secret beside the Gateway"},
}

// gatewayTroubles are the findings on a Gateway: what it names and is not there, and what its controller says of its
// listeners and of itself.
func gatewayTroubles(p *rule.Pass, o *snapshot.Object) []rule.Finding {
	of := of(p, o)
	var list []rule.Finding
	if f := classTrouble(of); f != nil {
		return append(list, *f)
	}
	told := map[string]bool{}
	for _, l := range listenersOf(o) {
		for _, s := range l.secrets {
			if certainty, missing := absent(of, s.kind, s.namespace, s.name); missing && !told[s.ref().String()] {
				told[s.ref().String()] = true
				list = append(list, secretTrouble(of, l, s, certainty))
			}
		}
	}
	for _, l := range listenersOf(o) {
		list = append(list, listenerTroubles(of, l, len(list) > 0)...)
	}
	if len(list) > 0 {
		return list
	}
	return gatewayItself(of)
}

// classTrouble tells of a Gateway whose class is not there, or that no controller has taken on.
func classTrouble(p *rule.Pass) *rule.Finding {
	name := classOf(p.Object)
	at := field.NewPath("spec", "gatewayClassName")
	setting := rule.Setting{Object: p.Object.Ref, Path: at}
	if certainty, missing := absent(p, snapshot.GatewayClassKind, "", name); missing && name != "" {
		f := &rule.Finding{
			Object: p.Object.Ref, Field: at, Value: name, Certainty: certainty,
			Message:  fmt.Sprintf("is of class %s, and there is no GatewayClass of that name: no controller serves it", name),
			Label:    "there is no GatewayClass of this name",
			Evidence: []rule.Evidence{notFound(snapshot.GatewayClassKind, "", name, certainty)},
			Fix:      &rule.Fix{Title: "name a class that exists, or install the controller that brings this one", Applicability: rule.NeedsThought},
		}
		names := p.Names(snapshot.GatewayClassKind, "")
		to := knowledge.Slip(name, names)
		if to == "" && len(names) == 1 {
			to = names[0]
		}
		if to != "" {
			f.Label = "there is " + to
			f.Fix.Title, f.Fix.Caution = "name class "+to, "that its controller is the one that is meant, only you know"
			f.Fix.Patch = setting.ReplaceValue(name, to)
			f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
		}
		return f
	}
	class, _ := p.Lookup(snapshot.GatewayClassKind, "", name)
	if class == nil || p.Age(class.Meta.GetCreationTimestamp().Time) < listsAgree {
		return nil
	}
	accepted := meta.FindStatusCondition(fresh(class, class.Content["status"]), "Accepted")
	if accepted == nil {
		accepted = &metav1.Condition{Status: metav1.ConditionUnknown, Reason: "none", Message: "no condition"}
	}
	controller := word(specOf(class), "controllerName", "its controller")
	f := &rule.Finding{
		Object: p.Object.Ref, Field: at, Value: name, Certainty: rule.Likely,
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: class.Ref, Field: "status.conditions[Accepted]", Text: fmt.Sprintf("%s: Accepted %s, %s: %s", class.String(), accepted.Status, accepted.Reason, rule.Quote(accepted.Message))}},
		RuledOut: []string{fmt.Sprintf("a class that does not exist: %s is there", class.String())},
		Fix:      &rule.Fix{Applicability: rule.NeedsThought},
	}
	switch accepted.Status {
	case "True":
		return nil
	case "False":
		f.Certainty = rule.Certain
		f.Message = fmt.Sprintf("is of class %s, which its controller %s refuses: %s: %s", name, controller, accepted.Reason, rule.Quote(accepted.Message))
		f.Label = "the class itself is refused"
		f.Fix.Title = "mend the GatewayClass: " + accepted.Reason
	default:
		f.Message = fmt.Sprintf("is of class %s, and no controller has taken that on: does %s run?", name, controller)
		f.Label = "for controller " + controller
		f.Fix.Title = fmt.Sprintf("see whether the controller %s is installed and runs", controller)
	}
	return f
}

func secretTrouble(p *rule.Pass, l listener, s ref, certainty rule.Certainty) rule.Finding {
	where := s.ref().String()
	if s.namespace != p.Object.Namespace {
		where += " in namespace " + s.namespace
	}
	return rule.Finding{
		Object: p.Object.Ref, Field: s.path.Child("name"), Value: s.name, Certainty: certainty,
		Message:  fmt.Sprintf("listener %s takes its certificate from %s, which does not exist: it is not served", l.name, where),
		Label:    "there is no Secret of this name in namespace " + s.namespace,
		Evidence: append([]rule.Evidence{notFound(s.kind, s.namespace, s.name, certainty)}, saidOf(p, l)...),
		Fix: &rule.Fix{
			Title: "create the Secret from the certificate and its key, or name the one that is meant", Applicability: rule.Placeholders,
			Lines: []string{rule.Kubectl(p.Context, s.namespace, "create", "secret", "tls", s.name, "--cert=<CERT_FILE>", "--key=<KEY_FILE>")},
		},
	}
}

// bad tells whether a condition of a listener or a Gateway says that something is wrong.
func bad(c metav1.Condition) bool { return c.Reason != "Pending" && rule.GatewayRefuses(c) }

// saidOf is what the controller says against a listener, as evidence.
func saidOf(p *rule.Pass, l listener) []rule.Evidence {
	var list []rule.Evidence
	for _, c := range l.status {
		if bad(c) {
			list = append(list, rule.Evidence{
				Source: rule.FromStatus, Object: p.Object.Ref, Field: fmt.Sprintf("status.listeners[%s].conditions[%s]", l.name, c.Type),
				Text: fmt.Sprintf("listener %s: %s %s, %s: %s", l.name, c.Type, c.Status, c.Reason, rule.Quote(c.Message)),
			})
		}
	}
	return list
}

// listenerTroubles are the conditions against a listener, the first that names a field. One whose Secret is not
// there has been told of.
func listenerTroubles(p *rule.Pass, l listener, told bool) []rule.Finding {
	var against []metav1.Condition
	for _, c := range l.status {
		if bad(c) && !(told && c.Reason == "InvalidCertificateRef") {
			against = append(against, c)
		}
	}
	i := slices.IndexFunc(against, func(c metav1.Condition) bool { return listenerField[c.Reason].means != "" })
	switch {
	case len(against) == 0:
		return nil
	case i < 0 && told:
		return nil
	case i < 0:
		i = 0
	}
	c := against[i]
	f := rule.Finding{
		Object: p.Object.Ref, Field: l.path, Certainty: rule.Certain, Label: "its controller does not serve this listener",
		Message:  fmt.Sprintf("listener %s is not served: %s: %s", l.name, c.Reason, rule.Quote(c.Message)),
		Evidence: saidOf(p, l),
		RuledOut: []string{"a controller that does not run: it has answered"},
		Fix:      &rule.Fix{Title: "mend what the controller complains about", Applicability: rule.NeedsThought},
	}
	if lies, ok := listenerField[c.Reason]; ok {
		at := l.path
		for _, step := range lies.child {
			at = at.Child(step)
		}
		f.Field, f.Label, f.Fix.Title = at, lies.means, lies.fix
		if v, ok := rule.ValueAt(p.Object, at); ok {
			switch v := v.(type) {
			case string:
				f.Value = v
			case int64, float64:
				f.Value = fmt.Sprint(v)
			}
		}
	}
	return []rule.Finding{f}
}

// gatewayField is the field of a Gateway that a reason speaks of. Source: sigs.k8s.io/gateway-api apis/v1,
// GatewayConditionReason.
var gatewayField = map[string]struct {
	path  *field.Path
	means string
	fix   string
}{
	"UnsupportedAddress": {field.NewPath("spec", "addresses"), "a kind of address that this controller does not know", "ask for an address that the controller supports, or for none"},
	"AddressNotAssigned": {field.NewPath("spec", "addresses"), "no such address was given", "ask for an address that can be had, or for none; a load balancer that does not come leaves a Gateway without one as well"},
	"AddressNotUsable":   {field.NewPath("spec", "addresses"), "this address cannot be used", "ask for another address, or for none"},
	"InvalidParameters":  {field.NewPath("spec", "infrastructure", "parametersRef"), "parameters that are not there, or wrong", "name parameters that exist and that the controller knows"},
}

// gatewayItself are the conditions against the Gateway as a whole.
func gatewayItself(p *rule.Pass) []rule.Finding {
	for _, c := range fresh(p.Object, p.Object.Content["status"]) {
		if !bad(c) {
			continue
		}
		f := rule.Finding{
			Object: p.Object.Ref, NoField: "the reason is of its own controller, and names no field", Certainty: rule.Certain,
			Message:  fmt.Sprintf("is not served: %s %s, %s: %s", c.Type, c.Status, c.Reason, rule.Quote(c.Message)),
			Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[" + c.Type + "]", Text: fmt.Sprintf("%s %s, %s: %s", c.Type, c.Status, c.Reason, rule.Quote(c.Message))}},
			RuledOut: []string{"a controller that does not run: it has answered"},
			Fix:      &rule.Fix{Title: "mend what the controller complains about", Applicability: rule.NeedsThought},
		}
		if lies, ok := gatewayField[c.Reason]; ok {
			f.NoField, f.Field, f.Label, f.Fix.Title = "", lies.path, lies.means, lies.fix
			if _, there := rule.ValueAt(p.Object, lies.path); !there {
				f.Field, f.Label = nil, ""
				f.NoField = "it asks for nothing of that kind: " + lies.path.String() + " is not set"
			}
		}
		if c.Reason == "AddressNotAssigned" && f.Field == nil {
			f.Fix.Title = "see the Service of type LoadBalancer that the controller has made for it: it has no address either"
		}
		if c.Reason == "NoResources" {
			f.Fix.Title = "see whether the controller may make what it needs: its log, and the quota of its namespace"
		}
		return []rule.Finding{f}
	}
	return nil
}

// unanswered tells that no controller has said anything of a Gateway.
func unanswered(p *rule.Pass) []rule.Finding {
	age := p.Age(p.Object.Meta.GetCreationTimestamp().Time)
	if age < listsAgree || slices.ContainsFunc(rule.ConditionsIn(p.Object.Content, "status", "conditions"), func(c metav1.Condition) bool { return c.Status != "Unknown" && c.Reason != "Pending" }) {
		return nil
	}
	name := classOf(p.Object)
	return []rule.Finding{{
		Object: p.Object.Ref, Field: field.NewPath("spec", "gatewayClassName"), Value: name, Certainty: rule.Likely,
		Message:  fmt.Sprintf("no controller has said anything of it for %s: does the one of class %s run?", rule.Human(age), name),
		Label:    "whose controller is to serve it",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions", Text: fmt.Sprintf("no answer, %s after it was made", rule.Human(age))}},
		Fix:      &rule.Fix{Title: fmt.Sprintf("see whether the controller of class %s is installed and runs", name), Applicability: rule.NeedsThought},
	}}
}

// granted tells whether a ReferenceGrant of the namespace lets routes of this one lead to a Service; known is false
// where the grants were not read.
func granted(p *rule.Pass, r ref) (yes, known bool) {
	if !p.ListRead(snapshot.ReferenceGrantKind, r.namespace) {
		return false, false
	}
	for _, o := range p.List(snapshot.ReferenceGrantKind, r.namespace) {
		fromHere, toThere := false, false
		for _, m := range snapshot.MapsIn(specOf(o), "from") {
			fromHere = fromHere || snapshot.TextIn(m, "group") == gatewayGroup && snapshot.TextIn(m, "kind") == p.Object.Kind && snapshot.TextIn(m, "namespace") == p.Object.Namespace
		}
		for _, m := range snapshot.MapsIn(specOf(o), "to") {
			toThere = toThere || snapshot.TextIn(m, "group") == r.kind.Group && snapshot.TextIn(m, "kind") == r.kind.Kind && (word(m, "name", r.name) == r.name)
		}
		if fromHere && toThere {
			return true, true
		}
	}
	return false, true
}

// grantYAML is a ReferenceGrant that lets routes of this namespace lead to one Service.
func grantYAML(p *rule.Pass, r ref) string {
	return strings.Join([]string{
		"apiVersion: gateway.networking.k8s.io/v1beta1", "kind: ReferenceGrant",
		fmt.Sprintf("metadata: {name: %s-from-%s, namespace: %s}", r.name, p.Object.Namespace, r.namespace),
		"spec:", fmt.Sprintf("  from: [{group: %s, kind: %s, namespace: %s}]", gatewayGroup, p.Object.Kind, p.Object.Namespace),
		fmt.Sprintf("  to: [{group: \"\", kind: Service, name: %s}]", r.name), "",
	}, "\n")
}
