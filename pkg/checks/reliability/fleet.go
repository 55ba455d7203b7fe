package reliability

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	helper "k8s.io/component-helpers/resource"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// fleet is the nodes of a cluster and what runs on them, as the scheduler looks at them. It finds out more of itself
// while it is asked, so that one goroutine has it for itself.
type fleet struct {
	s       *snapshot.Snapshot
	nodes   []*berth
	index   map[string]int              // by name
	column  map[corev1.ResourceName]int // of room and wants
	kinds   map[kindKey]*podKind        // of pods
	within  map[string][]*podKind       // by namespace
	apart   map[string][]*podTerm       // required anti-affinities that hold in a namespace, of pods that are there
	labels  map[string]labels.Set       // of namespaces
	domains map[string]domains          // by topology key
	reach   map[string][]bool           // by volume: the nodes from which it can be used; nil for all
	owners  map[snapshot.Ref]*podOwner  // by controller
	names   map[int]corev1.ResourceName // of columns
	volumes map[string]*corev1.PersistentVolume
}

// berth is a node.
type berth struct {
	*corev1.Node
	open  bool // takes pods as far as its own state goes
	room  []int64
	slots int
	ports []hostPort
	pods  []*lodger
}

// lodger is a pod on a node.
type lodger struct {
	*snapshot.Object
	pod  *corev1.Pod
	kind *podKind
	want []int64
}

// kindKey is what pods of one making have in common.
type kindKey struct {
	owner    snapshot.Ref
	revision string
}

// podKind is what the scheduler asks for all pods of one making.
type podKind struct {
	namespace string
	labels    labels.Set
	spec      *corev1.PodSpec // where they may run
	top       *snapshot.Object
	on        map[int]int // how many are on a node
	ports     []hostPort
	near      []*podTerm
	apart     []*podTerm
	spread    []*spreadTerm
	fits      []bool     // by node: nodeSelector, affinity and taints
	against   []*podTerm // of others that keep these away
	looked    bool
}

// podOwner is what the controllers of a pod say of where it may run.
type podOwner struct {
	top      *snapshot.Object
	template *corev1.PodSpec // nil where none was read
}

// podTerm is a rule of some pods about where others are.
type podTerm struct {
	of    *podKind
	key   string
	wide  bool // it reaches other namespaces
	finds func(*podKind) bool
	found []*podKind // what it finds, once it was asked
	asked bool
}

// spreadTerm is a topologySpreadConstraint that must hold.
type spreadTerm struct {
	podTerm
	skew, least int
	anyNode     bool // nodes that the pods may not run on count
	taints      bool // nodes whose taints they do not tolerate do not count
}

// hostPort is a port of a node that a pod takes.
type hostPort struct {
	ip       string
	protocol corev1.Protocol
	port     int32
}

func (h hostPort) conflicts(other hostPort) bool {
	return h.port == other.port && h.protocol == other.protocol && (h.ip == other.ip || h.ip == "" || other.ip == "")
}

// fleetOf looks at all nodes and the pods on them.
func fleetOf(s *snapshot.Snapshot) *fleet {
	f := &fleet{
		s: s, index: map[string]int{}, column: map[corev1.ResourceName]int{}, kinds: map[kindKey]*podKind{}, within: map[string][]*podKind{}, apart: map[string][]*podTerm{},
		labels: map[string]labels.Set{}, domains: map[string]domains{}, reach: map[string][]bool{}, owners: map[snapshot.Ref]*podOwner{}, names: map[int]corev1.ResourceName{},
		volumes: map[string]*corev1.PersistentVolume{},
	}
	for _, o := range s.List(snapshot.NodeKind, "") {
		if n, ok := o.Typed.(*corev1.Node); ok {
			f.index[n.Name] = len(f.nodes)
			f.nodes = append(f.nodes, &berth{Node: n, open: rule.NodeReady(o) == corev1.ConditionTrue && n.DeletionTimestamp == nil})
		}
	}
	for _, o := range s.List(snapshot.NamespaceKind, "") {
		f.labels[o.Name] = o.Meta.GetLabels()
	}
	for _, o := range s.List(snapshot.PodKind, "") {
		pod := o.Pod()
		if pod == nil || pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		if at, ok := f.index[pod.Spec.NodeName]; ok {
			l := &lodger{Object: o, pod: pod, kind: f.kindOf(o)}
			f.nodes[at].pods = append(f.nodes[at].pods, l)
			l.kind.on[at]++
			l.want = f.wants(pod)
		}
	}
	for _, n := range f.nodes {
		f.measure(n)
	}
	for _, kinds := range f.within {
		for _, k := range kinds {
			for _, t := range k.apart {
				for _, namespace := range f.reached(t) {
					f.apart[namespace] = append(f.apart[namespace], t)
				}
			}
		}
	}
	return f
}

// reached are the namespaces in which a term may find pods.
func (f *fleet) reached(t *podTerm) []string {
	if !t.wide {
		return []string{t.of.namespace}
	}
	return slices.Collect(maps.Keys(f.within))
}

// foundBy are the kinds of pods that a term finds.
func (f *fleet) foundBy(t *podTerm) []*podKind {
	if !t.asked {
		t.asked = true
		for _, namespace := range f.reached(t) {
			for _, k := range f.within[namespace] {
				if t.finds(k) {
					t.found = append(t.found, k)
				}
			}
		}
	}
	return t.found
}

// wants are the requests of a pod, by column.
func (f *fleet) wants(pod *corev1.Pod) []int64 {
	var want []int64
	for name, q := range helper.PodRequests(pod, helper.PodResourcesOptions{}) {
		i, ok := f.column[name]
		if !ok {
			i = len(f.column)
			f.column[name], f.names[i] = i, name
		}
		for len(want) <= i {
			want = append(want, 0)
		}
		want[i] = amount(name, q)
	}
	return want
}

func amount(name corev1.ResourceName, q resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}

// measure finds out what is left on a node. What a node does not say of cpu, memory and disk is not bounded.
func (f *fleet) measure(n *berth) {
	n.room = make([]int64, len(f.column))
	for name, i := range f.column {
		q, ok := n.Status.Allocatable[name]
		switch {
		case ok:
			n.room[i] = amount(name, q)
		case name == corev1.ResourceCPU || name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage:
			n.room[i] = math.MaxInt64
		}
	}
	n.slots = math.MaxInt32
	if q, ok := n.Status.Allocatable[corev1.ResourcePods]; ok {
		n.slots = int(q.Value())
	}
	n.slots -= len(n.pods)
	for _, l := range n.pods {
		for i, w := range l.want {
			if n.room[i] != math.MaxInt64 {
				n.room[i] -= w
			}
		}
		n.ports = append(n.ports, l.kind.ports...)
	}
}

// ownerOf is the object that makes a pod and all others of its kind.
func (f *fleet) ownerOf(o *snapshot.Object) *podOwner {
	ref, _ := o.OwnerRef()
	if known, ok := f.owners[ref.Key()]; ok {
		return known
	}
	known := &podOwner{top: o}
	for range 5 {
		next := f.s.Owner(known.top)
		if next == nil || next.GroupKind() == snapshot.NodeKind {
			break
		}
		known.top = next
		// Of revisions that are well the template is not kept.
		if known.template == nil && len(next.Templates) == 1 && len(next.Templates[0].Spec.Containers) > 0 {
			known.template = next.Templates[0].Spec
		}
	}
	f.owners[ref.Key()] = known
	return known
}

func (f *fleet) kindOf(o *snapshot.Object) *podKind {
	pod := o.Pod()
	key, owner := kindKey{owner: o.Key()}, &podOwner{top: o}
	if ref, ok := o.OwnerRef(); ok && ref.GroupKind() != snapshot.NodeKind {
		key = kindKey{ref.Key(), pod.Labels[appsv1.ControllerRevisionHashLabelKey]}
		owner = f.ownerOf(o)
	}
	if k := f.kinds[key]; k != nil {
		return k
	}
	k := &podKind{namespace: o.Namespace, labels: pod.Labels, spec: &pod.Spec, top: owner.top, on: map[int]int{}, ports: hostPorts(&pod.Spec)}
	// Of pods that are well neither selector nor tolerations are kept; those of the controller's template are theirs.
	if t := owner.template; t != nil && pod.Spec.NodeSelector == nil && pod.Spec.Tolerations == nil && pod.Spec.DNSPolicy == "" {
		spec := pod.Spec
		spec.NodeSelector, spec.Tolerations = t.NodeSelector, t.Tolerations
		k.spec = &spec
	}
	if a := k.spec.Affinity; a != nil {
		if a.PodAffinity != nil {
			for i := range a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
				k.near = append(k.near, f.term(k, &a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i]))
			}
		}
		if a.PodAntiAffinity != nil {
			for i := range a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
				k.apart = append(k.apart, f.term(k, &a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i]))
			}
		}
	}
	for i := range k.spec.TopologySpreadConstraints {
		if c := &k.spec.TopologySpreadConstraints[i]; c.WhenUnsatisfiable == corev1.DoNotSchedule {
			k.spread = append(k.spread, f.spreadTerm(k, c))
		}
	}
	f.kinds[key] = k
	f.within[k.namespace] = append(f.within[k.namespace], k)
	return k
}

// narrowed is a selector with what matchLabelKeys and mismatchLabelKeys add to it: the pod's own values.
func narrowed(ls *metav1.LabelSelector, own labels.Set, match, mismatch []string) labels.Selector {
	selector, err := snapshot.SelectorOf(ls)
	if err != nil {
		return labels.Nothing()
	}
	add := func(keys []string, op selection.Operator) {
		for _, key := range keys {
			if v, ok := own[key]; ok {
				if r, err := labels.NewRequirement(key, op, []string{v}); err == nil {
					selector = selector.Add(*r)
				}
			}
		}
	}
	add(match, selection.In)
	add(mismatch, selection.NotIn)
	return selector
}

func (f *fleet) term(k *podKind, t *corev1.PodAffinityTerm) *podTerm {
	selector := narrowed(t.LabelSelector, k.labels, t.MatchLabelKeys, t.MismatchLabelKeys)
	spaces := labels.Nothing()
	if t.NamespaceSelector != nil {
		if s, err := snapshot.SelectorOf(t.NamespaceSelector); err == nil {
			spaces = s
		}
	}
	own := len(t.Namespaces) == 0 && t.NamespaceSelector == nil
	return &podTerm{of: k, key: t.TopologyKey, wide: !own, finds: func(other *podKind) bool {
		within := own && other.namespace == k.namespace || slices.Contains(t.Namespaces, other.namespace) || t.NamespaceSelector != nil && spaces.Matches(f.labels[other.namespace])
		return within && selector.Matches(other.labels)
	}}
}

func (f *fleet) spreadTerm(k *podKind, c *corev1.TopologySpreadConstraint) *spreadTerm {
	selector := narrowed(c.LabelSelector, k.labels, c.MatchLabelKeys, nil)
	t := &spreadTerm{podTerm: podTerm{of: k, key: c.TopologyKey}, skew: int(c.MaxSkew), least: 1}
	t.finds = func(other *podKind) bool { return other.namespace == k.namespace && selector.Matches(other.labels) }
	if c.MinDomains != nil {
		t.least = int(*c.MinDomains)
	}
	t.anyNode = c.NodeAffinityPolicy != nil && *c.NodeAffinityPolicy == corev1.NodeInclusionPolicyIgnore
	t.taints = c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor
	return t
}

// hostPorts are the ports of their node that pods take. On the network of the node every declared port is one.
func hostPorts(spec *corev1.PodSpec) []hostPort {
	var list []hostPort
	add := func(c *corev1.Container) {
		for _, port := range c.Ports {
			h := hostPort{port.HostIP, cmp.Or(port.Protocol, corev1.ProtocolTCP), port.HostPort}
			if h.port == 0 && spec.HostNetwork {
				h.port = port.ContainerPort
			}
			if h.ip == "0.0.0.0" || h.ip == "::" {
				h.ip = ""
			}
			if h.port > 0 {
				list = append(list, h)
			}
		}
	}
	for i := range spec.InitContainers {
		if c := &spec.InitContainers[i]; c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			add(c)
		}
	}
	for i := range spec.Containers {
		add(&spec.Containers[i])
	}
	return list
}

// look finds out what of a kind of pods does not change while pods move.
func (f *fleet) look(k *podKind) {
	if k.looked {
		return
	}
	k.looked = true
	k.fits = make([]bool, len(f.nodes))
	required := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: *k.spec})
	for i, n := range f.nodes {
		if ok, err := required.Match(n.Node); err == nil {
			k.fits[i] = ok
		}
	}
	for _, t := range f.apart[k.namespace] {
		if t.finds(k) {
			k.against = append(k.against, t)
		}
	}
}

// domains are the places of a topology key.
type domains struct {
	of    []int // by node, -1 for one without the label
	count int
}

func (f *fleet) domainsOf(key string) domains {
	if d, ok := f.domains[key]; ok {
		return d
	}
	d, seen := domains{of: make([]int, len(f.nodes))}, map[string]int{}
	for i, n := range f.nodes {
		value, has := n.Labels[key]
		if !has {
			d.of[i] = -1
			continue
		}
		number, ok := seen[value]
		if !ok {
			number = len(seen)
			seen[value] = number
		}
		d.of[i] = number
	}
	d.count = len(seen)
	f.domains[key] = d
	return d
}

// volume is a volume that a pod needs and that not every node can use; local is one that is on a node itself.
type volume struct {
	*corev1.PersistentVolume
	reach []bool
	local bool
}

// volumesOf are the volumes that bind a pod to some nodes. What goes with the pod is made anew elsewhere.
func (f *fleet) volumesOf(l *lodger) []volume {
	var list []volume
	for i := range l.pod.Spec.Volumes {
		claim := l.pod.Spec.Volumes[i].PersistentVolumeClaim
		if claim == nil {
			continue
		}
		o, _ := f.s.Lookup(snapshot.PVCKind, l.Namespace, claim.ClaimName)
		if o == nil {
			continue
		}
		pvc, ok := o.Typed.(*corev1.PersistentVolumeClaim)
		if !ok || pvc.Spec.VolumeName == "" {
			continue
		}
		if reach := f.reachOf(pvc.Spec.VolumeName); reach != nil {
			pv := f.volumes[pvc.Spec.VolumeName]
			list = append(list, volume{pv, reach, onNode(pv)})
		}
	}
	return list
}

func (f *fleet) reachOf(name string) []bool {
	if reach, ok := f.reach[name]; ok {
		return reach
	}
	f.reach[name] = nil
	o, _ := f.s.Lookup(snapshot.PVKind, "", name)
	if o == nil {
		return nil
	}
	pv, ok := o.Typed.(*corev1.PersistentVolume)
	if !ok || pv.Spec.NodeAffinity == nil || pv.Spec.NodeAffinity.Required == nil {
		return nil
	}
	selector, err := nodeaffinity.NewNodeSelector(pv.Spec.NodeAffinity.Required)
	if err != nil {
		return nil
	}
	reach := make([]bool, len(f.nodes))
	for i, n := range f.nodes {
		reach[i] = selector.Match(n.Node)
	}
	f.reach[name], f.volumes[name] = reach, pv
	return reach
}

// onNode tells a volume that is on the disk of a node from one that a zone reaches.
func onNode(pv *corev1.PersistentVolume) bool {
	if pv.Spec.Local != nil || pv.Spec.HostPath != nil {
		return true
	}
	for _, term := range pv.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, e := range append(slices.Clone(term.MatchExpressions), term.MatchFields...) {
			// Drivers name the label of a node by themselves: topology.topolvm.io/node, openebs.io/nodename.
			if name := e.Key[strings.LastIndexByte(e.Key, '/')+1:]; name == "hostname" || name == "node" || name == "nodename" || name == "metadata.name" {
				return true
			}
		}
	}
	return false
}

// stays tells what no drain moves: the pods of DaemonSets, those that a node starts from its own files, and what goes already.
func (l *lodger) stays() bool {
	if l.pod.DeletionTimestamp != nil || l.pod.Annotations[corev1.MirrorPodAnnotationKey] != "" {
		return true
	}
	ref, ok := l.OwnerRef()
	return ok && (ref.GroupKind() == snapshot.DaemonSetKind || ref.GroupKind() == snapshot.NodeKind)
}
