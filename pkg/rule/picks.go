package rule

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Pick is whether a program that an operator runs takes an object.
type Pick int

// The answers. Maybe: the labels of a namespace were not read.
const (
	NotPicked Pick = iota
	MaybePicked
	Picked
)

// picker is how a kind of program picks objects of another kind.
type picker struct {
	kind                 schema.GroupKind
	selector, namespaces string // fields of its spec
	otherwise            string // a field that decides where neither is set; "" where then nothing is taken
}

// pickers are, by what is picked, who picks it. Source: the API references of prometheus-operator and of the VictoriaMetrics
// operator. Of Prometheus' kinds no selector takes nothing, an empty one all, and no selector of namespaces the own one.
var pickers = map[schema.GroupKind][]picker{
	snapshot.ServiceMonitorKind: {
		{kind: snapshot.PrometheusKind, selector: "serviceMonitorSelector", namespaces: "serviceMonitorNamespaceSelector"},
		{kind: snapshot.PrometheusAgentKind, selector: "serviceMonitorSelector", namespaces: "serviceMonitorNamespaceSelector"},
	},
	snapshot.PodMonitorKind: {
		{kind: snapshot.PrometheusKind, selector: "podMonitorSelector", namespaces: "podMonitorNamespaceSelector"},
		{kind: snapshot.PrometheusAgentKind, selector: "podMonitorSelector", namespaces: "podMonitorNamespaceSelector"},
	},
	snapshot.PrometheusRuleKind: {
		{kind: snapshot.PrometheusKind, selector: "ruleSelector", namespaces: "ruleNamespaceSelector"},
		{kind: snapshot.ThanosRulerKind, selector: "ruleSelector", namespaces: "ruleNamespaceSelector"},
	},
	snapshot.AlertmanagerConfigKind: {
		{kind: snapshot.AlertmanagerKind, selector: "alertmanagerConfigSelector", namespaces: "alertmanagerConfigNamespaceSelector"},
	},
	snapshot.VMServiceScrapeKind: {
		{snapshot.VMAgentKind, "serviceScrapeSelector", "serviceScrapeNamespaceSelector", "selectAllByDefault"},
		{snapshot.VMSingleKind, "serviceScrapeSelector", "serviceScrapeNamespaceSelector", "selectAllByDefault"},
	},
	snapshot.VMPodScrapeKind: {
		{snapshot.VMAgentKind, "podScrapeSelector", "podScrapeNamespaceSelector", "selectAllByDefault"},
		{snapshot.VMSingleKind, "podScrapeSelector", "podScrapeNamespaceSelector", "selectAllByDefault"},
	},
	snapshot.VMRuleKind:               {{snapshot.VMAlertKind, "ruleSelector", "ruleNamespaceSelector", "selectAllByDefault"}},
	snapshot.VMAlertmanagerConfigKind: {{snapshot.VMAlertmanagerKind, "configSelector", "configNamespaceSelector", "selectAllByDefault"}},
}

// PickedBy are the programs that take an object of an operator's kind: those that do for certain or, where none does, those that
// may. Programs is how many there are that could.
func (p *Pass) PickedBy(o *snapshot.Object) (by []*snapshot.Object, how Pick, programs int) {
	for _, k := range pickers[o.GroupKind()] {
		for _, program := range p.List(k.kind, "") {
			if !operated(program) {
				continue
			}
			programs++
			got := k.picks(p.Snapshot, program, o)
			switch {
			case got == NotPicked || got < how:
				continue
			case got > how:
				by, how = nil, got
			}
			by = append(by, program)
		}
	}
	return by, how, programs
}

// AskedFor is what the first program that does not take an object asks for instead, in words: "prometheus.monitoring.coreos.com/k8s
// selects release=kps"; "" where none could.
func (p *Pass) AskedFor(o *snapshot.Object) string {
	for _, k := range pickers[o.GroupKind()] {
		for _, program := range p.List(k.kind, "") {
			spec, _ := program.Content["spec"].(map[string]any)
			if !operated(program) || k.picks(p.Snapshot, program, o) != NotPicked {
				continue
			}
			ls, ok := LabelSelectorIn(spec[k.selector])
			switch {
			case !ok && (k.otherwise == "" || spec[k.namespaces] == nil):
				return program.String() + " has no " + k.selector + ", which selects nothing"
			case ok && picksLabels(spec[k.selector], labels.Set(o.Meta.GetLabels())) == NotPicked:
				return program.String() + " selects " + metav1.FormatLabelSelector(ls)
			}
			if in, ok := LabelSelectorIn(spec[k.namespaces]); ok {
				return program.String() + " looks into namespaces with " + metav1.FormatLabelSelector(in)
			}
			return program.String() + " looks into its own namespace " + program.Namespace
		}
	}
	return ""
}

// operated tells whether a program of an operator's kind runs, as far as its object says so.
func operated(o *snapshot.Object) bool {
	spec, _ := o.Content["spec"].(map[string]any)
	for _, field := range []string{"replicas", "replicaCount"} {
		if n, ok := snapshot.WholeIn(spec[field]); ok && n == 0 {
			return false
		}
	}
	return !StatusFalse(o, "Available")
}

func (k picker) picks(s *snapshot.Snapshot, program, o *snapshot.Object) Pick {
	spec, _ := program.Content["spec"].(map[string]any)
	if k.otherwise == "" {
		return min(picksLabels(spec[k.selector], labels.Set(o.Meta.GetLabels())), k.namespace(s, spec[k.namespaces], program, o))
	}
	// With VictoriaMetrics a selector that is missing beside the other takes all; of namespaces, the own one.
	switch {
	case spec[k.selector] == nil && spec[k.namespaces] == nil:
		if all, _ := spec[k.otherwise].(bool); all {
			return Picked
		}
		return NotPicked
	case spec[k.selector] == nil:
		return k.namespace(s, spec[k.namespaces], program, o)
	}
	all, _ := spec[k.otherwise].(bool)
	if all && spec[k.namespaces] == nil {
		return picksLabels(spec[k.selector], labels.Set(o.Meta.GetLabels()))
	}
	return min(picksLabels(spec[k.selector], labels.Set(o.Meta.GetLabels())), k.namespace(s, spec[k.namespaces], program, o))
}

func (k picker) namespace(s *snapshot.Snapshot, selector any, program, o *snapshot.Object) Pick {
	ls, ok := LabelSelectorIn(selector)
	switch {
	case selector == nil && program.Namespace == o.Namespace:
		return Picked
	case selector == nil, !ok:
		return NotPicked
	case len(ls.MatchLabels)+len(ls.MatchExpressions) == 0:
		return Picked
	}
	ns, out := s.Lookup(snapshot.NamespaceKind, "", o.Namespace)
	switch {
	case ns != nil:
		return picksLabels(selector, labels.Set(ns.Meta.GetLabels()))
	case out.State == snapshot.Blind:
		return MaybePicked
	}
	return picksLabels(selector, labels.Set{"kubernetes.io/metadata.name": o.Namespace}) // the server gives each its name
}

// picksLabels tells whether a selector of an operator's kind finds labels; none finds nothing.
func picksLabels(selector any, set labels.Set) Pick {
	ls, ok := LabelSelectorIn(selector)
	if !ok {
		return NotPicked
	}
	if sel, err := snapshot.SelectorOf(ls); err != nil || !sel.Matches(set) {
		return NotPicked
	}
	return Picked
}
