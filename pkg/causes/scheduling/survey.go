package scheduling

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// kind is one thing that the scheduler refuses a node for, in the scheduler's own words.
type kind string

// The scheduler's words, each from the plugin that says it.
const (
	byCordon   kind = "were unschedulable"
	byTaint    kind = taintWords
	bySelector kind = selectorWords
	byPorts    kind = "didn't have free ports for the requested pod ports"
	byRoom     kind = "Insufficient cpu, memory or ephemeral-storage"
	byDevice   kind = "Insufficient extended resources"
	byCrowd    kind = "Too many pods"
	byAffinity kind = "didn't match pod affinity rules"
	byAnti     kind = "didn't match pod anti-affinity rules"
	byTheirs   kind = "didn't satisfy existing pods anti-affinity rules"
	bySpread   kind = "didn't match pod topology spread constraints"
	byVolume   kind = "volume cannot be used on the node"
	byLimit    kind = "exceed max volume count"
	byOnePod   kind = "ReadWriteOncePod access mode already in-use"
	byBinding  kind = "didn't find available persistent volumes to bind"
)

// blamable are the kinds among which the verdict is picked once labels and taints leave a node; where
// two would open equally many nodes the first is it.
var blamable = []kind{byRoom, byDevice, byCrowd, byPorts, byVolume, byBinding, byOnePod, byLimit, bySpread, byAffinity, byAnti, byTheirs, byCordon}

// said tells whether the scheduler's message names the kind.
func said(message string, k kind) bool {
	message = withoutPreemption(message)
	switch k {
	case byRoom:
		return insufficient.MatchString(message)
	case byDevice:
		return deviceMissing.MatchString(message)
	case byVolume:
		// The first is what schedulers before 1.33 say.
		return strings.Contains(message, "had volume node affinity conflict") || strings.Contains(message, "didn't match PersistentVolume's node affinity") ||
			strings.Contains(message, "had no available volume zone")
	}
	return strings.Contains(message, string(k))
}

// obstacle is what keeps the pod from one node.
type obstacle struct {
	kind kind
	text string
}

// place is a node, and all that keeps the pod from it.
type place struct {
	node      *corev1.Node
	obstacles []obstacle
}

func (pl place) has(k kind) bool {
	return slices.ContainsFunc(pl.obstacles, func(o obstacle) bool { return o.kind == k })
}

// kinds are the different kinds of obstacles of the place.
func (pl place) kinds() []kind {
	var list []kind
	for _, o := range pl.obstacles {
		if !slices.Contains(list, o.kind) {
			list = append(list, o.kind)
		}
	}
	return list
}

// survey is what the scheduler did by itself: every node against everything that the pod asks for.
// The scheduler names one reason for each node, the first; this names all.
type survey struct {
	p       *rule.Pass
	message string
	places  []place
	rooms   map[string]corev1.ResourceList // what is not requested yet, by node; nil where pods were not read
	taken   map[string][]*snapshot.Object  // the pods on each node
}

// surveyWants are the nodes and, where the scheduler's words speak of something that other pods take,
// the pods on them.
func surveyWants(p *rule.Pass, message string) []snapshot.Want {
	wants := []snapshot.Want{snapshot.WantList(snapshot.NodeKind, "", "")}
	for _, k := range []kind{byRoom, byDevice, byCrowd, byPorts, byAffinity, byAnti, byTheirs, bySpread} {
		if said(message, k) && (k != byRoom || !tooSmall(p)) {
			return append(wants, snapshot.WantList(snapshot.PodKind, "", ""))
		}
	}
	return wants
}

// tooSmall tells that no node would hold the pod even if it were empty: who else runs there is then
// not worth reading.
func tooSmall(p *rule.Pass) bool {
	all := nodes(p)
	for _, n := range all {
		if fits(p.Object.Pod(), n.Status.Allocatable) {
			return false
		}
	}
	return len(all) > 0
}

func fits(pod *corev1.Pod, has corev1.ResourceList) bool {
	for name, want := range requests(pod) {
		if q, known := has[name]; known && q.Cmp(want) < 0 {
			return false
		}
	}
	return true
}

func requests(pod *corev1.Pod) corev1.ResourceList {
	return helper.PodRequests(pod, helper.PodResourcesOptions{})
}

// running tells whether a pod takes part of its node.
func running(pod *corev1.Pod) bool {
	return pod.Spec.NodeName != "" && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

type (
	takenKey  struct{}
	roomsKey  struct{}
	surveyKey struct{ pod snapshot.Ref }
)

// takenOf are the pods that run on each node.
func takenOf(p *rule.Pass) map[string][]*snapshot.Object {
	taken := map[string][]*snapshot.Object{}
	for _, o := range p.List(snapshot.PodKind, "") {
		if running(o.Pod()) {
			taken[o.Pod().Spec.NodeName] = append(taken[o.Pod().Spec.NodeName], o)
		}
	}
	return taken
}

// look surveys the nodes; it has no places where nodes were not read.
func look(p *rule.Pass, message string) *survey {
	s := &survey{p: p, message: message, taken: snapshot.Derived(p.Snapshot, takenKey{}, func() map[string][]*snapshot.Object { return takenOf(p) })}
	all := nodes(p)
	everywhere := p.ListRead(snapshot.PodKind, "")
	if everywhere {
		s.rooms = snapshot.Derived(p.Snapshot, roomsKey{}, func() map[string]corev1.ResourceList {
			rooms := map[string]corev1.ResourceList{}
			known := asked{}
			for _, n := range all {
				rooms[n.Name] = left(n, s.taken[n.Name], known)
			}
			return rooms
		})
	}
	required := nodeaffinity.GetRequiredNodeAffinity(p.Object.Pod())
	asked := demands(p)
	neighbours := newNeighbours(p, all, s.taken)
	volumes := boundVolumes(p)
	unknown := s.uncounted(everywhere, neighbours, volumes)
	for _, n := range all {
		pl := place{node: n}
		add := func(k kind, text string) { pl.obstacles = append(pl.obstacles, obstacle{k, text}) }
		if ok, err := required.Match(n); !ok && err == nil {
			add(bySelector, lacking(asked, n))
		}
		if taints := untolerated(p.Object.Pod(), n); len(taints) > 0 {
			add(byTaint, "taint "+taints[0].ToString())
		}
		if n.Spec.Unschedulable && !toleratesCordon(p.Object.Pod()) {
			add(byCordon, "cordoned")
		}
		s.room(n, add)
		if everywhere {
			s.ports(n, add)
		}
		neighbours.judge(n, add)
		for _, v := range volumes {
			if text := v.conflict(n); text != "" {
				add(byVolume, text)
			}
		}
		if len(pl.obstacles) == 0 {
			for _, k := range unknown {
				add(k, "the scheduler says: "+string(k))
			}
		}
		s.places = append(s.places, pl)
	}
	return s
}

// uncounted are the kinds that the scheduler names and that cannot be counted out from what was read:
// a node that nothing else keeps the pod from is refused for one of them.
func (s *survey) uncounted(everywhere bool, n *neighbours, volumes []boundVolume) []kind {
	var list []kind
	for _, k := range []kind{byLimit, byOnePod, byBinding} {
		if said(s.message, k) {
			list = append(list, k)
		}
	}
	for _, k := range []kind{byRoom, byDevice, byCrowd, byPorts, byTheirs} {
		if said(s.message, k) && !everywhere {
			list = append(list, k)
		}
	}
	for _, k := range []kind{byAffinity, byAnti, bySpread} {
		if said(s.message, k) && !n.known {
			list = append(list, k)
		}
	}
	if said(s.message, byVolume) && len(volumes) == 0 {
		list = append(list, byVolume)
	}
	return list
}

// asked are the requests of pods by the first of their containers: the pods of a controller may share one spec.
type asked map[*corev1.Container]corev1.ResourceList

func (a asked) of(pod *corev1.Pod) corev1.ResourceList {
	if len(pod.Spec.Containers) == 0 {
		return requests(pod)
	}
	first := &pod.Spec.Containers[0]
	r, ok := a[first]
	if !ok {
		r = requests(pod)
		a[first] = r
	}
	return r
}

// left is what of a node no pod has requested.
func left(n *corev1.Node, pods []*snapshot.Object, known asked) corev1.ResourceList {
	free := corev1.ResourceList{}
	for name, q := range n.Status.Allocatable {
		free[name] = q.DeepCopy()
	}
	take := func(name corev1.ResourceName, q resource.Quantity) {
		if have, ok := free[name]; ok {
			have.Sub(q)
			free[name] = have
		}
	}
	for _, o := range pods {
		for name, q := range known.of(o.Pod()) {
			take(name, q)
		}
		take(corev1.ResourcePods, *resource.NewQuantity(1, resource.DecimalSI))
	}
	return free
}

// room compares what the pod requests with what the node has, and has left.
func (s *survey) room(n *corev1.Node, add func(kind, string)) {
	if len(n.Status.Allocatable) == 0 {
		return // no kubelet has said what it has
	}
	ask := requests(s.p.Object.Pod())
	names := make([]string, 0, len(ask))
	for name, want := range ask {
		if !want.IsZero() {
			names = append(names, string(name))
		}
	}
	sort.Strings(names)
	for _, name := range names {
		name := corev1.ResourceName(name)
		want, all := ask[name], n.Status.Allocatable[name]
		k := byRoom
		if extended(name) {
			k = byDevice
		}
		switch free, known := s.rooms[n.Name][name]; {
		case all.IsZero() && k == byDevice:
			add(k, "no "+string(name))
		case all.Cmp(want) < 0:
			add(k, fmt.Sprintf("too small: %s of %s in all", all.String(), name))
		case known && free.Cmp(want) < 0:
			short := want.DeepCopy()
			short.Sub(free)
			add(k, fmt.Sprintf("%s of %s short: %s of %s left", short.String(), name, amount(free), all.String()))
		}
	}
	pods, ok := n.Status.Allocatable[corev1.ResourcePods]
	if free, known := s.rooms[n.Name][corev1.ResourcePods]; ok && (known && free.Sign() <= 0 || pods.IsZero()) {
		add(byCrowd, fmt.Sprintf("takes %s and has as many", rule.Count(int(pods.Value()), "pod")))
	}
}

// amount words what is left; a node may be overcommitted by pods that no scheduler placed.
func amount(q resource.Quantity) string {
	if q.Sign() < 0 {
		return "nothing"
	}
	return q.String()
}

// extended tells the resources that device plugins and the like offer.
func extended(name corev1.ResourceName) bool {
	switch name {
	case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage, corev1.ResourcePods:
		return false
	}
	return true
}

func toleratesCordon(pod *corev1.Pod) bool {
	taint := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	return rule.TolerationFor(taint, pod.Spec.Tolerations) >= 0
}

// wanted are the ports of the node that a pod takes: protocol, address, number.
func wanted(pod *corev1.Pod) []corev1.ContainerPort {
	var list []corev1.ContainerPort
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, port := range c.Ports {
			if port.HostPort > 0 {
				list = append(list, port)
			}
		}
	}
	return list
}

func clash(a, b corev1.ContainerPort) bool {
	anywhere := func(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }
	protocol := func(p corev1.Protocol) corev1.Protocol {
		if p == "" {
			return corev1.ProtocolTCP
		}
		return p
	}
	return a.HostPort == b.HostPort && protocol(a.Protocol) == protocol(b.Protocol) && (anywhere(a.HostIP) || anywhere(b.HostIP) || a.HostIP == b.HostIP)
}

// holder is a pod on the node that has a port which this pod wants.
func (s *survey) holder(n *corev1.Node) (*snapshot.Object, corev1.ContainerPort) {
	for _, port := range wanted(s.p.Object.Pod()) {
		for _, o := range s.taken[n.Name] {
			if slices.ContainsFunc(wanted(o.Pod()), func(other corev1.ContainerPort) bool { return clash(port, other) }) {
				return o, port
			}
		}
	}
	return nil, corev1.ContainerPort{}
}

func (s *survey) ports(n *corev1.Node, add func(kind, string)) {
	if o, port := s.holder(n); o != nil {
		add(byPorts, fmt.Sprintf("%s has port %d", o.String(), port.HostPort))
	}
}

// open are the places that the pod's labels and tolerations leave.
func (s *survey) open() []place {
	var list []place
	for _, pl := range s.places {
		if !pl.has(bySelector) && !pl.has(byTaint) {
			list = append(list, pl)
		}
	}
	return list
}

// with are the open places that a kind keeps the pod from, those first that little else does.
func (s *survey) with(k kind) []place {
	var list []place
	for _, pl := range s.open() {
		if pl.has(k) {
			list = append(list, pl)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return len(list[i].kinds()) < len(list[j].kinds()) })
	return list
}

// alone counts the open places that nothing but the kind keeps the pod from.
func (s *survey) alone(k kind) int {
	n := 0
	for _, pl := range s.open() {
		if kinds := pl.kinds(); len(kinds) == 1 && kinds[0] == k {
			n++
		}
	}
	return n
}

// free is a node that nothing keeps the pod from any more.
func (s *survey) free() *corev1.Node {
	for _, pl := range s.places {
		if len(pl.obstacles) == 0 {
			return pl.node
		}
	}
	return nil
}

// blame is the kind that keeps the pod from most nodes all by itself; "" where it is the labels or the
// taints, which somebody meant. Only what the scheduler names can be it.
func (s *survey) blame() kind {
	if len(s.places) > 0 && len(s.open()) == 0 && (said(s.message, bySelector) || said(s.message, byTaint)) {
		return ""
	}
	best, most := kind(""), -1
	for _, k := range blamable {
		if !said(s.message, k) {
			continue
		}
		n := s.alone(k) * len(blamable) * 100
		if len(s.places) == 0 || n == 0 && s.free() != nil {
			n = count(s.message, k)
		} else if n == 0 {
			n = len(s.with(k))
		}
		if n > most {
			best, most = k, n
		}
	}
	return best
}

// count is for how many nodes the scheduler names the kind.
func count(message string, k kind) int {
	n := 0
	for _, m := range refusals.FindAllStringSubmatch(withoutPreemption(message), -1) {
		if said(m[2], k) {
			if c, err := strconv.Atoi(m[1]); err == nil {
				n += c
			}
		}
	}
	return n
}

// blamed is the survey of a pod for which the kind is to blame; nil for all others.
func blamed(p *rule.Pass, k kind) (*survey, rule.Evidence) {
	message, evidence, ok := unschedulable(p)
	if !ok || !said(message, k) {
		return nil, evidence
	}
	s := snapshot.Derived(p.Snapshot, surveyKey{p.Object.Ref}, func() *survey { return look(p, message) })
	if s.blame() != k {
		return nil, evidence
	}
	return s, evidence
}

// wantsFor asks for what the survey needs, where the scheduler names one of the kinds.
func wantsFor(p *rule.Pass, kinds ...kind) []snapshot.Want {
	message, _, ok := unschedulable(p)
	if !ok || !slices.ContainsFunc(kinds, func(k kind) bool { return said(message, k) }) {
		return nil
	}
	return surveyWants(p, message)
}

// linesOfNodes is how many lines the nodes get, in the evidence.
const linesOfNodes = 4

// tell puts into a finding what keeps the pod from each node, nodes alike in one line, and what the
// kind alone would open.
func (s *survey) tell(f *rule.Finding, k kind) {
	type group struct {
		text  string
		nodes []string
		lacks int
	}
	var groups []*group
	byText := map[string]*group{}
	for _, pl := range s.places {
		texts := make([]string, 0, len(pl.obstacles))
		for _, o := range pl.obstacles {
			texts = append(texts, o.text)
		}
		text := strings.Join(texts, "; ")
		if text == "" {
			text = "nothing keeps it from there now: the scheduler will try again"
		}
		g := byText[text]
		if g == nil {
			g = &group{text: text, lacks: len(pl.kinds())}
			byText[text] = g
			groups = append(groups, g)
		}
		g.nodes = append(g.nodes, "node/"+pl.node.Name)
	}
	sort.SliceStable(groups, func(i, j int) bool {
		if groups[i].lacks != groups[j].lacks {
			return groups[i].lacks < groups[j].lacks
		}
		return len(groups[i].nodes) > len(groups[j].nodes)
	})
	for i, g := range groups {
		if i == linesOfNodes && len(groups) > linesOfNodes+1 {
			rest := 0
			for _, more := range groups[i:] {
				rest += len(more.nodes)
			}
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: fmt.Sprintf("%s more, farther off", rule.Count(rest, "node"))})
			break
		}
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: words(g.nodes) + ": " + g.text})
	}
	if s.free() != nil || len(s.places) == 0 && len(refused(s.message)) > 1 {
		f.Certainty = rule.Likely
	}
	if f.Fix == nil || len(s.places) < 2 || s.free() != nil {
		return
	}
	switch n := s.alone(k); {
	case n == 0 && len(s.open()) > 0:
		f.Fix.Caution = join(f.Fix.Caution, "this alone places it on no node: each lacks something else as well")
	case n > 0 && n < len(s.places):
		f.Fix.Caution = join(f.Fix.Caution, fmt.Sprintf("this is all that %d of %s lack; the others lack something else", n, rule.Count(len(s.places), "node")))
	}
}

// lacking names the labels that the pod asks for and a node does not have.
func lacking(asked []demand, n *corev1.Node) string {
	var list []string
	for _, d := range asked {
		switch {
		case d.match(n):
		case len(d.values) == 1:
			list = append(list, d.key+"="+d.values[0])
		default:
			list = append(list, d.key+": "+d.value)
		}
	}
	if len(list) == 0 {
		return "not the labels that it asks for"
	}
	return "not " + strings.Join(list, ", not ")
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + ". " + strings.ToUpper(b[:1]) + b[1:]
}

// nearest are the places that a kind keeps the pod from and that least else does.
func (s *survey) nearest(k kind) []place {
	list := s.with(k)
	for i, pl := range list {
		if len(pl.kinds()) > len(list[0].kinds()) {
			return list[:i]
		}
	}
	return list
}
