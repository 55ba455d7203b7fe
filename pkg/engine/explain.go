package engine

import (
	"slices"
	"sort"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Diagnosis is why one object is not healthy, or that it is.
type Diagnosis struct {
	Target   snapshot.Ref
	Health   Health
	Findings []*rule.Finding // the first is the verdict
	Changed  *Changed        // what was changed before the verdict came about; nil where nothing is known
	Pods     int             // how many pods the target has
	Path     []snapshot.Ref  // what leads from the target to where the verdict shows, with both ends; nil where it shows on the target
	Blind    []snapshot.Want // what its chain wanted and could not read

	// Unexplained are the pods and containers that are not well either, and of which no finding speaks.
	Unexplained []Unexplained
}

// Unexplained is something that is not well, and how.
type Unexplained struct {
	Object snapshot.Ref
	Text   string
}

// sampledPods is how many pods of one workload are read closely (events, logs) for each distinct
// container state.
const sampledPods = 3

// Wants tells what is still to be read before targets can be explained; it is empty when nothing
// more is. The caller reads it and asks again.
func (e *Engine) Wants(s *snapshot.Snapshot, targets []snapshot.Ref) []snapshot.Want {
	c := newChain(s)
	for _, t := range targets {
		c.walk(t)
	}
	e.ask(c)
	return c.wants
}

// Unproven are the objects that the targets' chains ask for and that a list lacks: lists are read at different
// moments, and only the server's own "not found" proves that something does not exist.
func (e *Engine) Unproven(s *snapshot.Snapshot, targets []snapshot.Ref) []snapshot.Want {
	c := newChain(s)
	for _, t := range targets {
		c.walk(t)
	}
	e.ask(c)
	var wants []snapshot.Want
	for w := range c.asked {
		if w.Verb != snapshot.Get {
			continue
		}
		if o, out := s.Lookup(w.GroupKind(), w.Namespace, w.Name); o == nil && out.State == snapshot.Absent && !out.Proven {
			wants = append(wants, w)
		}
	}
	sort.Slice(wants, func(i, j int) bool {
		return wants[i].String()+wants[i].Namespace < wants[j].String()+wants[j].Namespace
	})
	return wants
}

// ask adds what causes want of the objects of a chain.
func (e *Engine) ask(c *chain) {
	for _, o := range c.objects {
		for _, cause := range e.Causes {
			if cause.Wants == nil || !cause.On.Matches(c.s, o) || !c.close(o) {
				continue
			}
			pass := rule.NewPass(c.s, o, nil, cause, rule.Sink{})
			guard(cause.ID, o, func(NotEvaluated) {}, func() { c.want(cause.Wants(pass)...) })
		}
	}
}

// Explain judges the targets on what was read. What a rule could not judge because it failed is in
// the second result.
func (e *Engine) Explain(s *snapshot.Snapshot, targets []snapshot.Ref) ([]Diagnosis, []NotEvaluated) {
	var failed []NotEvaluated
	diagnoses := make([]Diagnosis, 0, len(targets))
	for _, t := range targets {
		d, f := e.explain(s, t)
		diagnoses = append(diagnoses, d)
		failed = append(failed, f...)
	}
	return diagnoses, failed
}

func (e *Engine) explain(s *snapshot.Snapshot, target snapshot.Ref) (Diagnosis, []NotEvaluated) {
	var failed []NotEvaluated
	d := Diagnosis{Target: target, Health: Health{Unknown, "could not be read"}}
	c := newChain(s)
	c.walk(target)
	if o, _ := s.Lookup(target.GroupKind(), target.Namespace, target.Name); o != nil {
		d.Health = HealthOf(s, o)
		d.Pods = len(s.PodsOf(s.TopOwner(o)))
	}
	var findings []*rule.Finding
	e.ask(c)
	for _, o := range c.objects {
		for _, cause := range e.Causes {
			if cause.On.Matches(s, o) {
				fs, fail := runCause(s, o, cause)
				findings = append(findings, fs...)
				failed = append(failed, fail...)
			}
		}
	}
	findings = merge(findings)
	if target.GroupKind() == snapshot.PodKind && d.Health.State == Healthy {
		findings = about(target, findings)
	}
	d.Findings = ownDeletionFirst(target, e.rank(settle(s, target, d.Health, findings)))
	if len(d.Findings) > 0 {
		overForGood(s, d.Findings[0])
	}
	if len(d.Findings) > 0 {
		d.Changed = changed(s, d.Findings[0])
		if seen := d.Findings[0].Seen; !seen.Same(target) {
			d.Path = c.path(target, seen)
		}
	}
	if len(d.Findings) > 0 && d.Health.State == Unhealthy {
		d.Unexplained = unexplained(c, d.Findings)
	}
	blind := map[snapshot.Want]bool{}
	for w := range c.asked {
		w, out := answer(s, w)
		if out.State == snapshot.Blind && !blind[w] {
			blind[w] = true
			d.Blind = append(d.Blind, w)
		}
	}
	sort.Slice(d.Blind, func(i, j int) bool { return d.Blind[i].String() < d.Blind[j].String() })
	return d, failed
}

// ownDeletionFirst puts what keeps a deleted target first: how the deletion of its pods goes on, which strikes as
// early in a life, has nothing to do with it.
func ownDeletionFirst(target snapshot.Ref, findings []*rule.Finding) []*rule.Finding {
	i := slices.IndexFunc(findings, func(f *rule.Finding) bool {
		return f.Seen.Same(target) && f.Stage == rule.StageStuckDeletion && f.Because == nil && f.Certainty != rule.Possible && !f.History
	})
	if i <= 0 {
		return findings
	}
	return slices.Concat(findings[i:i+1], findings[:i], findings[i+1:])
}

// settle makes findings say what the kind of the target alone knows: of a node, whom it hurts; of a
// namespace, that what is left in it keeps it; of a claim that waits as its class says, and of a budget whose
// pods are starting, that it is no fault.
func settle(s *snapshot.Snapshot, target snapshot.Ref, h Health, findings []*rule.Finding) []*rule.Finding {
	switch target.GroupKind() {
	case snapshot.PDBKind:
		return slices.DeleteFunc(findings, func(f *rule.Finding) bool {
			return h.State == Starting && f.Seen.Same(target) && f.Because != nil && f.Because.GroupKind() == snapshot.PodKind
		})
	case snapshot.PVCKind:
		for _, f := range findings {
			f.History = f.History || h.State == Idle && f.Seen.Same(target)
		}
	case snapshot.NodeKind:
		hurt := hurtOn(s, target.Name)
		for _, f := range findings {
			if f.Seen.Same(target) && !f.History && len(hurt) > 0 {
				f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: target, Text: hurt})
			}
		}
	case snapshot.NamespaceKind:
		inside := slices.IndexFunc(findings, func(f *rule.Finding) bool {
			return f.Stage == rule.StageStuckDeletion && f.Seen.Namespace == target.Name && f.Certainty != rule.Possible
		})
		for _, f := range findings {
			if inside >= 0 && f.Seen.Same(target) && f.Because == nil {
				f.Because = &findings[inside].Seen
			}
		}
	}
	return findings
}

// overForGood adds to the verdict on a container that it is not started again, where the rest of its pod goes on: such
// a pod stays half dead, and nobody else says so.
func overForGood(s *snapshot.Snapshot, f *rule.Finding) {
	o, _ := s.Lookup(f.Seen.GroupKind(), f.Seen.Namespace, f.Seen.Name)
	if o == nil || o.Pod() == nil || o.Pod().Status.Phase != corev1.PodRunning {
		return
	}
	for _, c := range o.PodContainers() {
		if c.Name == f.Seen.Container && c.Status != nil && forGood(o.Pod(), c) != "" {
			f.Evidence = append(f.Evidence, rule.Evidence{
				Source: rule.FromSpec, Object: o.Ref, Field: "spec.restartPolicy",
				Text: "restartPolicy is Never: this container is not started again, while the rest of its pod goes on",
			})
		}
	}
}

// unexplained finds what else is not well in a chain: a second container that waits for its image, the
// pods of another revision. What is said of several alike is said once.
func unexplained(c *chain, findings []*rule.Finding) []Unexplained {
	var list []Unexplained
	said := map[string]bool{}
	add := func(r snapshot.Ref, text string) {
		if !said[text] {
			said[text] = true
			list = append(list, Unexplained{r, text})
		}
	}
	for _, o := range c.objects {
		if o.Pod() == nil || !c.close(o) {
			continue
		}
		whole, explained := false, map[string]bool{}
		for _, f := range findings {
			switch {
			case f.Seen.Same(o.Ref) || pointsAt(f, o.Ref):
				explained[f.Seen.Container] = true
				whole = whole || f.Seen.Container == ""
			case f.Because != nil && f.Because.Same(o.Ref):
				whole = whole || f.Seen.Same(o.Ref)
			}
		}
		if whole {
			continue
		}
		if len(explained) == 0 {
			if h := HealthOf(c.s, o); h.State == Unhealthy {
				add(o.Ref, h.Text)
			}
			continue
		}
		for _, container := range o.PodContainers() {
			if container.Status == nil || explained[container.Name] {
				continue
			}
			if w := container.Status.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" && w.Reason != "CrashLoopBackOff" {
				add(o.In(container.Name), waits(container))
			}
		}
	}
	return list
}

// answer is what became of a want and, where nobody asked for just that, of the list that was to answer
// it too.
func answer(s *snapshot.Snapshot, w snapshot.Want) (snapshot.Want, snapshot.Outcome) {
	out, ok := s.Outcome(w)
	if w.Verb == snapshot.Log {
		if _, other := s.LogOf(w.Namespace, w.Name, w.Container, !w.Previous); other { // rules make do with that
			out.State = snapshot.Present
		}
		return w, out
	}
	if ok {
		return w, out
	}
	gk := w.GroupKind()
	switch w.Verb {
	case snapshot.Get:
		if o, _ := s.Lookup(gk, w.Namespace, w.Name); o != nil {
			return w, snapshot.Outcome{State: snapshot.Present}
		}
	case snapshot.Events:
		gk = snapshot.EventKind
	}
	for _, ns := range []string{w.Namespace, ""} {
		if out, ok := s.Outcome(snapshot.WantList(gk, ns, "")); ok {
			return snapshot.WantList(gk, ns, ""), out
		}
	}
	return w, snapshot.Outcome{State: snapshot.Present}
}

// about keeps what shows on one object: what its controller lacks is no fault of a pod that is well.
func about(target snapshot.Ref, findings []*rule.Finding) []*rule.Finding {
	var kept []*rule.Finding
	for _, f := range findings {
		if f.Seen.Same(target) || pointsAt(f, target) {
			kept = append(kept, f)
		}
	}
	return kept
}

func runCause(s *snapshot.Snapshot, o *snapshot.Object, cause *rule.Cause) (findings []*rule.Finding, failed []NotEvaluated) {
	report := func(f *rule.Finding) { findings = append(findings, f) }
	blind := func(reason string) {
		failed = append(failed, NotEvaluated{Rule: cause.ID, Object: o.Ref, Reason: snapshot.ReasonUnavailable, Detail: reason})
	}
	pass := rule.NewPass(s, o, nil, cause, rule.Sink{Report: report, Unknown: blind})
	guard(cause.ID, o, func(n NotEvaluated) { failed = append(failed, n) }, func() { cause.Run(pass) })
	return findings, failed
}

// chain is what hangs together with the targets, and what must be read to know.
type chain struct {
	s       *snapshot.Snapshot
	objects []*snapshot.Object
	in      map[snapshot.Ref]bool
	from    map[snapshot.Ref]*snapshot.Object // what led to an object
	at      *snapshot.Object                  // what is being followed
	far     map[snapshot.Ref]bool             // judged on status alone: enough others like it are read closely
	asked   map[snapshot.Want]bool
	wants   []snapshot.Want
}

func newChain(s *snapshot.Snapshot) *chain {
	return &chain{s: s, in: map[snapshot.Ref]bool{}, from: map[snapshot.Ref]*snapshot.Object{}, far: map[snapshot.Ref]bool{}, asked: map[snapshot.Want]bool{}}
}

func (c *chain) close(o *snapshot.Object) bool { return !c.far[o.Key()] }

// want asks for what nobody has asked for yet.
func (c *chain) want(wants ...snapshot.Want) {
	for _, w := range wants {
		plain := w
		plain.Required = false
		if c.asked[plain] {
			continue
		}
		c.asked[plain] = true
		if !c.s.Answered(w) {
			c.wants = append(c.wants, w)
		}
	}
}

// add puts an object into the chain; it tells whether it is new there.
func (c *chain) add(o *snapshot.Object) bool {
	if o == nil || c.in[o.Key()] {
		return false
	}
	c.in[o.Key()] = true
	c.objects = append(c.objects, o)
	return true
}

// led remembers what led to an object, the first time.
func (c *chain) led(from, to *snapshot.Object) {
	if from != nil && c.from[to.Key()] == nil && !c.in[to.Key()] {
		c.from[to.Key()] = from
	}
}

// both is up and down.
func (c *chain) both(o *snapshot.Object) {
	c.up(o)
	c.down(o)
}

// path is what leads from a target to another object, with both ends; nil where nothing is known to.
func (c *chain) path(target, to snapshot.Ref) []snapshot.Ref {
	var list []snapshot.Ref
	for o, _ := c.s.Lookup(to.GroupKind(), to.Namespace, to.Name); o != nil && len(list) < 10; o = c.from[o.Key()] {
		list = append(list, o.Ref)
		if o.Same(target) {
			slices.Reverse(list)
			return list
		}
	}
	return nil
}

func (c *chain) get(r snapshot.Ref) *snapshot.Object {
	o, _ := c.s.Lookup(r.GroupKind(), r.Namespace, r.Name)
	if o == nil {
		c.want(snapshot.WantGet(r.GroupKind(), r.Namespace, r.Name))
	}
	return o
}

// walk follows the chain from a target: up to its controllers, down to its pods, and from a pod
// that is not well to what it needs.
func (c *chain) walk(target snapshot.Ref) {
	o := c.get(target)
	if o == nil {
		return
	}
	c.up(o)
	c.down(o)
}

func (c *chain) up(o *snapshot.Object) {
	for range 5 {
		ref, ok := o.OwnerRef()
		if !ok || ref.GroupKind() == snapshot.NodeKind {
			return
		}
		owner := c.get(ref)
		if owner == nil {
			return
		}
		c.led(o, owner)
		c.add(owner)
		o = owner
	}
}

func (c *chain) down(o *snapshot.Object) {
	c.led(c.at, o)
	if !c.add(o) {
		return
	}
	before := c.at
	c.at = o
	defer func() { c.at = before }()
	if pod := o.Pod(); pod != nil {
		c.pod(o, pod)
		return
	}
	c.want(snapshot.WantEvents(o.Ref))
	switch o.GroupKind() {
	case snapshot.DeploymentKind:
		c.selected(o, snapshot.ReplicaSetKind)
		c.selected(o, snapshot.PodKind)
		newest := c.s.NewestReplicaSet(o)
		for _, rs := range c.s.Owned(o) {
			if rs == newest {
				c.led(o, rs)
				c.add(rs)
				c.want(snapshot.WantEvents(rs.Ref))
			}
		}
		c.pods(o)
	case snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.RCKind:
		c.selected(o, snapshot.PodKind)
		c.pods(o)
	case snapshot.CronJobKind:
		c.want(snapshot.WantList(snapshot.JobKind, o.Namespace, ""))
		for _, job := range []*snapshot.Object{newestJob(c.s, o, true), newestJob(c.s, o, false)} {
			if job != nil {
				c.both(job)
			}
		}
	case snapshot.ServiceKind:
		c.service(o)
	case snapshot.EndpointSliceKind:
		if owner := c.s.Owner(o); owner != nil {
			c.service(owner)
		}
	case snapshot.PVCKind:
		if HealthOf(c.s, o).State != Healthy {
			c.want(snapshot.WantList(snapshot.PodKind, o.Namespace, ""))
		}
	case snapshot.HPAKind, snapshot.PDBKind, snapshot.IngressKind, snapshot.NetworkPolicyKind, snapshot.HTTPRouteKind:
		c.leadsTo(o)
	case snapshot.NodeKind:
		c.want(wantPodsOn(o.Name))
	case snapshot.NamespaceKind:
		c.remains(o)
	default:
		if isRoute(o) {
			c.leadsTo(o)
		} else if o.Typed == nil {
			c.custom(o)
		}
	}
}

// selected asks for the objects of a kind that a workload's selector finds.
func (c *chain) selected(o *snapshot.Object, gk schema.GroupKind) {
	if selector := o.Selector(); selector != nil {
		c.want(snapshot.WantList(gk, o.Namespace, selector.String()))
	}
}

// pods takes in the pods of a workload; of many in the same state only a few are read closely.
func (c *chain) pods(o *snapshot.Object) {
	alike := map[string]int{}
	for _, pod := range c.s.PodsOf(o) {
		state := signature(pod)
		alike[state]++
		if alike[state] > sampledPods {
			c.far[pod.Key()] = true
			c.led(o, pod)
			c.add(pod)
			continue
		}
		c.both(pod)
	}
}

// signature is the same for pods whose containers are in the same state for the same reason.
func signature(pod *snapshot.Object) string {
	text := string(pod.Pod().Status.Phase) + pod.Pod().Status.Reason
	for _, c := range pod.PodContainers() {
		text += "|" + c.Name
		if c.Status == nil {
			continue
		}
		if w := c.Status.State.Waiting; w != nil {
			text += ":" + w.Reason
		}
		if t := c.Status.LastTerminationState.Terminated; t != nil {
			text += ":" + t.Reason
		}
		if c.Status.Ready {
			text += ":ready"
		}
	}
	return text
}

func (c *chain) pod(o *snapshot.Object, pod *corev1.Pod) {
	h := HealthOf(c.s, o)
	if h.State == Finished && rule.Watched(o) {
		c.want(snapshot.WantEvents(o.Ref)) // only they tell who ended it
	}
	if h.State == Healthy && podRestarts(o) == 0 || h.State == Finished {
		return // nothing to explain, so nothing to read
	}
	c.want(snapshot.WantEvents(o.Ref))
	if h.State == Healthy {
		return
	}
	c.revisions(c.s.TopOwner(o))
	if pod.Spec.NodeName != "" {
		if node := c.get(snapshot.NodeRef(pod.Spec.NodeName)); node != nil {
			c.led(o, node)
			c.add(node)
		}
	}
	if started(pod) {
		return
	}
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			claim := snapshot.Ref{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: o.Namespace, Name: v.PersistentVolumeClaim.ClaimName}
			if pvc := c.get(claim); pvc != nil {
				c.led(o, pvc)
				if c.add(pvc) {
					c.want(snapshot.WantEvents(pvc.Ref))
				}
			}
		}
	}
}

func podRestarts(o *snapshot.Object) int {
	n := 0
	for _, c := range o.PodContainers() {
		if c.Status != nil {
			n += int(c.Status.RestartCount)
		}
	}
	return n
}

func started(pod *corev1.Pod) bool {
	for _, s := range pod.Status.ContainerStatuses {
		if s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil {
			return true
		}
	}
	return false
}

func (c *chain) service(o *snapshot.Object) {
	svc, ok := o.Typed.(*corev1.Service)
	if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	c.want(snapshot.WantEndpoints(o.Namespace, o.Name))
	if state := HealthOf(c.s, o).State; len(svc.Spec.Selector) == 0 || state != Unhealthy && state != Starting {
		return
	}
	selector := labels.SelectorFromSet(svc.Spec.Selector)
	list := snapshot.WantList(snapshot.PodKind, o.Namespace, selector.String())
	c.want(list)
	pods := c.s.SelectedPods(o.Namespace, selector)
	for _, pod := range pods {
		c.both(pod)
	}
	out, ok := c.s.Outcome(list)
	read := ok && out.State == snapshot.Present || c.s.ListRead(snapshot.PodKind, o.Namespace)
	if len(pods) == 0 && read { // whoever would make them may be kept from it
		for _, would := range c.s.SelectedTemplates(o.Namespace, selector) {
			c.both(would.Object)
		}
	}
}
