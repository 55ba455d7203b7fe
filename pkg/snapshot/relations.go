package snapshot

import (
	"sort"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// OwnerRef names the controller of an object; ok is false when nothing controls it.
func (o *Object) OwnerRef() (Ref, bool) {
	for _, r := range o.Meta.GetOwnerReferences() {
		if r.Controller != nil && *r.Controller {
			ref := Ref{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: o.Namespace, Name: r.Name}
			if ref.GroupKind() == NodeKind { // static pods are owned by their node
				ref.Namespace = ""
			}
			return ref, true
		}
	}
	return Ref{}, false
}

// Owner is the controller of an object, or nil when there is none or it was not read.
func (s *Snapshot) Owner(o *Object) *Object {
	ref, ok := o.OwnerRef()
	if !ok {
		return nil
	}
	return s.objects[ref.Key()]
}

// TopOwner follows the controllers of an object upwards to the last one that was read; it is the
// object itself when nothing controls it. The node that owns a static pod is not followed.
func (s *Snapshot) TopOwner(o *Object) *Object {
	for range 5 { // deeper chains do not exist; a loop of owner references must end
		owner := s.Owner(o)
		if owner == nil || owner.GroupKind() == NodeKind {
			return o
		}
		o = owner
	}
	return o
}

// Owned are the objects that o controls, by name.
func (s *Snapshot) Owned(o *Object) []*Object {
	if uid := o.Meta.GetUID(); uid != "" {
		list := append([]*Object(nil), s.owned[uid]...)
		sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
		return list
	}
	return nil
}

// PodsOf are the pods that o controls, directly or through the objects it controls.
func (s *Snapshot) PodsOf(o *Object) []*Object {
	if o.Pod() != nil {
		return []*Object{o}
	}
	var pods []*Object
	for _, child := range s.Owned(o) {
		pods = append(pods, s.PodsOf(child)...)
	}
	return pods
}

// NewestReplicaSet is the ReplicaSet of a Deployment's present revision, or nil.
func (s *Snapshot) NewestReplicaSet(deployment *Object) *Object {
	var newest *Object
	revision := func(o *Object) int {
		n := 0
		for _, c := range o.Meta.GetAnnotations()["deployment.kubernetes.io/revision"] {
			if c < '0' || c > '9' {
				return 0
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	for _, o := range s.Owned(deployment) {
		if o.GroupKind() == ReplicaSetKind && (newest == nil || revision(o) > revision(newest)) {
			newest = o
		}
	}
	return newest
}

// Selector is the label selector with which a workload finds its pods, or nil.
func (o *Object) Selector() labels.Selector {
	var ls *metav1.LabelSelector
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		ls = t.Spec.Selector
	case *appsv1.ReplicaSet:
		ls = t.Spec.Selector
	case *appsv1.StatefulSet:
		ls = t.Spec.Selector
	case *appsv1.DaemonSet:
		ls = t.Spec.Selector
	case *batchv1.Job:
		ls = t.Spec.Selector
	case *corev1.ReplicationController:
		return labels.SelectorFromSet(t.Spec.Selector)
	}
	if ls == nil {
		return nil
	}
	selector, err := SelectorOf(ls)
	if err != nil {
		return nil
	}
	return selector
}

// SelectorOf is what a label selector of the API finds: nothing where it is nil, everything where it is
// empty. It fails for an operator that does not exist. That labels are well-formed is the API server's to say, and is not asked
// once more: it takes as long as all the rest of a verdict on a PodDisruptionBudget.
func SelectorOf(ls *metav1.LabelSelector) (labels.Selector, error) {
	if ls != nil && len(ls.MatchExpressions) == 0 {
		return labels.SelectorFromValidatedSet(ls.MatchLabels), nil
	}
	return metav1.LabelSelectorAsSelector(ls)
}

// EndpointSlices are the slices of a Service.
func (s *Snapshot) EndpointSlices(service *Object) []*Object {
	var list []*Object
	for _, o := range s.List(EndpointSliceKind, service.Namespace) {
		if o.Meta.GetLabels()[discoveryv1.LabelServiceName] == service.Name {
			list = append(list, o)
		}
	}
	return list
}

// EndpointSlicesRead tells whether the slices of a Service were read: its own, or all of the namespace.
func (s *Snapshot) EndpointSlicesRead(service *Object) bool {
	own, asked := s.Outcome(WantEndpoints(service.Namespace, service.Name))
	return asked && own.State != Blind || s.ListRead(EndpointSliceKind, service.Namespace)
}
