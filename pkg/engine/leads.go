package engine

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// leadsTo follows what has no pods of its own to what it works on: an autoscaler to its target, a budget
// to its pods, a route to its Services.
func (c *chain) leadsTo(o *snapshot.Object) {
	switch t := o.Typed.(type) {
	case *autoscalingv2.HorizontalPodAutoscaler:
		to := t.Spec.ScaleTargetRef
		if to.Kind == "DaemonSet" || to.Kind == "CronJob" {
			return // which nothing can scale, so how it does is not why
		}
		c.follow(snapshot.Ref{APIVersion: to.APIVersion, Kind: to.Kind, Namespace: o.Namespace, Name: to.Name})
	case *policyv1.PodDisruptionBudget:
		c.selectedPods(o, t.Spec.Selector)
	case *networkingv1.NetworkPolicy: // what its pods lack is seldom its doing: its own causes say where it is
		if selector, err := snapshot.SelectorOf(&t.Spec.PodSelector); err == nil {
			c.want(snapshot.WantList(snapshot.PodKind, o.Namespace, selector.String()))
		}
	case *networkingv1.Ingress:
		for _, name := range backends(t) {
			c.follow(snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: o.Namespace, Name: name})
		}
	default:
		for _, r := range routeBackends(o) {
			c.follow(r)
		}
	}
}

// follow takes in another object and what it leads to.
func (c *chain) follow(r snapshot.Ref) {
	if o := c.get(r); o != nil {
		c.down(o)
	}
}

// selectedPods takes in the pods that a selector finds and that are not well.
func (c *chain) selectedPods(o *snapshot.Object, ls *metav1.LabelSelector) {
	selector, err := snapshot.SelectorOf(ls)
	if err != nil {
		return
	}
	c.want(snapshot.WantList(snapshot.PodKind, o.Namespace, selector.String()))
	alike := map[string]int{}
	for _, pod := range c.s.SelectedPods(o.Namespace, selector) {
		if HealthOf(c.s, pod).State != Unhealthy {
			continue
		}
		if alike[signature(pod)]++; alike[signature(pod)] <= sampledPods {
			c.up(pod)
			c.down(pod)
		}
	}
}

// backends are the Services that an Ingress sends its traffic to, in the order of its rules.
func backends(ingress *networkingv1.Ingress) []string {
	var names []string
	seen := map[string]bool{}
	add := func(b *networkingv1.IngressBackend) {
		// AWS' controller calls an action that it reads from an annotation a Service with such a port.
		if b != nil && b.Service != nil && b.Service.Port.Name != "use-annotation" && !seen[b.Service.Name] {
			seen[b.Service.Name] = true
			names = append(names, b.Service.Name)
		}
	}
	add(ingress.Spec.DefaultBackend)
	for _, r := range ingress.Spec.Rules {
		if r.HTTP == nil {
			continue
		}
		for i := range r.HTTP.Paths {
			add(&r.HTTP.Paths[i].Backend)
		}
	}
	return names
}

// routeBackends are the Services that an HTTPRoute sends its traffic to.
func routeBackends(o *snapshot.Object) []snapshot.Ref {
	spec, _ := o.Raw()["spec"].(map[string]any)
	rules, _ := spec["rules"].([]any)
	var refs []snapshot.Ref
	for _, r := range rules {
		m, _ := r.(map[string]any)
		list, _ := m["backendRefs"].([]any)
		for _, item := range list {
			b, _ := item.(map[string]any)
			kind, _ := b["kind"].(string)
			group, _ := b["group"].(string)
			name, _ := b["name"].(string)
			namespace, _ := b["namespace"].(string)
			if namespace == "" {
				namespace = o.Namespace
			}
			if name != "" && group == "" && (kind == "" || kind == "Service") {
				refs = append(refs, snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: namespace, Name: name})
			}
		}
	}
	return refs
}
