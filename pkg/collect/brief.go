package collect

import (
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// brief reduces what an overview of a cluster holds thousands of to what others ask of it: pods that are
// well and revisions that have no pods are judged by their controller's template.
type brief struct {
	// read are the controllers that were read. A pod whose controller was not is judged by itself, and
	// kept whole.
	read map[types.UID]bool

	mu    sync.Mutex
	alike map[types.UID]*corev1.Pod // the first pod of each controller: the others are like it
}

// briefly is a brief of what s holds.
func briefly(s *snapshot.Snapshot) *brief {
	b := &brief{read: map[types.UID]bool{}, alike: map[types.UID]*corev1.Pod{}}
	for _, gk := range controllers {
		for _, o := range s.List(gk, "") {
			b.read[o.Meta.GetUID()] = true
		}
	}
	return b
}

// reduce takes from obj what nobody will ask it for.
func (b *brief) reduce(obj runtime.Object) {
	switch t := obj.(type) {
	case *corev1.Pod:
		if b != nil && b.controlled(t) && well(t) {
			reducePod(t)
			b.share(t)
		}
	case *appsv1.ReplicaSet:
		if b != nil && metav1.GetControllerOf(t) != nil && t.Spec.Replicas != nil && len(t.Status.Conditions) == 0 &&
			*t.Spec.Replicas == t.Status.Replicas && t.Status.Replicas == t.Status.ReadyReplicas {
			t.Spec.Template.Spec = corev1.PodSpec{}
		}
	case *batchv1.Job:
		if b != nil && metav1.GetControllerOf(t) != nil && slices.ContainsFunc(t.Status.Conditions, func(c batchv1.JobCondition) bool {
			return c.Type == batchv1.JobComplete && c.Status == corev1.ConditionTrue
		}) {
			t.Spec.Template.Spec = corev1.PodSpec{}
		}
	}
}

func (b *brief) controlled(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && b.read[owner.UID]
}

// share makes a pod use the memory of another of its controller where both say the same: rules change
// nothing.
func (b *brief) share(pod *corev1.Pod) {
	owner := metav1.GetControllerOf(pod).UID
	b.mu.Lock()
	first, ok := b.alike[owner]
	if !ok {
		b.alike[owner] = pod
	}
	b.mu.Unlock()
	if !ok {
		return
	}
	if maps.Equal(pod.Labels, first.Labels) {
		pod.Labels = first.Labels
	}
	if len(pod.OwnerReferences) == 1 && len(first.OwnerReferences) == 1 {
		pod.OwnerReferences = first.OwnerReferences // the controller, by which they were found to be alike
	}
	if slices.EqualFunc(pod.Spec.Containers, first.Spec.Containers, sameContainer) {
		pod.Spec.Containers = first.Spec.Containers
	}
	if slices.EqualFunc(pod.Spec.InitContainers, first.Spec.InitContainers, sameContainer) {
		pod.Spec.InitContainers = first.Spec.InitContainers
	}
	if pod.Spec.Affinity != nil && equality.Semantic.DeepEqual(pod.Spec.Affinity, first.Spec.Affinity) {
		pod.Spec.Affinity = first.Spec.Affinity
	}
	if len(pod.Spec.TopologySpreadConstraints) > 0 && equality.Semantic.DeepEqual(pod.Spec.TopologySpreadConstraints, first.Spec.TopologySpreadConstraints) {
		pod.Spec.TopologySpreadConstraints = first.Spec.TopologySpreadConstraints
	}
}

// sameContainer compares what reducePod leaves of a container.
func sameContainer(a, b corev1.Container) bool {
	quantities := func(a, b corev1.ResourceList) bool {
		return maps.EqualFunc(a, b, func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })
	}
	return a.Name == b.Name && a.Image == b.Image && slices.Equal(a.Ports, b.Ports) && ptr.Equal(a.RestartPolicy, b.RestartPolicy) &&
		len(a.Resources.Claims) == 0 && len(b.Resources.Claims) == 0 &&
		quantities(a.Resources.Requests, b.Resources.Requests) && quantities(a.Resources.Limits, b.Resources.Limits)
}

// well tells whether a pod runs and is ready, has never restarted, and is not on its way out.
func well(pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil || len(pod.Finalizers) > 0 {
		return false
	}
	ready := false
	for _, c := range pod.Status.Conditions {
		switch c.Type {
		case corev1.PodReady:
			ready = c.Status == corev1.ConditionTrue
		case corev1.DisruptionTarget, corev1.PodResizePending, corev1.PodResizeInProgress:
			return false
		}
	}
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range list {
			if list[i].RestartCount > 0 || list[i].LastTerminationState.Terminated != nil || !list[i].Ready {
				return false
			}
		}
	}
	return ready
}

// reducePod keeps of a pod what selectors, budgets, Services, claims and the scheduler look at.
func reducePod(pod *corev1.Pod) {
	pod.Annotations = nil
	s := &pod.Spec
	for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			c := &list[i]
			list[i] = corev1.Container{Name: c.Name, Image: c.Image, Ports: c.Ports, Resources: c.Resources, RestartPolicy: c.RestartPolicy}
		}
	}
	var volumes []corev1.Volume
	for _, v := range s.Volumes {
		if v.PersistentVolumeClaim != nil || v.Ephemeral != nil {
			volumes = append(volumes, v)
		}
	}
	pod.Spec = corev1.PodSpec{
		Volumes: volumes, InitContainers: s.InitContainers, Containers: s.Containers, EphemeralContainers: s.EphemeralContainers, RestartPolicy: s.RestartPolicy,
		ServiceAccountName: s.ServiceAccountName, NodeName: s.NodeName, HostNetwork: s.HostNetwork, Hostname: s.Hostname, Subdomain: s.Subdomain, Affinity: s.Affinity,
		SchedulerName: s.SchedulerName, PriorityClassName: s.PriorityClassName, Priority: s.Priority, RuntimeClassName: s.RuntimeClassName, Overhead: s.Overhead,
		TopologySpreadConstraints: s.TopologySpreadConstraints, ResourceClaims: s.ResourceClaims, Resources: s.Resources, ReadinessGates: s.ReadinessGates,
	}
	st := &pod.Status
	for _, list := range [][]corev1.ContainerStatus{st.InitContainerStatuses, st.ContainerStatuses} {
		for i := range list {
			c := &list[i]
			list[i] = corev1.ContainerStatus{Name: c.Name, State: c.State, Ready: c.Ready, Started: c.Started}
		}
	}
	conditions := slices.DeleteFunc(st.Conditions, func(c corev1.PodCondition) bool { return c.Type != corev1.PodReady && c.Type != corev1.ContainersReady })
	pod.Status = corev1.PodStatus{
		Phase: st.Phase, Conditions: slices.Clip(slices.Clone(conditions)), PodIP: st.PodIP, StartTime: st.StartTime, QOSClass: st.QOSClass,
		InitContainerStatuses: st.InitContainerStatuses, ContainerStatuses: st.ContainerStatuses,
	}
}

// nobodyEdits are kinds that controllers and kubelets write, and whose field managers say nothing: those
// are half of a pod's bytes.
var nobodyEdits = map[schema.GroupKind]bool{
	snapshot.PodKind: true, snapshot.ReplicaSetKind: true, snapshot.EndpointSliceKind: true, snapshot.EventKind: true, snapshot.NodeKind: true,
	snapshot.ControllerRevisionKind: true, snapshot.PVKind: true, snapshot.ServiceAcctKind: true,
}

// The field numbers of metadata in every object, and of managedFields in it. Source: generated.proto of
// k8s.io/api and of k8s.io/apimachinery/pkg/apis/meta/v1.
const (
	objectMetadata = 1
	managedFields  = 17
)

// withoutManagers is an object's protobuf form without its managedFields; what cannot be read stays as it
// is, for the decoder to say so. It reuses data.
func withoutManagers(data []byte) []byte {
	number, kind, n := protowire.ConsumeTag(data)
	if n < 0 || number != objectMetadata || kind != protowire.BytesType {
		return data
	}
	meta, m := protowire.ConsumeBytes(data[n:])
	if m < 0 {
		return data
	}
	kept := meta[:0:len(meta)]
	for rest := meta; len(rest) > 0; {
		field, _, l := protowire.ConsumeField(rest)
		if l < 0 {
			return data
		}
		if field != managedFields {
			kept = append(kept, rest[:l]...)
		}
		rest = rest[l:]
	}
	if len(kept) == len(meta) {
		return data
	}
	// The head is shorter than it was, or as long, and what follows moves up to it.
	head := protowire.AppendVarint(protowire.AppendTag(make([]byte, 0, 16), objectMetadata, protowire.BytesType), uint64(len(kept)))
	start := n + m - len(meta) - len(head)
	tail := data[n+m:]
	out := append(data[start:start:len(data)], head...)
	out = append(out, kept...)
	return append(out, tail...)
}
