package network

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ServiceMonitorDangling finds monitors by which Prometheus finds nothing to ask.
var ServiceMonitorDangling = rule.Check{
	ID: "servicemonitor-dangling", Title: "monitor by which no metrics are read", Doc: rule.ReadDoc(docs, "servicemonitor_dangling.md"),
	Dimension: rule.Observability, Severity: rule.Medium, On: rule.Kinds(snapshot.ServiceMonitorKind, snapshot.PodMonitorKind),
	Run: func(p *rule.Pass) {
		m, ok := monitorOf(p)
		if !ok {
			return
		}
		if p.Object.GroupKind() == snapshot.ServiceMonitorKind {
			judgeServiceMonitor(p, m)
		} else {
			judgePodMonitor(p, m)
		}
	},
	Peers: map[string][]string{"kube-linter": {"dangling-servicemonitor"}},
}

// monitor is what a ServiceMonitor or PodMonitor selects.
type monitor struct{ rule.Monitor }

// monitorOf reads the selectors of a monitor; false where they are missing or cannot be understood.
func monitorOf(p *rule.Pass) (monitor, bool) {
	m, ok := rule.MonitorOf(p.Object)
	return monitor{m}, ok
}

// alone tells whether a monitor is for its own namespace only, whose manifests mostly come with it. What watches
// others is often for what a cluster or an operator brings itself: the kubelet, the API server, the name server.
func (m monitor) alone(p *rule.Pass) bool {
	return len(m.Namespaces) == 1 && m.Namespaces[0] == p.Object.Namespace && !system(p.Object.Namespace) && m.Labels.MatchLabels["component"] != "apiserver"
}

// words is the selector as people write it; an empty one is for all.
func (m monitor) words() string {
	if m.Selector.Empty() {
		return "{}"
	}
	return metav1.FormatLabelSelector(m.Labels)
}

func (m monitor) where() string {
	if m.Namespaces[0] == "" {
		return "any namespace"
	}
	if len(m.Namespaces) == 1 {
		return "namespace " + m.Namespaces[0]
	}
	return "namespaces " + some(m.Namespaces)
}

// services are the Services that a monitor selects, and how many there are to choose from.
func (m monitor) services(p *rule.Pass) (found []*snapshot.Object, of int) {
	for _, ns := range m.Namespaces {
		for _, o := range p.List(snapshot.ServiceKind, ns) {
			of++
			if m.Selector.Matches(labels.Set(o.Meta.GetLabels())) {
				found = append(found, o)
			}
		}
	}
	return found, of
}

func judgeServiceMonitor(p *rule.Pass, m monitor) {
	found, of := m.services(p)
	for _, ns := range m.Namespaces {
		if why := unread(p, ns, snapshot.ServiceKind); why != "" && len(found) == 0 {
			p.Unknown("%s", why)
			return
		}
	}
	if len(found) == 0 {
		if o := m.serviceElsewhere(p); o != nil {
			reportElsewhere(p, m, o)
			return
		}
		key, value, o := m.nearestService(p)
		if o == nil && p.Files && !p.Closed && (of == 0 || !m.alone(p) || p.MadeByOperator(p.Object.Namespace, m.Labels)) {
			p.Unknown("no such Service of %s is in the input", m.where())
			return
		}
		reportNoService(p, m, key, value, o)
		return
	}
	for _, e := range m.Ports {
		judgeEndpoint(p, e, found)
	}
}

// serviceElsewhere is a Service that a monitor would select, were it for that namespace too.
func (m monitor) serviceElsewhere(p *rule.Pass) *snapshot.Object {
	if m.Selector.Empty() || m.Namespaces[0] == "" {
		return nil
	}
	for _, o := range p.List(snapshot.ServiceKind, "") {
		if m.Selector.Matches(labels.Set(o.Meta.GetLabels())) {
			return o
		}
	}
	return nil
}

// podsElsewhere is what holds pods that a monitor would select, were it for that namespace too.
func (m monitor) podsElsewhere(p *rule.Pass) *snapshot.Object {
	if m.Selector.Empty() || m.Namespaces[0] == "" {
		return nil
	}
	for _, ns := range p.Namespaces() {
		if found := selected(p, ns, m.Selector); len(found) > 0 {
			return found[0].Object
		}
	}
	return nil
}

func reportElsewhere(p *rule.Pass, m monitor, o *snapshot.Object) {
	path := field.NewPath("spec", "namespaceSelector")
	patch := p.Put(path, map[string]any{"matchNames": []any{o.Namespace}})
	p.Report(rule.Finding{
		Field: path, Certainty: certaintyHere(p), Label: "leaves out namespace " + o.Namespace,
		Message: fmt.Sprintf("is for %s only, and what selector %s finds is %s in namespace %s: Prometheus reads no metrics by it", m.where(), m.words(), o, o.Namespace),
	}).WithFix(rule.Fix{
		Title: "name that namespace in namespaceSelector", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		Caution: "Prometheus must have the right to read Services and pods there", YAML: "spec:\n  namespaceSelector:\n    matchNames: [" + o.Namespace + "]\n",
	})
}

// reportNoService tells of a selector that finds no Service, and of the label that differs where only one does.
func reportNoService(p *rule.Pass, m monitor, key, value string, o *snapshot.Object) {
	text := m.words()
	path := field.NewPath("spec", "selector")
	f := rule.Finding{
		Field: path, Value: text, Certainty: certaintyHere(p), Label: "finds no Service",
		Message: fmt.Sprintf("selector %s finds no Service in %s: Prometheus reads no metrics by it", text, m.where()),
	}
	fix := rule.Fix{Title: "select labels that the Service itself has", Applicability: rule.NeedsThought, Caution: "the labels of the Service's own metadata count, not those by which it finds its pods"}
	if o != nil {
		f.Field, f.Value = path.Child("matchLabels").Key(key), m.Labels.MatchLabels[key]
		if value == "" {
			f.Label = fmt.Sprintf("%s has no such label", o)
			f.Message += fmt.Sprintf("; %s has no label %s", o, key)
			fix.Title = fmt.Sprintf("put the label on %s, or select one that it has", o)
		} else {
			f.Label = fmt.Sprintf("%s has %s=%s", o, key, value)
			f.Message += "; " + f.Label
			fix.Title = fmt.Sprintf("select %s=%s, which %s has", key, value, o)
			fix.Patch = p.Put(f.Field, value)
			fix.Command = p.Live(fix.Patch)
		}
	}
	p.Report(f).WithFix(fix)
}

// nearestService is a Service that all labels but one of a monitor fit, and what it has in the place of that one;
// of a monitor with a single label, one that selects its pods by it, or whose value is a typing mistake away.
func (m monitor) nearestService(p *rule.Pass) (key, value string, o *snapshot.Object) {
	want := m.Labels.MatchLabels
	if len(m.Labels.MatchExpressions) > 0 || len(want) == 0 {
		return "", "", nil
	}
	for _, ns := range m.Namespaces {
		list := p.List(snapshot.ServiceKind, ns)
		for _, svc := range list[:min(len(list), maxCompared)] {
			has, wrong := svc.Meta.GetLabels(), []string{}
			for k, v := range want {
				if has[k] != v {
					wrong = append(wrong, k)
				}
			}
			if len(wrong) != 1 {
				continue
			}
			k := wrong[0]
			t, _ := svc.Typed.(*corev1.Service)
			byPods := t != nil && t.Spec.Selector[k] == want[k]
			if len(want) > 1 || byPods || has[k] != "" && knowledge.Nearest(want[k], []string{has[k]}) != "" {
				return k, has[k], svc
			}
		}
	}
	return "", "", nil
}

func judgeEndpoint(p *rule.Pass, e rule.MonitorPort, found []*snapshot.Object) {
	if name := e.Name; name != "" {
		var have []string
		for _, o := range found {
			svc, ok := o.Typed.(*corev1.Service)
			if !ok {
				return
			}
			for _, sp := range svc.Spec.Ports {
				if sp.Name == name {
					judgeProtocol(p, e.Path, name, svc, o)
					return
				}
				if sp.Name != "" {
					have = append(have, sp.Name)
				}
			}
		}
		reportNoPort(p, e.Path.Child("port"), name, "Service", namesOf(found), rule.Distinct(have))
		return
	}
	if e.Target == nil {
		return
	}
	var templates []snapshot.Selected
	for _, o := range found {
		svc, ok := o.Typed.(*corev1.Service)
		if !ok || len(svc.Spec.Selector) == 0 {
			return
		}
		templates = append(templates, selected(p, o.Namespace, labels.SelectorFromSet(svc.Spec.Selector))...)
	}
	judgeDeclared(p, e.Path.Child(e.In), templates, *e.Target)
}

// judgeProtocol looks at the port of the Service itself. That its target is there is svc-port-mismatch's to say.
func judgeProtocol(p *rule.Pass, path *field.Path, name string, svc *corev1.Service, o *snapshot.Object) {
	for _, sp := range svc.Spec.Ports {
		if sp.Name != name || protocolOf(sp.Protocol) == corev1.ProtocolTCP {
			continue
		}
		p.Report(rule.Finding{Field: path.Child("port"), Value: name, Label: "a port that is not TCP",
			Message: fmt.Sprintf("port %q of %s is %s: metrics are read over HTTP, which needs TCP", name, o, sp.Protocol)}).
			WithFix(rule.Fix{Title: "name the TCP port that serves the metrics", Applicability: rule.NeedsThought})
		return
	}
}

func reportNoPort(p *rule.Pass, at *field.Path, name, of, who string, have []string) {
	f := rule.Finding{
		Field: at, Value: name, Certainty: certaintyHere(p), Label: "no " + of + " that it selects has a port of this name",
		Message: fmt.Sprintf("reads port %q, and %s has none of that name: no metrics come by it", name, who),
	}
	fix := rule.Fix{Title: "name a port that is there", Applicability: rule.NeedsThought, Caution: "that metrics are served there, only you know"}
	if len(have) > 0 {
		f.Message += "; there is " + some(have)
	}
	if to := knowledge.Nearest(name, have); to != "" || len(have) == 1 {
		if to == "" {
			to = have[0]
		}
		fix.Title = fmt.Sprintf("read port %q", to)
		fix.Patch = p.Put(at, to)
		fix.Command = p.Live(fix.Patch)
	} else if len(have) == 0 {
		fix.Title = fmt.Sprintf("give the port of the %s the name %q", of, name)
	}
	p.Report(f).WithFix(fix)
}

func judgePodMonitor(p *rule.Pass, m monitor) {
	var found []snapshot.Selected
	workloads := 0
	for _, ns := range m.Namespaces {
		if why := unread(p, ns, selectable...); why != "" {
			p.Unknown("%s", why)
			return
		}
		workloads += len(p.Workloads(ns))
		for _, n := range namespacesOf(p, ns) {
			found = append(found, selected(p, n, m.Selector)...)
		}
	}
	if len(found) == 0 {
		if o := m.podsElsewhere(p); o != nil {
			reportElsewhere(p, m, o)
			return
		}
		n, ok := near{}, false
		for _, ns := range m.Namespaces {
			if ns != "" && !ok {
				n, ok = nearest(p, ns, m.Labels)
			}
		}
		if !ok && p.Files && !p.Closed && (workloads == 0 || !m.alone(p) || p.MadeByOperator(p.Object.Namespace, m.Labels)) {
			p.Unknown("no such workload of %s is in the input", m.where())
			return
		}
		reportNoPods(p, m, n)
		return
	}
	for _, e := range m.Ports {
		if e.Name != "" {
			judgeDeclared(p, e.Path.Child("port"), found, intstr.FromString(e.Name))
		} else if e.Target != nil {
			judgeDeclared(p, e.Path.Child(e.In), found, *e.Target)
		}
	}
}

func reportNoPods(p *rule.Pass, m monitor, n near) {
	text := m.words()
	path := field.NewPath("spec", "selector")
	f := rule.Finding{
		Field: path, Value: text, Certainty: certaintyHere(p), Label: "finds no pod",
		Message: fmt.Sprintf("selector %s finds no pod and no pod template in %s: Prometheus reads no metrics by it", text, m.where()),
	}
	fix := rule.Fix{Title: "select labels that the pods have", Applicability: rule.NeedsThought}
	if n.object != nil {
		f.Field, f.Value = path.Child("matchLabels").Key(n.key), n.old
		f.Label = fmt.Sprintf("%s has %s=%s", n.object, n.key, n.new)
		f.Message += "; " + f.Label
		fix.Title = fmt.Sprintf("select %s=%s, which the pods have", n.key, n.new)
		fix.Caution = "that these are the pods that were meant, only you know"
		fix.Patch = p.Put(f.Field, n.new)
		fix.Command = p.Live(fix.Patch)
	}
	p.Report(f).WithFix(fix)
}

// judgeDeclared looks for a port among those that containers declare: Prometheus knows the ports of pods by that
// alone. A number that none declares, while some container declares nothing at all, may be there.
func judgeDeclared(p *rule.Pass, at *field.Path, found []snapshot.Selected, port intstr.IntOrString) {
	if len(found) == 0 {
		return
	}
	var have []string
	for _, s := range found {
		for _, cp := range declared(s.Template) {
			if port.Type == intstr.String && cp.Name == port.StrVal || port.Type == intstr.Int && cp.ContainerPort == port.IntVal {
				return
			}
			if port.Type == intstr.String && cp.Name != "" {
				have = append(have, cp.Name)
			}
		}
	}
	if port.Type == intstr.String {
		reportNoPort(p, at, port.StrVal, "container", holders(found), rule.Distinct(have))
		return
	}
	p.Report(rule.Finding{
		Field: at, Value: port.String(), Severity: rule.Low, Certainty: rule.Likely, Label: "no container declares it",
		Message: fmt.Sprintf("reads port %s, which no container of %s declares: Prometheus knows only ports that are declared", port.String(), holders(found)),
	}).WithFix(rule.Fix{Title: "declare the port in the container, with a name, and read it by that", Applicability: rule.NeedsThought})
}

// namespacesOf is a namespace or, for "", all that hold something.
func namespacesOf(p *rule.Pass, namespace string) []string {
	if namespace != "" {
		return []string{namespace}
	}
	return slices.Clone(p.Namespaces())
}

func namesOf(list []*snapshot.Object) string {
	var names []string
	for _, o := range list {
		names = append(names, o.String())
	}
	return short(rule.Distinct(names))
}
