package rule

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// MonitorKinds are the kinds that say whose metrics are to be read.
var MonitorKinds = []schema.GroupKind{
	snapshot.ServiceMonitorKind, snapshot.PodMonitorKind, snapshot.AzureServiceMonitorKind, snapshot.AzurePodMonitorKind,
	snapshot.VMServiceScrapeKind, snapshot.VMPodScrapeKind, snapshot.PodMonitoringKind, snapshot.ClusterPodMonitoringKind,
}

// Monitor is an object that says whose metrics are to be read.
type Monitor struct {
	Object     *snapshot.Object
	Labels     *metav1.LabelSelector
	Selector   labels.Selector
	Namespaces []string // "" alone for all
	Services   bool     // it selects Services, not pods
	Ports      []MonitorPort
}

// MonitorPort is what a monitor reads of each pod.
type MonitorPort struct {
	Path   *field.Path         // of the endpoint in the monitor
	Name   string              // of a port of the Service or, where pods are selected, of a container
	Target *intstr.IntOrString // a port of the container; neither: all ports
	In     string              // the field that holds Target

	undeclared bool // a number need not be declared
	kept       []relabeling
}

// MonitorOf reads a monitor; false where it is none, selects nothing, or cannot be understood.
func MonitorOf(o *snapshot.Object) (Monitor, bool) {
	spec, _ := o.Content["spec"].(map[string]any)
	ls, ok := LabelSelectorIn(spec["selector"])
	if !ok {
		return Monitor{}, false
	}
	selector, err := snapshot.SelectorOf(ls)
	if err != nil {
		return Monitor{}, false
	}
	m := Monitor{Object: o, Labels: ls, Selector: selector, Namespaces: []string{o.Namespace}}
	list, numbers := "endpoints", []string{"targetPort"}
	google := false
	switch o.GroupKind() {
	case snapshot.ServiceMonitorKind, snapshot.AzureServiceMonitorKind, snapshot.VMServiceScrapeKind:
		m.Services = true
	case snapshot.PodMonitorKind, snapshot.AzurePodMonitorKind, snapshot.VMPodScrapeKind:
		list, numbers = "podMetricsEndpoints", []string{"portNumber", "targetPort"}
	case snapshot.PodMonitoringKind:
		google, numbers = true, []string{"port"}
	case snapshot.ClusterPodMonitoringKind:
		google, numbers, m.Namespaces = true, []string{"port"}, []string{""}
	default:
		return Monitor{}, false
	}
	if in := snapshot.MapIn(spec, "namespaceSelector"); !google {
		if everywhere, _ := in["any"].(bool); everywhere {
			m.Namespaces = []string{""}
		} else if names := snapshot.TextsIn(snapshot.ListIn(in, "matchNames")); len(names) > 0 {
			m.Namespaces = names
		}
	}
	for i, item := range snapshot.ListIn(spec, list) {
		e, ok := item.(map[string]any)
		if !ok {
			continue
		}
		port := MonitorPort{Path: field.NewPath("spec", list).Index(i), Name: snapshot.TextIn(e, "port"), undeclared: google, kept: relabelingsIn(e)}
		if port.Name == "" {
			for _, key := range numbers {
				if t, ok := portIn(e[key]); ok {
					port.Target, port.In = &t, key
					break
				}
			}
		}
		m.Ports = append(m.Ports, port)
	}
	return m, true
}

func portIn(v any) (intstr.IntOrString, bool) {
	if n, ok := snapshot.WholeIn(v); ok {
		return intstr.FromInt32(int32(n)), n > 0
	}
	s, _ := v.(string)
	return intstr.FromString(s), s != ""
}

// In tells whether a monitor looks into a namespace.
func (m *Monitor) In(namespace string) bool {
	return m.Namespaces[0] == "" || slices.Contains(m.Namespaces, namespace)
}

// Finds tells whether a monitor selects a Service, or pods, of a namespace by their labels.
func (m *Monitor) Finds(namespace string, set map[string]string) bool {
	return m.In(namespace) && m.Selector.Matches(labels.Set(set))
}

// PodPorts are the ports of the pods of a workload, and by what else they are chosen.
type PodPorts struct {
	Namespace           string
	Labels, Annotations map[string]string
	List                []PodPort
	Undeclared          bool // some container declares none: it may listen on any
}

// PodPort is a TCP port that a container declares.
type PodPort struct {
	Container, Name string
	Number          int32
}

// PodPortsOf are the ports of a template's containers that run as long as the pod does.
func PodPortsOf(namespace string, t snapshot.Template) PodPorts {
	ports := PodPorts{Namespace: namespace, Labels: t.Labels, Annotations: t.Annotations}
	for _, c := range t.Containers() {
		if !c.Init {
			ports.Add(c.Container)
		}
	}
	return ports
}

// Add takes in the ports of one more container.
func (p *PodPorts) Add(c *corev1.Container) {
	declared := false
	for _, cp := range c.Ports {
		if cp.Protocol == "" || cp.Protocol == corev1.ProtocolTCP {
			p.List = append(p.List, PodPort{c.Name, cp.Name, cp.ContainerPort})
			declared = true
		}
	}
	p.Undeclared = p.Undeclared || !declared
}

// Has tells whether pods may listen on a port: a container declares it, or one of them declares none at all.
func (p *PodPorts) Has(number int32) bool {
	return number > 0 && (p.Undeclared || slices.ContainsFunc(p.List, func(have PodPort) bool { return have.Number == number }))
}

// ReadsPods tells whether a monitor that selects pods leads to a port of these.
func (m *Monitor) ReadsPods(pods *PodPorts) bool {
	if m.Services || !m.Finds(pods.Namespace, pods.Labels) {
		return false
	}
	return slices.ContainsFunc(m.Ports, func(e MonitorPort) bool { return e.reads(pods) })
}

// ReadsService tells whether a monitor that selects Services leads by this one to a port of its pods.
func (m *Monitor) ReadsService(svc *corev1.Service, pods *PodPorts) bool {
	if !m.Services || !m.Finds(svc.Namespace, svc.Labels) {
		return false
	}
	return slices.ContainsFunc(m.Ports, func(e MonitorPort) bool {
		if e.Target != nil {
			return e.reads(pods)
		}
		for i := range svc.Spec.Ports {
			sp := &svc.Spec.Ports[i]
			if sp.Protocol != "" && sp.Protocol != corev1.ProtocolTCP || e.Name != "" && sp.Name != e.Name {
				continue
			}
			if target := TargetOf(sp); slices.ContainsFunc(pods.List, func(have PodPort) bool { return have.is(target) && e.keeps(have, pods) }) ||
				target.Type == intstr.Int && pods.Undeclared && len(e.kept) == 0 {
				return true
			}
		}
		return false
	})
}

// TargetOf is the port of the pods to which a port of a Service leads.
func TargetOf(sp *corev1.ServicePort) intstr.IntOrString {
	if sp.TargetPort.Type == intstr.Int && sp.TargetPort.IntVal == 0 || sp.TargetPort.Type == intstr.String && sp.TargetPort.StrVal == "" {
		return intstr.FromInt32(sp.Port)
	}
	return sp.TargetPort
}

// reads tells whether an endpoint is one of the ports that containers declare: Prometheus knows no others.
func (e *MonitorPort) reads(pods *PodPorts) bool {
	if e.undeclared && e.Target != nil && e.Target.Type == intstr.Int {
		return pods.Has(e.Target.IntVal)
	}
	return slices.ContainsFunc(pods.List, func(have PodPort) bool {
		switch {
		case e.Name != "" && have.Name != e.Name, e.Target != nil && !have.is(*e.Target):
			return false
		}
		return e.keeps(have, pods)
	})
}

func (p PodPort) is(port intstr.IntOrString) bool {
	if port.Type == intstr.String {
		return p.Name == port.StrVal
	}
	return p.Number == port.IntVal
}

// relabeling is a rule that keeps or drops targets by one label.
type relabeling struct {
	drop  bool
	label string
	regex *regexp.Regexp
}

// relabelingsIn are the rules of an endpoint that choose targets by a single label.
func relabelingsIn(endpoint map[string]any) []relabeling {
	var rules []relabeling
	for _, key := range []string{"relabelings", "relabelConfigs"} {
		for _, item := range snapshot.ListIn(endpoint, key) {
			r, ok := item.(map[string]any)
			if !ok {
				continue
			}
			action := strings.ToLower(snapshot.TextIn(r, "action"))
			source := snapshot.TextsIn(snapshot.ListIn(r, "sourceLabels"))
			if len(source) == 0 {
				source = snapshot.TextsIn(snapshot.ListIn(r, "source_labels"))
			}
			if action != "keep" && action != "drop" || len(source) != 1 {
				continue
			}
			text := snapshot.TextIn(r, "regex")
			if text == "" {
				text = "(.*)"
			}
			// Prometheus anchors its expressions. Source: its model/relabel package.
			if re, err := regexp.Compile("^(?s:" + text + ")$"); err == nil {
				rules = append(rules, relabeling{action == "drop", source[0], re})
			}
		}
	}
	return rules
}

// keeps tells whether a target is left once an endpoint's rules have chosen; a label that is not known here decides nothing.
func (e *MonitorPort) keeps(port PodPort, pods *PodPorts) bool {
	for _, r := range e.kept {
		if value, ok := discovered(r.label, port, pods); ok && r.regex.MatchString(value) == r.drop {
			return false
		}
	}
	return true
}

// discovered is what Prometheus knows of a port of a pod. Source: its documentation of kubernetes_sd_config.
func discovered(label string, port PodPort, pods *PodPorts) (value string, ok bool) {
	key, ok := strings.CutPrefix(label, "__meta_kubernetes_")
	switch {
	case !ok:
		return "", false
	case key == "namespace":
		return pods.Namespace, true
	case key == "pod_container_name":
		return port.Container, true
	case key == "pod_container_port_name":
		return port.Name, true
	case key == "pod_container_port_number":
		return strconv.Itoa(int(port.Number)), true
	}
	for prefix, set := range map[string]map[string]string{"pod_annotation": pods.Annotations, "pod_label": pods.Labels} {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		name, present := strings.CutPrefix(rest, "present_")
		if !present {
			name = strings.TrimPrefix(rest, "_")
		}
		for k, v := range set {
			if strings.Map(writable, k) != name {
				continue
			}
			if present {
				v = "true"
			}
			return v, true
		}
		return "", true
	}
	return "", false
}

// writable is a letter as labels of Prometheus have it.
func writable(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '_'
}

type monitorsKey struct{}

// Monitors are all monitors of the snapshot.
func (p *Pass) Monitors() []Monitor {
	return snapshot.Derived(p.Snapshot, monitorsKey{}, func() []Monitor {
		var list []Monitor
		for _, gk := range MonitorKinds {
			for _, o := range p.List(gk, "") {
				if m, ok := MonitorOf(o); ok {
					list = append(list, m)
				}
			}
		}
		return list
	})
}
