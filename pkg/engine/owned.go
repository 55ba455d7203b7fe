package engine

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// makers are the kinds through which an object of another's kind comes to its pods.
var makers = []schema.GroupKind{
	snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.PodKind,
}

// fewLeads is how many objects that an object of another's kind names, and how many unknown owners, are
// read one by one.
const fewLeads = 10

// custom follows an object of a kind that nobody here knows to what it made: what it owns and, where it
// keeps a list of what it applied, what is on that. Of what is well, nothing is read.
func (c *chain) custom(o *snapshot.Object) {
	switch HealthOf(c.s, o).State {
	case Healthy, Finished, Idle:
		if len(o.Templates) == 0 {
			return
		}
	}
	if o.Namespace != "" && o.Meta.GetUID() != "" {
		for _, gk := range makers {
			c.want(snapshot.WantList(gk, o.Namespace, ""))
		}
		c.strangers(o.Namespace)
		for _, child := range c.owned(o) {
			c.both(child)
		}
	}
	leads := applied(o)
	for _, r := range leads[:min(len(leads), fewLeads)] {
		if child := c.get(r); child != nil && HealthOf(c.s, child).State == Unhealthy {
			c.both(child)
		}
	}
}

// owned are the objects that o owns, whether it calls itself their controller or not. Of many pods alike a
// few are followed.
func (c *chain) owned(o *snapshot.Object) []*snapshot.Object {
	list := c.s.Owned(o)
	for _, gk := range makers {
		for _, child := range c.s.List(gk, o.Namespace) {
			for _, r := range child.Meta.GetOwnerReferences() {
				if r.UID == o.Meta.GetUID() && !slices.Contains(list, child) {
					list = append(list, child)
				}
			}
		}
	}
	alike := map[string]int{}
	return slices.DeleteFunc(list, func(child *snapshot.Object) bool {
		if child.Pod() == nil {
			return false
		}
		alike[signature(child)]++
		return alike[signature(child)] > sampledPods
	})
}

// strangers reads the owners, of kinds that nobody here knows, of what is not well: an object may own
// something through another of such a kind.
func (c *chain) strangers(namespace string) {
	seen := map[snapshot.Ref]bool{}
	for _, gk := range makers {
		for _, child := range c.s.List(gk, namespace) {
			ref, ok := child.OwnerRef()
			if !ok || seen[ref.Key()] || len(seen) >= fewLeads || slices.Contains(makers, ref.GroupKind()) || ref.GroupKind() == snapshot.NodeKind {
				continue
			}
			if HealthOf(c.s, child).State != Unhealthy {
				continue
			}
			seen[ref.Key()] = true
			c.owners(child)
		}
	}
}

// owners reads the controllers of o, without making them part of the chain.
func (c *chain) owners(o *snapshot.Object) {
	for range 5 {
		ref, ok := o.OwnerRef()
		if !ok {
			return
		}
		if o = c.get(ref); o == nil {
			return
		}
	}
}

// applied are the objects on the list that an object of another's kind keeps of what it applied: Argo CD's
// status.resources and Flux' status.inventory. Those that are said to be well are left out.
func applied(o *snapshot.Object) []snapshot.Ref {
	status := o.Raw()["status"]
	var refs []snapshot.Ref
	for _, m := range snapshot.MapsIn(status, "resources") {
		if w := snapshot.TextIn(m, "health", "status"); w == "Healthy" || w == "Suspended" || snapshot.TextIn(m, "kind") == "" || snapshot.TextIn(m, "name") == "" {
			continue
		}
		refs = append(refs, snapshot.RefOf(schema.GroupVersionKind{Group: snapshot.TextIn(m, "group"), Version: snapshot.TextIn(m, "version"), Kind: snapshot.TextIn(m, "kind")}, snapshot.TextIn(m, "namespace"), snapshot.TextIn(m, "name")))
	}
	for _, m := range snapshot.MapsIn(status, "inventory", "entries") {
		// NAMESPACE_NAME_GROUP_KIND; no name has an underscore but those of RBAC, where it is written twice.
		parts := strings.Split(snapshot.TextIn(m, "id"), "_")
		if len(parts) != 4 {
			continue
		}
		refs = append(refs, snapshot.RefOf(schema.GroupVersionKind{Group: parts[2], Version: snapshot.TextIn(m, "v"), Kind: parts[3]}, parts[0], parts[1]))
	}
	return slices.DeleteFunc(refs, func(r snapshot.Ref) bool { return !slices.Contains(followed, r.GroupKind()) })
}

// followed are the kinds whose failure is why an object that applied them is not well.
var followed = []schema.GroupKind{
	snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.PodKind, snapshot.ServiceKind, snapshot.PVCKind, snapshot.IngressKind,
}

// Source: kubernetes pkg/controller/namespace/deletion/status_condition_utils.go.
var remaining = regexp.MustCompile(`([^\s:,]+)\.\S* has \d+ resource instances`)

// remains follows a namespace that is being deleted to the pods and claims in it that are not gone.
func (c *chain) remains(o *snapshot.Object) {
	ns, ok := o.Typed.(*corev1.Namespace)
	if !ok || ns.DeletionTimestamp == nil {
		return
	}
	kinds := map[string]schema.GroupKind{"pods": snapshot.PodKind, "persistentvolumeclaims": snapshot.PVCKind}
	for _, cond := range ns.Status.Conditions {
		if cond.Type != corev1.NamespaceContentRemaining {
			continue
		}
		for _, m := range remaining.FindAllStringSubmatch(cond.Message, fewLeads) {
			gk, ok := kinds[m[1]]
			if !ok {
				continue
			}
			c.want(snapshot.WantList(gk, ns.Name, ""))
			left := 0
			for _, child := range c.s.List(gk, ns.Name) {
				if left < sampledPods && child.Meta.GetDeletionTimestamp() != nil && HealthOf(c.s, child).State == Unhealthy {
					left++
					c.both(child)
				}
			}
		}
	}
}
