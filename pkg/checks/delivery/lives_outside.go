package delivery

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LivesOutside lists what a cluster's Services and workloads need and what is not in the cluster.
var LivesOutside = rule.Check{
	ID: "lives-outside", Title: "what it needs is outside of the cluster", Doc: rule.ReadDoc(docs, "lives_outside.md"),
	Dimension: rule.Delivery, Severity: rule.Info, Off: true,
	On: rule.Kinds(snapshot.ServiceKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.CronJobKind, snapshot.RolloutKind),
	Needs: []schema.GroupKind{
		snapshot.ServiceKind, snapshot.EndpointSliceKind, snapshot.PodKind, snapshot.IngressKind, snapshot.HTTPRouteKind, snapshot.GatewayKind,
		snapshot.OpenShiftRouteKind, snapshot.IstioVirtualServiceKind, snapshot.TraefikRouteKind,
	},
	Applies: func(p *rule.Pass) bool {
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok {
			return len(p.Object.Templates) > 0 && !scaledToZero(p.Object) && p.Owner(p.Object) == nil
		}
		switch {
		case svc.Spec.Type == corev1.ServiceTypeExternalName:
			return svc.Spec.ExternalName != ""
		case len(svc.Spec.Selector) > 0 || svc.Name == "kubernetes" && svc.Namespace == "default":
			return false
		}
		return !p.ListRead(snapshot.EndpointSliceKind, svc.Namespace) || len(p.EndpointSlices(p.Object)) > 0
	},
	Run: func(p *rule.Pass) {
		svc, ok := p.Object.Typed.(*corev1.Service)
		switch {
		case !ok:
			settingsOutside(p)
		case svc.Spec.Type == corev1.ServiceTypeExternalName:
			aliasOutside(p, svc)
		default:
			addressesOutside(p)
		}
	},
}

// place is where a host is.
type place int

const (
	inside  place = iota // of the cluster, or nothing that can be told from it
	outside              // of it
	unclear              // what would decide was not read
)

// within is what a cluster consists of, and how it is reached.
type within struct {
	addresses map[string]string // of pods, nodes and Services: which of them
	holds     map[string]bool   // namespaces with Services
	names     map[string]bool   // by which it is reached from outside
	wild      []string          // the same, without the star: .example.com
}

type withinKey struct{}

func withinOf(p *rule.Pass) within {
	return snapshot.Derived(p.Snapshot, withinKey{}, func() within {
		w := within{addresses: map[string]string{}, holds: map[string]bool{}, names: map[string]bool{}}
		for _, o := range p.List(snapshot.PodKind, "") {
			if pod := o.Pod(); pod != nil && pod.Status.PodIP != "" {
				w.addresses[pod.Status.PodIP] = "pod"
				for _, ip := range pod.Status.PodIPs {
					w.addresses[ip.IP] = "pod"
				}
			}
		}
		for _, o := range p.List(snapshot.NodeKind, "") {
			if node, ok := o.Typed.(*corev1.Node); ok {
				for _, a := range node.Status.Addresses {
					w.addresses[a.Address] = "node"
				}
			}
		}
		w.addServices(p)
		w.addRoutes(p)
		return w
	})
}

func (w *within) addServices(p *rule.Pass) {
	for _, o := range p.List(snapshot.ServiceKind, "") {
		svc, ok := o.Typed.(*corev1.Service)
		if !ok {
			continue
		}
		w.holds[svc.Namespace] = true
		for _, ip := range slices.Concat([]string{svc.Spec.ClusterIP}, svc.Spec.ClusterIPs, svc.Spec.ExternalIPs) {
			w.addresses[ip] = "service"
		}
		for _, in := range svc.Status.LoadBalancer.Ingress {
			w.addresses[in.IP] = "service"
			w.add(in.Hostname)
		}
		for name := range strings.SplitSeq(svc.Annotations["external-dns.alpha.kubernetes.io/hostname"], ",") {
			w.add(strings.TrimSpace(name))
		}
	}
}

func (w *within) addRoutes(p *rule.Pass) {
	for _, o := range p.List(snapshot.IngressKind, "") {
		if ing, ok := o.Typed.(*networkingv1.Ingress); ok {
			for _, r := range ing.Spec.Rules {
				w.add(r.Host)
			}
		}
	}
	for _, o := range p.List(snapshot.HTTPRouteKind, "") {
		w.addAll(o, "spec", "hostnames")
	}
	for _, o := range p.List(snapshot.OpenShiftRouteKind, "") {
		w.add(text(o, "spec", "host"))
	}
	for _, o := range p.List(snapshot.IstioVirtualServiceKind, "") {
		if o.Has("spec", "gateways") { // else it speaks of calls within the mesh
			w.addAll(o, "spec", "hosts")
		}
	}
	for _, o := range p.List(snapshot.GatewayKind, "") {
		v, _ := o.At("spec", "listeners")
		listeners, _ := v.([]any)
		for _, item := range listeners {
			if l, ok := item.(map[string]any); ok {
				w.add(snapshot.TextIn(l, "hostname"))
			}
		}
	}
	for _, o := range p.List(snapshot.TraefikRouteKind, "") {
		v, _ := o.At("spec", "routes")
		routes, _ := v.([]any)
		for _, item := range routes {
			r, _ := item.(map[string]any)
			for _, m := range traefikHost.FindAllStringSubmatch(snapshot.TextIn(r, "match"), -1) {
				w.add(m[1])
			}
		}
	}
}

var traefikHost = knowledge.Regexp("Host\\(`([^`]+)`\\)")

func (w *within) addAll(o *snapshot.Object, keys ...string) {
	v, _ := o.At(keys...)
	items, _ := v.([]any)
	for _, item := range items {
		name, _ := item.(string)
		w.add(name)
	}
}

func (w *within) add(name string) {
	name = strings.ToLower(name)
	if rest, ok := strings.CutPrefix(name, "*"); ok {
		if strings.HasPrefix(rest, ".") {
			w.wild = append(w.wild, rest)
		}
		return
	}
	if name != "" {
		w.names[name] = true
	}
}

// placeOf tells where a host is.
func placeOf(p *rule.Pass, host string) place {
	w := withinOf(p)
	if ip, err := netip.ParseAddr(host); err == nil {
		switch {
		case knowledge.NodeAddress(ip) || w.addresses[host] != "":
			return inside
		case p.Files && !p.Closed && ip.IsPrivate():
			return inside // it may be that of a Service, which no manifest tells
		case p.ListRead(snapshot.ServiceKind, "") && p.ListRead(snapshot.PodKind, "") && p.ListRead(snapshot.NodeKind, ""):
			return outside
		}
		return unclear
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	const podOfService = 3 // POD.SERVICE.NAMESPACE
	switch {
	case len(labels) == 1 || knowledge.ClusterDomain(host) || w.names[host]:
		return inside
	case slices.ContainsFunc(w.wild, func(end string) bool { return strings.HasSuffix(host, end) }):
		return inside
	case len(labels) <= podOfService && w.holds[last]:
		return inside
	case !knowledge.KnownDomain(host) && (p.Files || len(labels) <= podOfService): // perhaps a Service in a namespace
		return inside
	}
	for _, gk := range []schema.GroupKind{snapshot.IngressKind, snapshot.HTTPRouteKind, snapshot.GatewayKind} {
		if !p.ListRead(gk, "") { // it may be a name of the cluster's own
			return unclear
		}
	}
	return outside
}

// target is a host outside and the setting that names it.
type target struct {
	host string
	by   string
	at   *field.Path
}

// settingsOutside reports a workload of which environment variables name hosts outside.
func settingsOutside(p *rule.Pass) {
	var found []target
	var doubt string
	for _, t := range p.Object.Templates {
		for _, c := range t.Containers() {
			for i, e := range c.Env {
				if e.Value == "" || knowledge.OwnAddress(e.Name) {
					continue
				}
				for _, h := range knowledge.HostsIn(e.Value, knowledge.HostSetting(e.Name)) {
					if h.Port != "" && knowledge.SecretName(e.Name) && !strings.Contains(e.Value, "://") {
						continue // a login looks the same
					}
					host := h.String()
					switch placeOf(p, h.Name) {
					case outside:
						if !slices.ContainsFunc(found, func(t target) bool { return t.host == host }) {
							found = append(found, target{host, e.Name, c.Path.Child("env").Index(i).Child("name")})
						}
					case unclear:
						doubt = host
					}
				}
			}
		}
	}
	if len(found) == 0 {
		if doubt != "" {
			p.Unknown("whether %s is a name or address of the cluster was not read everywhere", doubt)
		}
		return
	}
	var words []string
	f := rule.Finding{Field: found[0].at, Value: found[0].by, Label: "names " + found[0].host}
	for _, t := range found {
		words = append(words, fmt.Sprintf("%s (%s)", t.host, t.by))
		if t.at != found[0].at {
			f.Marks = append(f.Marks, rule.Mark{Field: t.at, Label: "names " + t.host})
		}
	}
	f.Message = "needs what is outside of the cluster: " + someHosts(words)
	p.Report(f)
}

// someHosts are the first of a list in words.
func someHosts(list []string) string {
	const most = 3
	return rule.Few(list, most)
}

// aliasOutside reports a Service that is another name for a host outside.
func aliasOutside(p *rule.Pass, svc *corev1.Service) {
	host := strings.TrimSuffix(strings.ToLower(svc.Spec.ExternalName), ".")
	switch placeOf(p, host) {
	case inside:
		return
	case unclear:
		p.Unknown("whether %s is a name of the cluster was not read everywhere", host)
		return
	}
	p.Report(rule.Finding{
		Field: field.NewPath("spec", "externalName"), Value: svc.Spec.ExternalName, Label: "not in the cluster",
		Message: fmt.Sprintf("is another name for %s, outside of the cluster", host),
	})
}

// addressesOutside reports a Service without a selector, whose addresses somebody keeps, as far as they are none of the
// cluster.
func addressesOutside(p *rule.Pass) {
	seen := map[string]bool{}
	var out []string
	var doubt string
	pods, nodes := 0, 0
	for _, o := range p.EndpointSlices(p.Object) {
		slice, ok := o.Typed.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		for _, e := range slice.Endpoints {
			for _, address := range e.Addresses {
				if seen[address] {
					continue
				}
				seen[address] = true
				kind := withinOf(p).addresses[address]
				if e.TargetRef != nil {
					kind = strings.ToLower(e.TargetRef.Kind)
				}
				switch {
				case kind == "pod":
					pods++
				case kind == "node":
					nodes++
				case kind != "" && kind != "service":
					pods++ // a kind of pods that somebody else knows, such as a virtual machine's
				default:
					switch placeOf(p, address) {
					case outside:
						out = append(out, address+portOf(slice))
					case unclear:
						doubt = address
					}
				}
			}
		}
	}
	if len(out) == 0 {
		if doubt != "" {
			p.Unknown("whether %s is an address of the cluster was not read everywhere", doubt)
		}
		return
	}
	f := rule.Finding{Field: field.NewPath("spec", "selector"), Label: "none: somebody keeps its addresses by hand"}
	switch {
	case pods > 0:
		f.Message = fmt.Sprintf("%d of %s are pods, and outside of the cluster are %s", pods, addresses(len(seen)), someHosts(out))
	case nodes > 0:
		f.Message = fmt.Sprintf("%d of %s are nodes, and outside of the cluster are %s", nodes, addresses(len(seen)), someHosts(out))
	default:
		f.Message = fmt.Sprintf("none of %s is a pod, and outside of the cluster are %s", addresses(len(seen)), someHosts(out))
		if len(seen) == 1 {
			f.Message = fmt.Sprintf("leads to %s, outside of the cluster", out[0])
		}
	}
	p.Report(f)
}

func addresses(n int) string {
	if n == 1 {
		return "1 address"
	}
	return fmt.Sprintf("%d addresses", n)
}

// portOf is the port of a slice that has one, as it is written behind an address.
func portOf(slice *discoveryv1.EndpointSlice) string {
	if len(slice.Ports) == 1 && slice.Ports[0].Port != nil && slice.AddressType != discoveryv1.AddressTypeIPv6 {
		return fmt.Sprintf(":%d", *slice.Ports[0].Port)
	}
	return ""
}
