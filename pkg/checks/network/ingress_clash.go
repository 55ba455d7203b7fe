package network

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngressClash finds paths that two Ingresses lead to different Services.
var IngressClash = rule.Check{
	ID: "ingress-clash", Title: "two Ingresses claim the same host and path", Doc: rule.ReadDoc(docs, "ingress_clash.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.IngressKind),
	Run: func(p *rule.Pass) {
		ing, ok := p.Object.Typed.(*networkingv1.Ingress)
		if !ok || aside(ing) {
			return
		}
		all := snapshot.Derived(p.Snapshot, claimedKey{}, func() map[routeKey][]route { return claimed(p.Snapshot) })
		var found []clash
		for i, r := range ing.Spec.Rules {
			if r.HTTP == nil {
				continue
			}
			for j := range r.HTTP.Paths {
				at := &r.HTTP.Paths[j]
				key := keyOf(ing, r.Host, at)
				for _, other := range all[key] {
					if other.ingress == p.Object && other.rule == i && other.path == j {
						break // those that come later tell it themselves
					}
					// Two files may hold one Ingress: a base and its overlay.
					twin := other.ingress != p.Object && other.ingress.Same(p.Object.Ref)
					if !twin && !(other.ingress.Namespace == p.Object.Namespace && other.leads(p, at.Backend)) {
						found = append(found, clash{other, key, field.NewPath("spec", "rules").Index(i).Child("http", "paths").Index(j), at})
						break
					}
				}
			}
		}
		reportClashes(p, found)
	},
}

type claimedKey struct{}

// routeKey is what makes two paths the same one to a controller.
type routeKey struct {
	class, host, path string
	kind              networkingv1.PathType
}

// route is a path of an Ingress.
type route struct {
	ingress    *snapshot.Object
	rule, path int
	backend    networkingv1.IngressBackend
}

func (r route) leads(p *rule.Pass, b networkingv1.IngressBackend) bool {
	if r.backend.Service == nil || b.Service == nil {
		return r.backend.Service == nil && b.Service == nil && r.backend.Resource != nil && b.Resource != nil && r.backend.Resource.Name == b.Resource.Name
	}
	if *r.backend.Service == *b.Service {
		return true
	}
	if r.backend.Service.Name != b.Service.Name {
		return false
	}
	one, other := portOf(p, r.backend.Service), portOf(p, b.Service)
	return one != 0 && one == other
}

// portOf is the number of the port of a Service of the Pass' namespace that a backend names, whichever way; 0 where
// it cannot be told.
func portOf(p *rule.Pass, b *networkingv1.IngressServiceBackend) int32 {
	if b.Port.Name == "" {
		return b.Port.Number
	}
	o, _ := p.Lookup(snapshot.ServiceKind, p.Object.Namespace, b.Name)
	if o == nil {
		return 0
	}
	if svc, ok := o.Typed.(*corev1.Service); ok {
		for _, sp := range svc.Spec.Ports {
			if sp.Name == b.Port.Name {
				return sp.Port
			}
		}
	}
	return 0
}

func keyOf(ing *networkingv1.Ingress, host string, path *networkingv1.HTTPIngressPath) routeKey {
	key := routeKey{class: classOf(ing), host: host, path: path.Path, kind: networkingv1.PathTypeImplementationSpecific}
	if path.PathType != nil {
		key.kind = *path.PathType
	}
	if key.path == "" {
		key.path = "/"
	}
	return key
}

// canary marks an Ingress that takes a part of the requests for another one, under whose certificate they come.
const canary = "nginx.ingress.kubernetes.io/canary"

// aside tells whether an Ingress is meant to stand beside another one with the same paths: a part of the traffic,
// or what a certificate authority asks for.
func aside(ing *networkingv1.Ingress) bool {
	return flag(ing.Annotations, canary) || ing.Annotations["nginx.org/mergeable-ingress-type"] == "master" ||
		ing.DeletionTimestamp != nil || challenge(ing) || narrowed(ing)
}

// narrowed tells whether annotations let an Ingress take only some of the requests for its hosts and paths. Source: the
// documents of the AWS Load Balancer Controller and of Kong.
func narrowed(ing *networkingv1.Ingress) bool {
	for k := range ing.Annotations {
		if strings.HasPrefix(k, "alb.ingress.kubernetes.io/conditions.") || k == "konghq.com/methods" || strings.HasPrefix(k, "konghq.com/headers") {
			return true
		}
	}
	return false
}

// claimed are the paths of all Ingresses, those of the oldest one first: many controllers let it win.
func claimed(s *snapshot.Snapshot) map[routeKey][]route {
	list := slices.Clone(s.List(snapshot.IngressKind, ""))
	slices.SortStableFunc(list, func(a, b *snapshot.Object) int {
		return a.Meta.GetCreationTimestamp().Compare(b.Meta.GetCreationTimestamp().Time)
	})
	all := map[routeKey][]route{}
	for _, o := range list {
		ing, ok := o.Typed.(*networkingv1.Ingress)
		if !ok || aside(ing) {
			continue
		}
		for i, r := range ing.Spec.Rules {
			if r.HTTP == nil {
				continue
			}
			for j := range r.HTTP.Paths {
				key := keyOf(ing, r.Host, &r.HTTP.Paths[j])
				all[key] = append(all[key], route{o, i, j, r.HTTP.Paths[j].Backend})
			}
		}
	}
	return all
}

// clash is a path that another one claims as well.
type clash struct {
	other route
	key   routeKey
	path  *field.Path
	at    *networkingv1.HTTPIngressPath
}

// reportClashes tells of each other Ingress once, by the first path: a copy of an Ingress has all of them.
func reportClashes(p *rule.Pass, found []clash) {
	count := map[*snapshot.Object]int{}
	for _, c := range found {
		count[c.other.ingress]++
	}
	for _, c := range found {
		if n := count[c.other.ingress]; n > 0 {
			reportClash(p, c, n-1)
			delete(count, c.other.ingress)
		}
	}
}

func reportClash(p *rule.Pass, c clash, more int) {
	host := c.key.host
	if host == "" {
		host = "any host, path "
	}
	who := "an earlier rule of its own"
	if c.other.ingress != p.Object {
		who = c.other.ingress.String()
		if c.other.ingress.Namespace != p.Object.Namespace {
			who += " in namespace " + c.other.ingress.Namespace
		}
	}
	f := rule.Finding{
		Field: c.path.Child("path"), Value: c.at.Path, Certainty: rule.Likely, Label: "claimed by " + who + " too",
		Message: fmt.Sprintf("leads %s%s to %s, and %s leads it to %s: which of them wins is up to the controller", host, c.key.path, targetOf(c.at.Backend), who, targetOf(c.other.backend)),
	}
	if more > 0 {
		f.Message += fmt.Sprintf("; and so with %s more", rule.Count(more, "path"))
	}
	p.Report(f).WithFix(rule.Fix{
		Title: "keep one of the two, or give them different paths or hosts", Applicability: rule.NeedsThought,
		Caution: "today one of them gets all requests: see which before you remove the other",
	})
}

// targetOf words where a path leads: service/web:http.
func targetOf(b networkingv1.IngressBackend) string {
	switch {
	case b.Service != nil && b.Service.Port.Name != "":
		return "service/" + b.Service.Name + ":" + b.Service.Port.Name
	case b.Service != nil:
		return fmt.Sprintf("service/%s:%d", b.Service.Name, b.Service.Port.Number)
	case b.Resource != nil:
		return b.Resource.Kind + "/" + b.Resource.Name
	}
	return "nothing"
}
