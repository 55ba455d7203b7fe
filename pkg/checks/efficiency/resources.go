package efficiency

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// budget is what the pods of a template ask for in effect: what is written, and what the API server
// and the namespace's LimitRanges add to it.
type budget struct {
	t                snapshot.Template
	limits, requests corev1.ResourceList // the defaults of LimitRanges
	foreign          bool                // the template is that of a custom resource
}

// amount is an effective quantity.
type amount struct {
	resource.Quantity
	of   *field.Path // whose resources say it, nil for a default of a LimitRange
	list string      // limits or requests
	name corev1.ResourceName
}

// At is where the amount is written, nil for a default of a LimitRange.
func (a *amount) At() *field.Path {
	if a.of == nil {
		return nil
	}
	return resources(a.of, a.list, a.name)
}

func (a *amount) set() bool { return a != nil && a.Sign() > 0 }

// budgets calls f for each template of the Pass' object.
func budgets(p *rule.Pass, f func(budget)) {
	limits, requests := defaults(p)
	for _, t := range p.Object.Templates {
		if t.Spec != nil {
			f(budget{t, limits, requests, p.Object.Typed == nil})
		}
	}
}

// defaults are what the LimitRanges of the namespace give to containers that name nothing. Where
// LimitRanges were not read there are none: what is written is judged. A pod that runs already has
// got whatever it gets.
func defaults(p *rule.Pass) (limits, requests corev1.ResourceList) {
	if p.Object.Pod() != nil && p.Object.Origin == nil {
		return nil, nil
	}
	d := snapshot.Derived(p.Snapshot, defaultsKey{p.Object.Namespace}, func() given {
		limits, requests := defaultsOf(p.Snapshot, p.Object.Namespace)
		return given{limits, requests}
	})
	return d.limits, d.requests
}

type defaultsKey struct{ namespace string }

type given struct{ limits, requests corev1.ResourceList }

func defaultsOf(s *snapshot.Snapshot, namespace string) (limits, requests corev1.ResourceList) {
	for _, o := range s.List(snapshot.LimitRangeKind, namespace) {
		lr, ok := o.Typed.(*corev1.LimitRange)
		if !ok {
			continue
		}
		for _, item := range lr.Spec.Limits {
			if item.Type != corev1.LimitTypeContainer {
				continue
			}
			// The API completes a LimitRange: the default limit is the maximum, the default request
			// the default limit, and else the minimum. Source: SetDefaults_LimitRangeItem.
			fallback(&limits, item.Default)
			fallback(&limits, item.Max)
			fallback(&requests, item.DefaultRequest)
			fallback(&requests, item.Default)
			fallback(&requests, item.Max)
			fallback(&requests, item.Min)
		}
	}
	return limits, requests
}

func fallback(to *corev1.ResourceList, from corev1.ResourceList) {
	for name, q := range from {
		if _, ok := (*to)[name]; ok {
			continue
		}
		if *to == nil {
			*to = corev1.ResourceList{}
		}
		(*to)[name] = q
	}
}

// limit is the limit of a container, nil for none of its own.
func (b budget) limit(c snapshot.Container, name corev1.ResourceName) *amount {
	if q, ok := c.Resources.Limits[name]; ok {
		return &amount{q, c.Path, "limits", name}
	}
	if q, ok := b.limits[name]; ok {
		return &amount{Quantity: q}
	}
	return nil
}

// request is the request of a container, nil for none of its own. The API takes the limit that is
// written for a request that is not, before it looks at LimitRanges.
func (b budget) request(c snapshot.Container, name corev1.ResourceName) *amount {
	if q, ok := c.Resources.Requests[name]; ok {
		return &amount{q, c.Path, "requests", name}
	}
	if q, ok := c.Resources.Limits[name]; ok {
		return &amount{q, c.Path, "limits", name}
	}
	if q, ok := b.requests[name]; ok {
		return &amount{Quantity: q}
	}
	return nil
}

// podLimit is the limit that the containers of the pod share, nil for none.
func (b budget) podLimit(name corev1.ResourceName) *amount {
	if r := b.t.Spec.Resources; r != nil {
		if q, ok := r.Limits[name]; ok {
			return &amount{q, b.t.SpecPath(), "limits", name}
		}
	}
	return nil
}

// podRequest is the request of the pod as a whole, nil where the containers' own count: that is
// where neither a request nor a limit is written for the pod.
func (b budget) podRequest(name corev1.ResourceName) *amount {
	if r := b.t.Spec.Resources; r != nil {
		if q, ok := r.Requests[name]; ok {
			return &amount{q, b.t.SpecPath(), "requests", name}
		}
	}
	limit := b.podLimit(name)
	if limit == nil {
		return nil
	}
	// The API sums up what the containers request and, where they request nothing, takes the limit.
	// Source: defaultPodRequests.
	sum := &amount{}
	for _, c := range b.running() {
		if r := b.request(c, name); r.set() {
			sum.Add(r.Quantity)
		}
	}
	if sum.set() {
		return sum
	}
	return limit
}

// running are the containers that run while the pod does its work: not those that prepare it.
func (b budget) running() []snapshot.Container {
	var list []snapshot.Container
	for _, c := range b.t.Containers() {
		if !c.Init {
			list = append(list, c)
		}
	}
	return list
}

// completed tells whether somebody else adds what is not written of a container: the webhook of a mesh, or an operator,
// which merges an entry without an image into its own container of that name.
func (b budget) completed(c snapshot.Container) bool {
	return knowledge.InjectedImage(c.Image) || c.Image == "" && b.foreign
}

// bestEffort tells whether the pod is of that class: nothing in it asks for CPU or memory.
func (b budget) bestEffort() bool {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if b.podRequest(name).set() || b.podLimit(name).set() {
			return false
		}
		for _, c := range b.t.Containers() {
			if b.request(c, name).set() || b.limit(c, name).set() || b.completed(c) {
				return false
			}
		}
	}
	return true
}

// ends tells whether the pods are to end by themselves, as a Job's do.
func (b budget) ends() bool {
	return b.t.Spec.RestartPolicy == corev1.RestartPolicyNever || b.t.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
}

func resources(parent *field.Path, list string, name corev1.ResourceName) *field.Path {
	return parent.Child("resources", list, string(name))
}

// settable are the kinds whose containers `kubectl set` can change.
func settable(o *snapshot.Object) bool {
	switch o.GroupKind() {
	case snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind,
		snapshot.JobKind, snapshot.CronJobKind, snapshot.RCKind, snapshot.PodKind:
		return o.Typed != nil
	}
	return false
}

// ask is a fix that writes a quantity which somebody has to find out first.
func ask(p *rule.Pass, c snapshot.Container, title, caution, list string, name corev1.ResourceName, placeholder string) *rule.Fix {
	fix := &rule.Fix{
		Title: title, Caution: caution, Applicability: rule.Placeholders,
		Patch: p.Put(resources(c.Path, list, name), placeholder),
		YAML:  rule.Nest(placeholder, "resources", list, string(name)),
	}
	switch {
	case p.Files: // a file is mended in the file
	case settable(p.Object):
		value := string(name) + "=" + placeholder
		requests, limits := value, ""
		if list == "limits" {
			requests, limits = "", value
		}
		fix.Command = p.SetResources(p.Object.Ref, c.Name, requests, limits)
	default:
		fix.Command = p.PatchCommand(p.Object.Ref, fix.Patch)
	}
	return fix
}
