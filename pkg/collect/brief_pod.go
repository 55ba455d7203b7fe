package collect

import (
	"bytes"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The fields of a pod in its protobuf form. Source: generated.proto of k8s.io/api/core/v1 and of
// k8s.io/apimachinery/pkg/apis/meta/v1.
const (
	podMetadata = 1
	podSpec     = 2
	podStatus   = 3

	specVolumes        = 1
	specContainers     = 2
	specNodeName       = 10
	specHostname       = 16
	specInitContainers = 20

	volumeOf            = 2
	volumeFromClaim     = 10
	volumeFromEphemeral = 29
)

// keptOfSpec is what selectors, budgets, Services, claims and the scheduler look at in the spec of a pod:
// restartPolicy, nodeSelector, serviceAccountName, hostNetwork, subdomain, affinity, schedulerName, tolerations,
// priorityClassName, priority, readinessGates, runtimeClassName, overhead, topologySpreadConstraints,
// ephemeralContainers, resourceClaims, resources. Volumes, containers and what differs from pod to pod are looked at
// apart.
var keptOfSpec = fieldsOf(3, 7, 8, 11, 17, 18, 19, 22, 24, 25, 28, 29, 32, 33, 34, 39, 40)

// keptOfContainer are name, image, ports, resources and restartPolicy.
var keptOfContainer = fieldsOf(1, 2, 6, 8, 24)

func fieldsOf(numbers ...protowire.Number) map[protowire.Number]bool {
	set := make(map[protowire.Number]bool, len(numbers))
	for _, n := range numbers {
		set[n] = true
	}
	return set
}

// likeness is what the pods of a controller have in common.
type likeness struct {
	form []byte // the protobuf form of spec
	spec corev1.PodSpec
}

// pod decodes a pod. Of one that is well, and whose controller was read, it keeps what others ask of it,
// and what it has in common with others is in memory once: rules change nothing.
func (b *brief) pod(data []byte, pod *corev1.Pod) error {
	var meta, spec, status []byte
	ok := eachField(data, func(number protowire.Number, _, value []byte) {
		switch number {
		case podMetadata:
			meta = value
		case podSpec:
			spec = value
		case podStatus:
			status = value
		}
	})
	if b == nil || !ok || pod.Status.Unmarshal(status) != nil || !well(&pod.Status) {
		*pod = corev1.Pod{}
		return pod.Unmarshal(withoutManagers(data))
	}
	var owner *metav1.OwnerReference
	if b.metadata(meta, &pod.ObjectMeta, false) {
		owner = metav1.GetControllerOfNoCopy(pod)
	}
	if owner == nil || pod.DeletionTimestamp != nil || len(pod.Finalizers) > 0 || !b.read[owner.UID] || !b.spec(owner.UID, spec, &pod.Spec) {
		*pod = corev1.Pod{}
		return pod.Unmarshal(withoutManagers(data))
	}
	b.mu.Lock()
	b.well[pod.UID] = true
	b.mu.Unlock()
	b.reduceStatus(&pod.Status)
	return nil
}

// spec decodes what is kept of a pod's spec; false where it cannot be read.
func (b *brief) spec(owner types.UID, data []byte, spec *corev1.PodSpec) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	form := b.buffers[0][:0]
	defer func() { b.buffers[0] = form }()
	var node, hostname string
	ok := eachField(data, func(number protowire.Number, field, value []byte) {
		switch {
		case number == specNodeName:
			node = string(value)
		case number == specHostname:
			hostname = string(value)
		case number == specContainers || number == specInitContainers:
			b.buffers[1] = only(value, keptOfContainer, b.buffers[1][:0])
			form = protowire.AppendTag(form, number, protowire.BytesType)
			form = protowire.AppendBytes(form, b.buffers[1])
		case number == specVolumes && ofClaim(value) || keptOfSpec[number]:
			form = append(form, field...)
		}
	})
	if !ok {
		return false
	}
	first, ok := b.alike[owner]
	switch {
	case ok && bytes.Equal(first.form, form):
		*spec = first.spec
	case spec.Unmarshal(form) != nil:
		return false
	case !ok:
		b.alike[owner] = likeness{bytes.Clone(form), *spec}
	}
	spec.NodeName, spec.Hostname = node, hostname
	return true
}

// ofClaim tells whether a volume is, or makes, a claim.
func ofClaim(volume []byte) bool {
	found := false
	eachField(volume, func(number protowire.Number, _, value []byte) {
		if number == volumeOf {
			eachField(value, func(number protowire.Number, _, _ []byte) {
				found = found || number == volumeFromClaim || number == volumeFromEphemeral
			})
		}
	})
	return found
}

// only adds some fields of a message to kept.
func only(message []byte, numbers map[protowire.Number]bool, kept []byte) []byte {
	if !eachField(message, func(number protowire.Number, field, _ []byte) {
		if numbers[number] {
			kept = append(kept, field...)
		}
	}) {
		return append(kept, message...) // for the decoder to say what is wrong
	}
	return kept
}

// eachField hands over the fields of a message: the whole field, and what a length-delimited one holds.
func eachField(message []byte, f func(number protowire.Number, field, value []byte)) bool {
	for len(message) > 0 {
		number, kind, head := protowire.ConsumeTag(message)
		if head < 0 {
			return false
		}
		n := protowire.ConsumeFieldValue(number, kind, message[head:])
		if n < 0 {
			return false
		}
		var value []byte
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(message[head:])
		}
		f(number, message[:head+n], value)
		message = message[head+n:]
	}
	return true
}

// well tells whether a pod runs and is ready, and has never restarted.
func well(status *corev1.PodStatus) bool {
	if status.Phase != corev1.PodRunning {
		return false
	}
	ready := false
	for _, c := range status.Conditions {
		switch c.Type {
		case corev1.PodReady:
			ready = c.Status == corev1.ConditionTrue
		case corev1.DisruptionTarget, corev1.PodResizePending, corev1.PodResizeInProgress:
			return false
		}
	}
	for _, list := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses} {
		for i := range list {
			if list[i].RestartCount > 0 || list[i].LastTerminationState.Terminated != nil || !list[i].Ready {
				return false
			}
		}
	}
	return ready
}

// asksNothing tells whether an event, in its protobuf form, is about a pod that is well.
func (b *brief) asksNothing(event []byte) bool {
	var uid types.UID
	eachField(event, func(number protowire.Number, _, about []byte) {
		if number == eventInvolvedObject {
			uid = types.UID(stringField(about, referenceUID))
		}
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.well[uid]
}

func (b *brief) reduceStatus(st *corev1.PodStatus) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, list := range [][]corev1.ContainerStatus{st.InitContainerStatuses, st.ContainerStatuses} {
		for i := range list {
			c := &list[i]
			list[i] = corev1.ContainerStatus{Name: c.Name, State: c.State, Ready: c.Ready, Started: c.Started, ImageID: b.text(c.ImageID)}
		}
	}
	conditions := slices.DeleteFunc(st.Conditions, func(c corev1.PodCondition) bool { return c.Type != corev1.PodReady })
	*st = corev1.PodStatus{
		Phase: st.Phase, Conditions: slices.Clip(slices.Clone(conditions)), PodIP: st.PodIP, StartTime: st.StartTime, QOSClass: st.QOSClass,
		InitContainerStatuses: st.InitContainerStatuses, ContainerStatuses: st.ContainerStatuses,
	}
}
