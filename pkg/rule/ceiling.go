package rule

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Growth is how far a fix would raise the limit of a resource: that of a container of this Pass' Pod, or of
// the pod as a whole.
type Growth struct {
	Container snapshot.Container // zero: the pod as a whole
	Resource  corev1.ResourceName
	From, To  resource.Quantity
	Request   bool // the request is raised to the same
}

// Ceiling is what keeps a limit from growing as far as a fix would have it: the command would be refused,
// or its pods never created or placed.
type Ceiling struct {
	Most     resource.Quantity // up to which it may grow; what it has already where it may not grow at all
	Owner    string            // what has to change before it may: "limitrange/caps"
	Words    string            // "limitrange/caps allows a container no more than 48Mi of memory"
	Else     string            // what helps besides changing the owner; "" for nothing
	Evidence Evidence
}

// WantCeilings asks for what may keep a limit from growing: the LimitRanges and ResourceQuotas of the
// namespace and, where the pod's own node is too small, the other nodes.
func (p *Pass) WantCeilings(name corev1.ResourceName, to resource.Quantity) []snapshot.Want {
	wants := []snapshot.Want{
		snapshot.WantList(snapshot.LimitRangeKind, p.Object.Namespace, ""),
		snapshot.WantList(snapshot.ResourceQuotaKind, p.Object.Namespace, ""),
	}
	if has, ok := p.allocatable(p.Object.Pod().Spec.NodeName, name); ok && has.Cmp(to) < 0 {
		wants = append(wants, snapshot.WantList(snapshot.NodeKind, "", ""))
	}
	return wants
}

// Ceiling is the lowest of what keeps the limit from growing; nil where nothing that was read does.
func (p *Pass) Ceiling(g Growth) *Ceiling {
	var lowest *Ceiling
	consider := func(c *Ceiling) {
		if c == nil || c.Most.Cmp(g.To) >= 0 {
			return
		}
		if c.Most = whole(c.Most, g.Resource); c.Most.Cmp(g.From) < 0 {
			c.Most = g.From
		}
		if lowest == nil || c.Most.Cmp(lowest.Most) < 0 {
			lowest = c
		}
	}
	consider(p.podCeiling(g))
	for _, o := range p.List(snapshot.LimitRangeKind, p.Object.Namespace) {
		if lr, ok := o.Typed.(*corev1.LimitRange); ok {
			for _, item := range lr.Spec.Limits {
				consider(p.rangeCeiling(g, o, item))
			}
		}
	}
	for _, o := range p.List(snapshot.ResourceQuotaKind, p.Object.Namespace) {
		if rq, ok := o.Typed.(*corev1.ResourceQuota); ok && p.counts(rq) {
			for _, name := range []corev1.ResourceName{"limits." + g.Resource, "requests." + g.Resource, g.Resource} {
				if _, has := rq.Spec.Hard[name]; has && quotaOf(name, g, p) {
					consider(p.quotaCeiling(g, o, rq, name))
				}
			}
		}
	}
	consider(p.nodeCeiling(g))
	return lowest
}

// whole rounds memory down to whole MiB, as people write it.
func whole(q resource.Quantity, name corev1.ResourceName) resource.Quantity {
	const mi = 1 << 20
	if name != corev1.ResourceMemory || q.Value() < mi {
		return q
	}
	return *resource.NewQuantity(q.Value()/mi*mi, resource.BinarySI)
}

// podCeiling is the limit of the pod as a whole, which no container of it may exceed.
// Source: kubernetes pkg/apis/core/validation, validatePodResources.
func (p *Pass) podCeiling(g Growth) *Ceiling {
	r := p.Object.Pod().Spec.Resources
	if g.Container.Container == nil || r == nil {
		return nil
	}
	q, ok := r.Limits[g.Resource]
	if !ok {
		return nil
	}
	setting := p.PodSpec().Child("resources", "limits").Child(string(g.Resource))
	return &Ceiling{
		Most: q, Owner: "the pod's own " + setting.Path.String(),
		Words:    fmt.Sprintf("the pod as a whole may have %s of %s, and no container of it more", q.String(), g.Resource),
		Evidence: Evidence{Source: FromSpec, Object: p.Object.Ref, Field: "spec.resources.limits." + string(g.Resource), Text: fmt.Sprintf("%s limit of the pod as a whole: %s", g.Resource, q.String())},
	}
}

func (p *Pass) rangeCeiling(g Growth, o *snapshot.Object, item corev1.LimitRangeItem) *Ceiling {
	most, ok := item.Max[g.Resource]
	if !ok {
		return nil
	}
	c := &Ceiling{Owner: o.String(), Evidence: Evidence{Source: FromSpec, Object: o.Ref, Field: "spec.limits", Text: fmt.Sprintf("%s: max %s for a %s: %s", o.String(), g.Resource, item.Type, most.String())}}
	switch {
	case item.Type == corev1.LimitTypeContainer && g.Container.Container != nil:
		c.Most, c.Words = most, fmt.Sprintf("%s allows a container no more than %s of %s", c.Owner, most.String(), g.Resource)
	case item.Type == corev1.LimitTypePod:
		c.Most, c.Words = most.DeepCopy(), fmt.Sprintf("%s allows a pod no more than %s of %s", c.Owner, most.String(), g.Resource)
		if others := p.others(g, limitOf); others.Sign() > 0 {
			c.Most.Sub(others)
			c.Words += fmt.Sprintf(", of which its other containers have %s", others.String())
		}
	default:
		return nil
	}
	return c
}

// counts tells whether a quota counts this Pass' Pod for sure: one of a scope mostly does not.
func (p *Pass) counts(rq *corev1.ResourceQuota) bool {
	return len(rq.Spec.Scopes) == 0 && rq.Spec.ScopeSelector == nil
}

// quotaOf tells whether a quota's resource grows with the limit.
func quotaOf(name corev1.ResourceName, g Growth, p *Pass) bool {
	switch name {
	case "limits." + g.Resource:
		return true
	case g.Resource, "requests." + g.Resource:
		return g.Request || p.follows(g)
	}
	return false
}

// follows tells whether the request is not written down: then it is what the limit is.
func (p *Pass) follows(g Growth) bool {
	if g.Container.Container == nil {
		return !p.Has(p.PodSpec().Child("resources", "requests").Child(string(g.Resource)))
	}
	return !p.Has(p.ContainerSetting(g.Container).Child("resources", "requests").Child(string(g.Resource)))
}

func (p *Pass) quotaCeiling(g Growth, o *snapshot.Object, rq *corev1.ResourceQuota, name corev1.ResourceName) *Ceiling {
	hard, hasHard := rq.Status.Hard[name]
	used, hasUsed := rq.Status.Used[name]
	if !hasHard || !hasUsed {
		return nil
	}
	left := hard.DeepCopy()
	left.Sub(used)
	c := &Ceiling{Owner: o.String(), Evidence: Evidence{Source: FromStatus, Object: o.Ref, Field: "status.used", Text: fmt.Sprintf("%s: %s of %s %s used", o.String(), used.String(), hard.String(), name)}}
	pick := limitOf
	if name != "limits."+g.Resource {
		pick = requestOf
	}
	pods, stepwise := p.pods()
	c.Most = g.From.DeepCopy()
	if g.Container.Container != nil {
		c.Most = pick(g.Container, g.Resource)
	}
	c.Most.Add(*resource.NewMilliQuantity(left.MilliValue()/int64(pods), left.Format))
	c.Words = fmt.Sprintf("%s has %s of %s left", c.Owner, left.String(), name)
	if pods > 1 {
		c.Words += fmt.Sprintf(" for %d pods", pods)
	}
	if !stepwise {
		return c
	}
	one := left.DeepCopy()
	one.Sub(p.others(g, pick))
	if one.Cmp(c.Most) < 0 {
		if c.Most.Cmp(g.To) >= 0 { // there is room once the old pods have gone
			c.Words = fmt.Sprintf("%s has %s of %s left, and the rollout starts a new pod before it stops an old one", c.Owner, left.String(), name)
			c.Else = "let the rollout stop an old pod first (maxSurge 0, maxUnavailable 1), which makes room for the new one"
		}
		c.Most = one
	}
	return c
}

// pods is how many pods the workload has, and whether a change of its template starts a new one before any
// old one is stopped.
func (p *Pass) pods() (n int, stepwise bool) {
	replicas := func(r *int32) int {
		if r == nil {
			return 1
		}
		return max(1, int(*r))
	}
	switch t := p.TopOwner(p.Object).Typed.(type) {
	case *appsv1.Deployment:
		n = replicas(t.Spec.Replicas)
		if t.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
			return n, false
		}
		down := 0
		if r := t.Spec.Strategy.RollingUpdate; r == nil || r.MaxUnavailable == nil {
			down = n / 4 // a quarter, rounded down; source: defaults of apps/v1
		} else if v, err := intstr.GetScaledValueFromIntOrPercent(r.MaxUnavailable, n, false); err == nil {
			down = v
		}
		return n, down == 0
	case *appsv1.StatefulSet:
		return replicas(t.Spec.Replicas), false
	case *appsv1.DaemonSet:
		return max(1, int(t.Status.DesiredNumberScheduled)), false
	}
	return 1, false
}

// nodeCeiling is the largest node, where all were read. What it offers is for others too, so that there is no
// value which is sure to fit.
func (p *Pass) nodeCeiling(g Growth) *Ceiling {
	if g.Resource != corev1.ResourceMemory || !p.ListRead(snapshot.NodeKind, "") {
		return nil // CPU beyond a node's is harmless in a limit, and no fix requests more
	}
	var largest *snapshot.Object
	var has resource.Quantity
	for _, o := range p.List(snapshot.NodeKind, "") {
		if q, ok := p.allocatable(o.Name, g.Resource); ok && (largest == nil || q.Cmp(has) > 0) {
			largest, has = o, q
		}
	}
	needs := g.To.DeepCopy()
	if g.Request || p.follows(g) {
		needs.Add(p.others(g, requestOf))
	}
	if largest == nil || has.Cmp(needs) >= 0 {
		return nil
	}
	return &Ceiling{
		Most: g.From, Owner: "a larger node",
		Words:    fmt.Sprintf("%s, the largest, offers %s of %s in all", largest.String(), has.String(), g.Resource),
		Evidence: Evidence{Source: FromStatus, Object: largest.Ref, Field: "status.allocatable", Text: fmt.Sprintf("%s allocatable %s: %s", largest.String(), g.Resource, has.String())},
	}
}

func (p *Pass) allocatable(node string, name corev1.ResourceName) (resource.Quantity, bool) {
	o, _ := p.Lookup(snapshot.NodeKind, "", node)
	if o == nil {
		return resource.Quantity{}, false
	}
	n, ok := o.Typed.(*corev1.Node)
	if !ok {
		return resource.Quantity{}, false
	}
	q, ok := n.Status.Allocatable[name]
	return q, ok
}

func limitOf(c snapshot.Container, name corev1.ResourceName) resource.Quantity {
	return c.Resources.Limits[name]
}

func requestOf(c snapshot.Container, name corev1.ResourceName) resource.Quantity {
	return c.Resources.Requests[name]
}

// others is what the other containers of the pod have that run beside the one that grows; of a pod as a whole
// there are none.
func (p *Pass) others(g Growth, pick func(snapshot.Container, corev1.ResourceName) resource.Quantity) resource.Quantity {
	var sum resource.Quantity
	if g.Container.Container == nil {
		return sum
	}
	for _, c := range p.Object.PodContainers() {
		if c.Name == g.Container.Name || c.Init || g.Container.Init && !c.Beside {
			continue
		}
		sum.Add(pick(c, g.Resource))
	}
	return sum
}
